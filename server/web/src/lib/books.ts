/** Rules and playbooks of teams, as the service keeps them. Mirrors alerts/ruleset.py. */

import {
  PARTIES,
  PHASES,
  WORD_SIGNS,
  type CustomerKind,
  type Phase,
  type Severity,
  type WordSign,
} from './events';

export type BookKind = 'rules' | 'playbook';

export interface Book<Body> {
  readonly team: string;
  readonly edition: {
    readonly version: number;
    readonly team: string;
    readonly by: string;
    readonly at: string;
  };
  readonly teams: readonly string[];
  readonly body: Body;
}

export interface Level {
  score: number;
  hold_s: number;
  severity: Severity;
}

/** A rule with the fields of its kind. */
export interface Rule {
  id: string;
  kind: RuleKind;
  enabled: boolean;
  [field: string]: unknown;
}

export interface Rules {
  rule: Rule[];
  clear_score: number;
  clear_s: number;
  least_open_s: number;
  cooldown_s: number;
  cap: number;
  cap_s: number;
  escalate_s: number;
}

export const LIMITS = ['clear_score', 'clear_s', 'least_open_s', 'cooldown_s', 'cap', 'cap_s', 'escalate_s'] as const;

export type FieldType = 'number' | 'severity' | 'sign' | 'tier' | 'party' | 'phases' | 'after' | 'words' | 'levels';

/** The fields of each kind of rule, in the order in which they are shown. */
export const FIELDS = {
  score: { levels: 'levels' },
  slope: { points: 'number', within_s: 'number', least: 'number', severity: 'severity' },
  phase: { phases: 'phases', hold_s: 'number', severity: 'severity' },
  sign: { sign: 'sign', count: 'number', severity: 'severity' },
  tier: { tier: 'tier', severity: 'severity' },
  silence: { score: 'number', severity: 'severity' },
  overlap: { count: 'number', within_s: 'number', severity: 'severity' },
  said: { party: 'party', words: 'words', severity: 'severity' },
  not_said: { party: 'party', words: 'words', after: 'after', within_s: 'number', severity: 'severity' },
} as const satisfies Record<string, Record<string, FieldType>>;

export type RuleKind = keyof typeof FIELDS;
export const KINDS = Object.keys(FIELDS) as RuleKind[];

/** What can be chosen where a field is a choice. */
export const CHOICES: Partial<Record<FieldType, readonly string[]>> = {
  severity: ['notice', 'warning', 'critical'],
  sign: WORD_SIGNS,
  tier: ['direct', 'public', 'third_party'],
  party: PARTIES.filter((it) => it !== 'unknown'),
  after: ['start', ...PHASES],
};

const FRESH: Record<FieldType, unknown> = {
  number: 10,
  severity: 'notice',
  sign: 'blame',
  tier: 'public',
  party: 'customer',
  phases: ['peak'],
  after: 'start',
  words: [],
  levels: [{ score: 60, hold_s: 2, severity: 'warning' }],
};

/** A new rule of a kind, with an id that no other rule has. */
export function freshRule(kind: RuleKind, taken: readonly string[]): Rule {
  let number = 1;
  while (taken.includes(`${kind}-${number}`)) number += 1;
  const fields = Object.entries(FIELDS[kind]).map(([name, type]) => [
    name,
    structuredClone(FRESH[type]),
  ]);
  return { id: `${kind}-${number}`, kind, enabled: true, ...Object.fromEntries(fields) };
}

/** Words as somebody types them, one for each line or comma, of either language. */
export const splitWords = (text: string): string[] =>
  text
    .split(/[\n,，、;；]/)
    .map((it) => it.trim())
    .filter((it) => it !== '');

export interface Both {
  en: string;
  zh: string;
}

export interface PlaybookLine {
  id: string;
  method: Both;
  text: Both;
  phases: Phase[];
  codes: WordSign[];
  customers: CustomerKind[];
}

export interface Playbook {
  lines: PlaybookLine[];
}

export function freshLine(taken: readonly string[]): PlaybookLine {
  let number = 1;
  while (taken.includes(`line-${number}`)) number += 1;
  const empty = (): Both => ({ en: '', zh: '' });
  return { id: `line-${number}`, method: empty(), text: empty(), phases: [], codes: [], customers: [] };
}

/** Ids of lines that lack something in one of the languages. */
export const incomplete = (playbook: Playbook): readonly string[] =>
  playbook.lines
    .filter((line) => [line.text, line.method].some((it) => it.en.trim() === '' || it.zh.trim() === ''))
    .map((line) => line.id);

export const PERIODS = ['today', 'yesterday', 'week', 'newest'] as const;
export type Period = (typeof PERIODS)[number];

/** Which calls, by when they began; ISO 8601. */
export interface TimeSpan {
  readonly after?: string;
  readonly before?: string;
}

/** What a period is at `now`, by the days of this computer's place. */
export function spanOf(period: Period, now: Date): TimeSpan {
  const midnight = (days: number): string =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).toISOString();
  switch (period) {
    case 'today':
      return { after: midnight(0) };
    case 'yesterday':
      return { after: midnight(-1), before: midnight(0) };
    case 'week':
      return { after: midnight(-6) };
    case 'newest':
      return {};
  }
}

export interface Trial {
  readonly calls: number;
  readonly found: readonly {
    readonly call_id: string;
    readonly agent_id: string;
    readonly started_at: string;
    readonly rule: string;
    readonly severity: Severity;
    readonly at_s: number;
  }[];
}

/** How often each rule would have told something, most often first. */
export function countByRule(trial: Trial): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { rule } of trial.found) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}
