/** A made-up call as the service would log it: for `npm run dev` and for tests. */

import type { Bodies, Entry, Evidence, Kind, Party, Phase, WordSign } from '../src/lib/events';

interface Line {
  readonly party: Party;
  readonly start_s: number;
  readonly end_s: number;
  readonly text: string;
  readonly hits?: readonly (readonly [WordSign, string])[];
}

export interface Script {
  readonly language: 'en' | 'zh';
  readonly lines: readonly Line[];
  readonly opening: string;
  readonly supervisorNote: string;
}

const LINES_EN: readonly Line[] = [
  { party: 'agent', start_s: 0.6, end_s: 3.4, text: 'Good morning, Northwind Internet, how can I help you?' },
  { party: 'customer', start_s: 4.2, end_s: 9.5, text: 'Hello. My connection drops every evening, and it has been like that for two weeks.' },
  { party: 'agent', start_s: 10.4, end_s: 13.6, text: 'I am sorry to hear that. May I have your customer number?' },
  {
    party: 'customer',
    start_s: 14.3,
    end_s: 22,
    text: 'This is the third time I call about this. You people always ask for the number and then nothing happens.',
    hits: [['repeated_contact', 'third time I call'], ['blame', 'You people always']],
  },
  { party: 'agent', start_s: 22.4, end_s: 25, text: 'I understand, but without the number I cannot see anything.' },
  {
    party: 'customer',
    start_s: 24.6,
    end_s: 34.5,
    text: 'That is ridiculous! I have been paying for nothing, and if this is not fixed today I go to the regulator.',
    hits: [['anger', 'That is ridiculous'], ['third_party_threat', 'I go to the regulator']],
  },
  {
    party: 'customer',
    start_s: 35.4,
    end_s: 41.8,
    text: 'Every single time the same useless excuses. Get me your supervisor, now!',
    hits: [['insult', 'useless excuses'], ['supervisor', 'Get me your supervisor']],
  },
  { party: 'agent', start_s: 47.4, end_s: 54, text: 'You have every right to be upset. Three calls and no answer: I would feel the same. We will sort this out together.' },
  { party: 'customer', start_s: 55, end_s: 60.5, text: 'Well. I just want somebody to take care of it, that is all.' },
  { party: 'agent', start_s: 61.5, end_s: 68, text: 'That is fair. I see the line drops at eight every evening. Since when exactly have you noticed it?' },
  { party: 'customer', start_s: 69, end_s: 74, text: 'Since the storm, I think. About the fourth of the month.' },
  { party: 'agent', start_s: 75, end_s: 82, text: 'Then I book a technician for tomorrow at nine, and I call you myself in the afternoon. Does that suit you?' },
  {
    party: 'customer',
    start_s: 83,
    end_s: 88.5,
    text: 'Tomorrow at nine is fine. Thank you, that is all I wanted.',
    hits: [['thanks', 'Thank you'], ['relief', 'that is all I wanted']],
  },
  { party: 'agent', start_s: 89.2, end_s: 92, text: 'Thank you for your patience. Goodbye.' },
];

const LINES_ZH: readonly Line[] = [
  { party: 'agent', start_s: 0.6, end_s: 3.4, text: '您好，北风宽带客服，请问有什么可以帮您？' },
  { party: 'customer', start_s: 4.2, end_s: 9.5, text: '你好，我家的网每天晚上都断，已经两个星期了。' },
  { party: 'agent', start_s: 10.4, end_s: 13.6, text: '非常抱歉，请提供一下您的客户编号。' },
  {
    party: 'customer',
    start_s: 14.3,
    end_s: 22,
    text: '我这是第三次打电话了，你们每次都问编号，然后就没有下文。',
    hits: [['repeated_contact', '第三次打电话'], ['blame', '你们每次都']],
  },
  { party: 'agent', start_s: 22.4, end_s: 25, text: '我理解，不过没有编号我这边查不到。' },
  {
    party: 'customer',
    start_s: 24.6,
    end_s: 34.5,
    text: '太过分了！我交了钱什么都没用上，今天再不解决我就打12315投诉。',
    hits: [['anger', '太过分了'], ['third_party_threat', '打12315投诉']],
  },
  {
    party: 'customer',
    start_s: 35.4,
    end_s: 41.8,
    text: '每次都是这些没用的借口，马上叫你们主管来！',
    hits: [['insult', '没用的借口'], ['supervisor', '叫你们主管来']],
  },
  { party: 'agent', start_s: 47.4, end_s: 54, text: '您生气是应该的。打了三次都没有结果，换作是我也一样。我们一起把它解决。' },
  { party: 'customer', start_s: 55, end_s: 60.5, text: '唉，我就是想有个人负责到底。' },
  { party: 'agent', start_s: 61.5, end_s: 68, text: '您说得对。我看到线路每晚八点中断，请问是从什么时候开始的？' },
  { party: 'customer', start_s: 69, end_s: 74, text: '应该是暴雨以后，四号左右吧。' },
  { party: 'agent', start_s: 75, end_s: 82, text: '那我安排师傅明天上午九点上门，下午我亲自给您回电，您看可以吗？' },
  {
    party: 'customer',
    start_s: 83,
    end_s: 88.5,
    text: '明天九点可以，谢谢你，这样我就放心了。',
    hits: [['thanks', '谢谢你'], ['relief', '放心了']],
  },
  { party: 'agent', start_s: 89.2, end_s: 92, text: '谢谢您的耐心，再见。' },
];

export const SCRIPTS: Readonly<Record<'en' | 'zh', Script>> = {
  en: {
    language: 'en',
    lines: LINES_EN,
    opening: 'You have every right to be upset. Let me take care of this with you.',
    supervisorNote: 'You may offer one month free.',
  },
  zh: {
    language: 'zh',
    lines: LINES_ZH,
    opening: '您生气是应该的，这件事我来和您一起处理。',
    supervisorNote: '可以减免一个月费用。',
  },
};

export const SCRIPT_S = 94;

/** Score, and from when on a phase holds. */
const KNOTS: readonly (readonly [number, number])[] = [
  [4, 9], [10, 14], [15, 22], [22, 44], [28, 63], [34, 79], [41, 88], [47, 82], [54, 66],
  [60, 49], [68, 33], [76, 24], [84, 14], [94, 9],
];
const PHASE_FROM: readonly (readonly [number, Phase])[] = [
  [0, 'rational'], [18, 'take_off'], [32, 'peak'], [49, 'slow_down'], [62, 'cool_down'],
  [80, 'problem_solving'],
];

function scoreAt(at_s: number): number {
  const after = KNOTS.findIndex(([knot_s]) => knot_s >= at_s);
  const [from_s, from] = KNOTS[Math.max(0, after - 1)] ?? [0, 0];
  const [to_s, to] = KNOTS[after < 0 ? KNOTS.length - 1 : after] ?? [1, 0];
  const share = to_s === from_s ? 0 : (at_s - from_s) / (to_s - from_s);
  return from + (to - from) * Math.min(1, share) + 2 * Math.sin(at_s * 1.7);
}

const phaseAt = (at_s: number): Phase =>
  PHASE_FROM.findLast(([from_s]) => at_s >= from_s)?.[1] ?? 'rational';

function evidenceAt(script: Script, at_s: number): Evidence[] {
  const found: Evidence[] = [];
  const score = scoreAt(at_s);
  const span = { start_s: at_s - 3, end_s: at_s };
  if (score > 30) {
    found.push({ source: 'voice', code: 'voice_anger', weight: score / 3, value: score / 100, ...span });
  }
  for (const line of script.lines) {
    if (line.hits === undefined || line.end_s > at_s || line.end_s < at_s - 25) continue;
    for (const [sign] of line.hits) {
      const weight = sign === 'thanks' || sign === 'relief' ? -8 : 11;
      found.push({ source: 'words', code: sign, weight, value: 1, start_s: line.start_s, end_s: line.end_s });
    }
  }
  if (score > 60) {
    found.push({ source: 'voice', code: 'voice_louder', weight: 7, value: 6.4, ...span });
    found.push({ source: 'turns', code: 'customer_interrupts', weight: 4, value: 2, ...span });
  }
  return found.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight)).slice(0, 5);
}

export interface CallParams {
  readonly callId: string;
  readonly agentId: string;
  readonly customerRef: string;
  readonly startedAt: string;
}

/** The whole log of one made-up call, numbered from 1. */
export function callEntries(script: Script, params: CallParams): Entry[] {
  const timed: { at_s: number; kind: Kind; body: Bodies[Kind] }[] = [];
  const add = <K extends Kind>(at_s: number, kind: K, body: Bodies[K]): void => {
    timed.push({ at_s, kind, body });
  };
  add(0, 'CallStarted', {
    call_id: params.callId,
    agent_id: params.agentId,
    customer_ref: params.customerRef,
    language: script.language,
    parties: ['customer', 'agent'],
    consent: 'granted',
    started_at: params.startedAt,
    models: ['whisper-base', 'voice-1', 'words-1'],
    team: 'home',
  });
  script.lines.forEach((line, index) => {
    const { party, start_s, end_s, text } = line;
    const utterance_id = `u${index + 1}`;
    add(start_s + 0.2, 'SpeechStarted', { party, start_s });
    add(end_s + 0.6, 'SpeechEnded', { party, start_s, end_s });
    add(end_s + 1.2, 'TranscriptFinal', {
      utterance_id,
      party,
      start_s,
      end_s,
      text,
      language: script.language,
      confidence: 0.9,
    });
    if (party !== 'customer') return;
    const hits = (line.hits ?? []).map(([sign, words]) => {
      const start = [...text.slice(0, text.indexOf(words))].length;
      return { sign, start, end: start + [...words].length };
    });
    add(end_s + 1.2, 'WordsRead', {
      utterance_id,
      reading: {
        start_s,
        end_s,
        hostility: hits.length > 0 ? 0.5 : 0,
        tier: null,
        hits,
        language: script.language,
        model: 'words-1',
      },
    });
  });
  for (let at_s = 5; at_s < SCRIPT_S; at_s += 1) {
    const score = Math.max(0, Math.min(100, scoreAt(at_s)));
    const wide = 5 + 4 * Math.abs(Math.sin(at_s / 9));
    add(at_s, 'HostilityPoint', {
      at_s,
      score,
      low: Math.max(0, score - wide),
      high: Math.min(100, score + wide),
      phase: phaseAt(at_s),
      evidence: evidenceAt(script, at_s),
    });
    const before = phaseAt(at_s - 1);
    if (before !== phaseAt(at_s)) {
      add(at_s, 'PhaseChanged', { at_s, before, after: phaseAt(at_s), score });
    }
  }
  add(24.6, 'Interrupted', { by: 'customer', at_s: 24.6 });
  add(23.5, 'AlertOpened', { alert_id: 'a1', rule: 'repeated_contact', severity: 'notice', at_s: 23.5, evidence: evidenceAt(script, 23.5) });
  add(29, 'AlertOpened', { alert_id: 'a2', rule: 'hostility', severity: 'warning', at_s: 29, evidence: evidenceAt(script, 29) });
  add(35.7, 'AlertOpened', { alert_id: 'a3', rule: 'third_party_threat', severity: 'warning', at_s: 35.7, evidence: evidenceAt(script, 36) });
  add(39, 'AlertEscalated', { alert_id: 'a2', severity: 'critical', at_s: 39, evidence: evidenceAt(script, 39), reason: 'worse' });
  add(70, 'AlertClosed', { alert_id: 'a2', reason: 'calmed', at_s: 70, by: '', text: '' });
  add(31, 'CueArmed', { cue_id: 'c1', at_s: 31, p: 0.71 });
  add(35, 'CueCounting', { cue_id: 'c1', start_s: 34.5, until_s: 39.5 });
  add(35.6, 'CueArmed', { cue_id: 'c1', at_s: 35.6, p: 0.8 });
  add(42.4, 'CueCounting', { cue_id: 'c1', start_s: 41.8, until_s: 46.8 });
  add(46.8, 'CueReleased', { cue_id: 'c1', at_s: 46.8, line_id: 'feel-1', text: script.opening, language: script.language });
  add(47.6, 'CueFollowed', { cue_id: 'c1', at_s: 47.4, pause_s: 5.6 });
  add(57, 'Note', { text: script.supervisorNote, by: script.language === 'zh' ? '王主管' : 'Maria' });
  for (const alert_id of ['a1', 'a3']) {
    add(SCRIPT_S, 'AlertClosed', {
      alert_id,
      reason: 'call_ended',
      at_s: SCRIPT_S,
      by: '',
      text: '',
    });
  }
  add(SCRIPT_S, 'CallEnded', { reason: 'completed', duration_s: SCRIPT_S });
  return timed
    .sort((a, b) => a.at_s - b.at_s)
    .map((it, index) => ({ seq: index + 1, ...it }) as Entry);
}
