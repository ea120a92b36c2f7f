import type { LIMITS, Period, RuleKind } from '../books';

/** Texts of the pages on which teams edit their rules and their playbook. */
export interface BookMessages {
  readonly rulesTitle: string;
  readonly playbookTitle: string;
  readonly rulesHint: string;
  readonly playbookHint: string;
  readonly team: string;
  readonly everyTeam: string;
  readonly shipped: string;
  readonly edition: (version: number, by: string, when: string) => string;
  readonly inherited: string;
  readonly save: string;
  readonly saved: string;
  readonly reset: string;
  readonly changed: string;
  readonly kinds: Record<RuleKind, string>;
  readonly fields: Readonly<Record<string, string>>;
  readonly limits: Record<(typeof LIMITS)[number], string>;
  readonly limitsTitle: string;
  readonly tiers: Readonly<Record<string, string>>;
  readonly start: string;
  readonly on: (rule: string) => string;
  readonly name: string;
  readonly add: string;
  readonly addLevel: string;
  readonly remove: (what: string) => string;
  readonly tryTitle: string;
  readonly tryHint: string;
  readonly try: string;
  readonly trying: string;
  readonly period: string;
  readonly periods: Record<Period, string>;
  readonly tried: (count: number, calls: number, period: Period) => string;
  readonly triedNothing: (calls: number, period: Period) => string;
  readonly openAt: (time: string) => string;
  readonly text: string;
  readonly method: string;
  readonly phases: string;
  readonly anyPhase: string;
  readonly codes: string;
  readonly anyCode: string;
  readonly customers: string;
  readonly anyCustomer: string;
  readonly up: (what: string) => string;
  readonly down: (what: string) => string;
  readonly preview: string;
  readonly previewHint: string;
  readonly then: string;
  readonly incomplete: (ids: string) => string;
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);
const SPANS: Record<Period, string> = {
  today: 'today',
  yesterday: 'yesterday',
  week: 'in the last 7 days',
  newest: 'lately',
};
const SPANS_ZH: Record<Period, string> = {
  today: '今天',
  yesterday: '昨天',
  week: '最近 7 天',
  newest: '最近',
};

export const booksEn: BookMessages = {
  rulesTitle: 'Rules',
  playbookTitle: 'Playbook',
  rulesHint: 'What supervisors are told. A change holds for calls that begin after it.',
  playbookHint:
    'What agents are offered to say, best first. A change holds for calls that begin after it.',
  team: 'Team',
  everyTeam: 'Every team without its own',
  shipped: 'As shipped',
  edition: (version, by, when) => `Version ${version}, ${by}, ${when}`,
  inherited: 'This team has none of its own yet; saving gives it one.',
  save: 'Save',
  saved: 'Saved',
  reset: 'Back to what is shipped',
  changed: 'Not saved yet',
  kinds: {
    score: 'Score held',
    slope: 'Score rises',
    phase: 'Phase lasts',
    sign: 'Sign in the words',
    tier: 'Threat',
    silence: 'Silence',
    overlap: 'Both talk',
    said: 'Words said',
    not_said: 'Words not said',
  },
  fields: {
    score: 'score',
    hold_s: 'for (s)',
    points: 'points',
    within_s: 'within (s)',
    least: 'to at least',
    phases: 'phase',
    sign: 'sign',
    count: 'times',
    tier: 'whom they tell',
    party: 'who',
    words: 'words',
    after: 'after',
    severity: 'severity',
    levels: 'levels',
  },
  limits: {
    clear_score: 'Closes below score',
    clear_s: 'after (s)',
    least_open_s: 'Open at least (s)',
    cooldown_s: 'Quiet afterwards (s)',
    cap: 'Alerts at most',
    cap_s: 'within (s)',
    escalate_s: 'Escalates if nobody takes it for (s), 0: never',
  },
  limitsTitle: 'For all alerts of a call',
  tiers: { direct: 'the agent', public: 'the public', third_party: 'a third party' },
  start: 'beginning of the call',
  on: (rule) => `On: ${rule}`,
  name: 'Name',
  add: 'Add a rule',
  addLevel: 'Add a level',
  remove: (what) => `Remove ${what}`,
  tryTitle: 'Try on past calls',
  tryHint: 'Goes through finished calls with the rules as they stand on this page.',
  try: 'Try',
  trying: 'Trying …',
  period: 'Which calls',
  periods: { today: 'Today', yesterday: 'Yesterday', week: 'Last 7 days', newest: 'Newest 200' },
  tried: (count, calls, period) =>
    `Would have fired ${times(count)} ${SPANS[period]}, in ${calls} ${calls === 1 ? 'call' : 'calls'}:`,
  triedNothing: (calls, period) =>
    `Would not have fired ${SPANS[period]}, in ${calls} ${calls === 1 ? 'call' : 'calls'}.`,
  openAt: (time) => `Open the call at ${time}`,
  text: 'Line',
  method: 'Method',
  phases: 'Phases',
  anyPhase: 'any phase',
  codes: 'If the customer',
  anyCode: 'in any case',
  customers: 'Kind of customer',
  anyCustomer: 'any customer',
  up: (what) => `Move ${what} up`,
  down: (what) => `Move ${what} down`,
  preview: 'Preview',
  previewHint: 'What the agent sees in this moment:',
  then: 'On request, after that:',
  incomplete: (ids) => `Every line needs text and method in both languages: ${ids}`,
};

export const booksZh: BookMessages = {
  rulesTitle: '规则',
  playbookTitle: '话术',
  rulesHint: '哪些情况提醒主管。修改只对之后开始的通话生效。',
  playbookHint: '提示坐席说什么，最合适的在前。修改只对之后开始的通话生效。',
  team: '团队',
  everyTeam: '没有单独设置的团队',
  shipped: '出厂设置',
  edition: (version, by, when) => `第 ${version} 版，${by}，${when}`,
  inherited: '这个团队还没有单独设置，保存后即有。',
  save: '保存',
  saved: '已保存',
  reset: '恢复出厂设置',
  changed: '尚未保存',
  kinds: {
    score: '分数持续',
    slope: '分数上升',
    phase: '阶段持续',
    sign: '话语信号',
    tier: '扬言投诉',
    silence: '沉默',
    overlap: '双方抢话',
    said: '说了某些话',
    not_said: '没说某些话',
  },
  fields: {
    score: '分数',
    hold_s: '持续（秒）',
    points: '上升分数',
    within_s: '在（秒）内',
    least: '至少达到',
    phases: '阶段',
    sign: '信号',
    count: '次数',
    tier: '告诉谁',
    party: '谁',
    words: '词语',
    after: '起点',
    severity: '级别',
    levels: '分级',
  },
  limits: {
    clear_score: '低于此分数关闭',
    clear_s: '持续（秒）',
    least_open_s: '至少打开（秒）',
    cooldown_s: '之后静默（秒）',
    cap: '警报最多',
    cap_s: '在（秒）内',
    escalate_s: '无人处理多久后升级（秒，0 为从不）',
  },
  limitsTitle: '适用于一通电话的全部警报',
  tiers: { direct: '坐席', public: '公众', third_party: '第三方' },
  start: '通话开始',
  on: (rule) => `启用：${rule}`,
  name: '名称',
  add: '添加规则',
  addLevel: '添加一级',
  remove: (what) => `删除 ${what}`,
  tryTitle: '用以往通话试运行',
  tryHint: '用本页当前的规则，把已结束的通话过一遍。',
  try: '试运行',
  trying: '正在试运行…',
  period: '哪些通话',
  periods: { today: '今天', yesterday: '昨天', week: '最近 7 天', newest: '最近 200 通' },
  tried: (count, calls, period) => `${SPANS_ZH[period]} ${calls} 通电话中会触发 ${count} 次：`,
  triedNothing: (calls, period) => `${SPANS_ZH[period]} ${calls} 通电话中不会触发。`,
  openAt: (time) => `打开通话，从 ${time} 开始`,
  text: '话术',
  method: '方法',
  phases: '阶段',
  anyPhase: '任何阶段',
  codes: '客户的信号',
  anyCode: '任何情况',
  customers: '客户类型',
  anyCustomer: '任何客户',
  up: (what) => `上移 ${what}`,
  down: (what) => `下移 ${what}`,
  preview: '预览',
  previewHint: '这一刻坐席会看到：',
  then: '点“换一句”依次出现：',
  incomplete: (ids) => `每条话术的两种语言都要有内容和方法：${ids}`,
};
