/**
 * What is known of one call, folded from its log. Pure: the same entries give the
 * same state on the board, on the agent's screen and in the audit page.
 */

import type {
  Bodies,
  CallEndReason,
  Consent,
  Degradation,
  Entry,
  Evidence,
  HostilityPoint,
  Party,
  PartialWords,
  Phase,
  Severity,
  WordHit,
} from './events';

/** A stretch of the call in one phase; the last one has no end yet. */
export interface PhaseSpan {
  readonly phase: Phase;
  readonly start_s: number;
  readonly end_s: number | null;
}

export interface SpeechSpan {
  readonly party: Party;
  readonly start_s: number;
  readonly end_s: number;
}

export interface Utterance {
  readonly id: string;
  readonly party: Party;
  readonly start_s: number;
  readonly end_s: number;
  readonly text: string;
  readonly language: string;
  readonly hits: readonly WordHit[];
}

/** Words of an utterance that goes on; `ended_s` when the voice has stopped. */
export interface PartialUtterance {
  readonly start_s: number;
  readonly text: string;
  readonly ended_s: number | null;
}

export type AlertState = 'open' | 'escalated' | 'acknowledged' | 'closed';

export interface Alert {
  readonly id: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly state: AlertState;
  readonly at_s: number;
  readonly escalated_s: number | null;
  readonly by: string | null;
  readonly evidence: readonly Evidence[];
}

export type CueStep =
  | 'armed'
  | 'counting'
  | 'released'
  | 'followed'
  | 'ignored'
  | 'withdrawn';

export interface Cue {
  readonly id: string;
  readonly step: CueStep;
  /** When it was armed first. */
  readonly armed_s: number;
  /** When the last step was taken. */
  readonly at_s: number;
  readonly count: { readonly start_s: number; readonly until_s: number } | null;
  readonly line: { readonly text: string; readonly language: string } | null;
  /** How long the agent waited, once that is known. */
  readonly pause_s: number | null;
}

export interface SupervisorNote {
  readonly seq: number;
  readonly at_s: number;
  readonly text: string;
  readonly by: string;
}

export interface CallState {
  readonly id: string;
  /** Sequence number of the last entry taken. */
  readonly seq: number;
  readonly agentId: string;
  readonly customerRef: string;
  readonly language: string | null;
  readonly parties: readonly Party[];
  readonly consent: Consent;
  readonly startedAt: string;
  readonly points: readonly HostilityPoint[];
  readonly phases: readonly PhaseSpan[];
  readonly speech: readonly SpeechSpan[];
  /** In the order in which they were begun. */
  readonly utterances: readonly Utterance[];
  readonly partials: Readonly<Partial<Record<Party, PartialUtterance>>>;
  readonly alerts: readonly Alert[];
  readonly cues: readonly Cue[];
  readonly notes: readonly SupervisorNote[];
  readonly degraded: readonly Degradation[];
  readonly interruptions: Readonly<Record<Party, number>>;
  readonly paused: boolean;
  readonly peak: number;
  readonly ended: { readonly reason: CallEndReason; readonly duration_s: number } | null;
}

type Draft = { -readonly [K in keyof CallState]: CallState[K] };

export const newCall = (id: string): CallState => ({
  id,
  seq: 0,
  agentId: '',
  customerRef: '',
  language: null,
  parties: [],
  consent: 'unknown',
  startedAt: '',
  points: [],
  phases: [],
  speech: [],
  utterances: [],
  partials: {},
  alerts: [],
  cues: [],
  notes: [],
  degraded: [],
  interruptions: { customer: 0, agent: 0, unknown: 0 },
  paused: false,
  peak: 0,
  ended: null,
});

/** An entry is missing before this one: the state is no longer the call's. */
export class GapError extends Error {
  override name = 'GapError';

  constructor(
    readonly callId: string,
    readonly expected: number,
    readonly got: number,
  ) {
    super(`call ${callId}: expected entry ${expected}, got ${got}; ask for a snapshot`);
  }
}

/** How long words without a final stay on screen after the voice has stopped. */
const PARTIAL_KEPT_S = 6;

/**
 * Take `entries`, in order, into `call`. Entries known already are passed over.
 *
 * @throws GapError an entry is missing; `call` itself is unchanged.
 */
export function fold(call: CallState, entries: readonly Entry[]): CallState {
  const fresh = entries.filter((entry) => entry.seq > call.seq);
  if (fresh.length === 0) return call;
  const draft: Draft = { ...call };
  // The three that grow by the second are copied once for the batch, and only where it
  // has something for them: who draws them need not draw them again.
  const kinds = new Set(fresh.map((entry) => entry.kind));
  const points = kinds.has('HostilityPoint') ? [...call.points] : [];
  const speech = kinds.has('SpeechEnded') ? [...call.speech] : [];
  const said = kinds.has('TranscriptFinal') || kinds.has('WordsRead');
  const utterances = said ? [...call.utterances] : [];
  if (kinds.has('HostilityPoint')) draft.points = points;
  if (kinds.has('SpeechEnded')) draft.speech = speech;
  if (said) draft.utterances = utterances;
  for (const entry of fresh) {
    if (entry.seq !== draft.seq + 1) throw new GapError(call.id, draft.seq + 1, entry.seq);
    draft.seq = entry.seq;
    step(draft, { points, speech, utterances }, entry);
    dropStalePartials(draft, entry.at_s);
  }
  return draft;
}

/** Take words that may still change; they never outlive their final words. */
export function foldPartial(call: CallState, message: PartialWords): CallState {
  const { party, start_s, text } = message;
  const spoken = call.utterances.findLast((it) => it.party === party);
  if (call.ended !== null || (spoken !== undefined && start_s < spoken.end_s)) return call;
  return withPartial(call, party, text === '' ? null : { start_s, text, ended_s: null });
}

interface Growing {
  readonly points: HostilityPoint[];
  readonly speech: SpeechSpan[];
  readonly utterances: Utterance[];
}

function step(draft: Draft, growing: Growing, entry: Entry): void {
  switch (entry.kind) {
    case 'CallStarted':
      draft.agentId = entry.body.agent_id;
      draft.customerRef = entry.body.customer_ref;
      draft.language = entry.body.language;
      draft.parties = entry.body.parties;
      draft.consent = entry.body.consent;
      draft.startedAt = entry.body.started_at;
      return;
    case 'SpeechEnded':
      growing.speech.push(entry.body);
      endPartial(draft, entry.body);
      return;
    case 'TranscriptFinal':
      addUtterance(draft, growing.utterances, entry.body);
      return;
    case 'WordsRead':
      addHits(growing.utterances, entry.body);
      return;
    case 'LanguageDetected':
      draft.language = entry.body.language;
      return;
    case 'HostilityPoint':
      growing.points.push(entry.body);
      draft.peak = Math.max(draft.peak, entry.body.score);
      draft.phases = intoPhase(draft.phases, entry.body.phase, entry.body.at_s);
      return;
    case 'PhaseChanged':
      draft.phases = intoPhase(draft.phases, entry.body.after, entry.body.at_s);
      return;
    case 'Interrupted':
      draft.interruptions = {
        ...draft.interruptions,
        [entry.body.by]: draft.interruptions[entry.body.by] + 1,
      };
      return;
    case 'AlertOpened':
    case 'AlertEscalated':
    case 'AlertAcknowledged':
    case 'AlertClosed':
      draft.alerts = foldAlert(draft.alerts, entry);
      return;
    case 'CueArmed':
    case 'CueCounting':
    case 'CueReleased':
    case 'CueWithdrawn':
    case 'CueFollowed':
    case 'CueIgnored':
      draft.cues = foldCue(draft.cues, entry);
      return;
    case 'Note':
      draft.notes = [...draft.notes, { seq: entry.seq, at_s: entry.at_s, ...entry.body }];
      return;
    case 'Degraded':
      draft.degraded = [...draft.degraded.filter((it) => it !== entry.body.what), entry.body.what];
      return;
    case 'Recovered':
      draft.degraded = draft.degraded.filter((it) => it !== entry.body.what);
      return;
    case 'ConsentChanged':
      draft.consent = entry.body.consent;
      return;
    case 'Paused':
      draft.paused = true;
      return;
    case 'Resumed':
      draft.paused = false;
      return;
    case 'CallEnded':
      draft.ended = entry.body;
      draft.partials = {};
      return;
    default:
      // Kinds that no screen shows, and those of a service newer than this page.
      return;
  }
}

function intoPhase(phases: readonly PhaseSpan[], phase: Phase, at_s: number): readonly PhaseSpan[] {
  const last = phases.at(-1);
  if (last === undefined) return [{ phase, start_s: 0, end_s: null }];
  if (last.phase === phase) return phases;
  return [...phases.slice(0, -1), { ...last, end_s: at_s }, { phase, start_s: at_s, end_s: null }];
}

function addUtterance(
  draft: Draft,
  utterances: Utterance[],
  body: Bodies['TranscriptFinal'],
): void {
  const { utterance_id, party, start_s, end_s, text, language } = body;
  const after = utterances.findLastIndex((it) => it.start_s <= start_s);
  utterances.splice(after + 1, 0, {
    id: utterance_id,
    party,
    start_s,
    end_s,
    text,
    language,
    hits: [],
  });
  const partial = draft.partials[party];
  if (partial !== undefined && partial.start_s < end_s) {
    draft.partials = { ...draft.partials };
    delete (draft.partials as Partial<Record<Party, PartialUtterance>>)[party];
  }
}

function addHits(utterances: Utterance[], body: Bodies['WordsRead']): void {
  const at = utterances.findLastIndex((it) => it.id === body.utterance_id);
  const utterance = utterances[at];
  if (utterance !== undefined) utterances[at] = { ...utterance, hits: body.reading.hits };
}

function withPartial(
  call: CallState,
  party: Party,
  partial: PartialUtterance | null,
): CallState {
  const partials: Partial<Record<Party, PartialUtterance>> = { ...call.partials };
  if (partial === null) delete partials[party];
  else partials[party] = partial;
  return { ...call, partials };
}

function endPartial(draft: Draft, body: Bodies['SpeechEnded']): void {
  const partial = draft.partials[body.party];
  if (partial !== undefined && partial.start_s < body.end_s) {
    draft.partials = {
      ...draft.partials,
      [body.party]: { ...partial, ended_s: body.end_s },
    };
  }
}

function dropStalePartials(draft: Draft, at_s: number): void {
  for (const [party, partial] of Object.entries(draft.partials)) {
    if (partial.ended_s === null || at_s <= partial.ended_s + PARTIAL_KEPT_S) continue;
    draft.partials = withPartial(draft, party as Party, null).partials;
  }
}

type AlertEntry = Extract<Entry, { kind: `Alert${string}` }>;

function foldAlert(alerts: readonly Alert[], entry: AlertEntry): readonly Alert[] {
  if (entry.kind === 'AlertOpened') {
    const { alert_id, rule, severity, at_s, evidence } = entry.body;
    const alert: Alert = {
      id: alert_id,
      rule,
      severity,
      state: 'open',
      at_s,
      escalated_s: null,
      by: null,
      evidence,
    };
    return [...alerts, alert];
  }
  return alerts.map((alert) =>
    alert.id === entry.body.alert_id ? nextAlert(alert, entry) : alert,
  );
}

function nextAlert(alert: Alert, entry: Exclude<AlertEntry, { kind: 'AlertOpened' }>): Alert {
  switch (entry.kind) {
    case 'AlertEscalated': {
      const { severity, at_s, evidence } = entry.body;
      return { ...alert, severity, evidence, state: 'escalated', escalated_s: at_s };
    }
    case 'AlertAcknowledged':
      return { ...alert, state: 'acknowledged', by: entry.body.by };
    case 'AlertClosed':
      return { ...alert, state: 'closed' };
  }
}

type CueEntry = Extract<Entry, { kind: `Cue${string}` }>;

function foldCue(cues: readonly Cue[], entry: CueEntry): readonly Cue[] {
  const id = entry.body.cue_id;
  const known = cues.find((cue) => cue.id === id);
  const cue = nextCue(known ?? unarmed(id, entry.at_s), entry);
  return known === undefined ? [...cues, cue] : cues.map((it) => (it === known ? cue : it));
}

const unarmed = (id: string, at_s: number): Cue => ({
  id,
  step: 'armed',
  armed_s: at_s,
  at_s,
  count: null,
  line: null,
  pause_s: null,
});

function nextCue(cue: Cue, entry: CueEntry): Cue {
  switch (entry.kind) {
    case 'CueArmed':
      return { ...cue, step: 'armed', at_s: entry.body.at_s, count: null };
    case 'CueCounting': {
      const { start_s, until_s } = entry.body;
      return { ...cue, step: 'counting', at_s: start_s, count: { start_s, until_s } };
    }
    case 'CueReleased': {
      const { at_s, text, language } = entry.body;
      return { ...cue, step: 'released', at_s, line: { text, language } };
    }
    case 'CueWithdrawn':
      return { ...cue, step: 'withdrawn', at_s: entry.body.at_s };
    case 'CueFollowed':
      return { ...cue, step: 'followed', at_s: entry.body.at_s, pause_s: entry.body.pause_s };
    case 'CueIgnored':
      return { ...cue, step: 'ignored', at_s: entry.body.at_s, pause_s: entry.body.pause_s };
  }
}

/** What the customer's curve says now; null before its first point. */
export const current = (call: CallState): HostilityPoint | null => call.points.at(-1) ?? null;

/** Alerts that wait for somebody to take them. */
export const waiting = (call: CallState): readonly Alert[] =>
  call.ended === null
    ? call.alerts.filter((it) => it.state === 'open' || it.state === 'escalated')
    : [];

/** The point that holds at `at_s`: the last one not after it. */
export function pointAt(call: CallState, at_s: number): HostilityPoint | null {
  let low = 0;
  let high = call.points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((call.points[middle]?.at_s ?? Infinity) <= at_s) low = middle + 1;
    else high = middle;
  }
  return call.points[low - 1] ?? null;
}

/** Newest words of a party: those still being said, else the last ones said. */
export function lastWords(
  call: CallState,
  party: Party,
): { readonly text: string; readonly language: string | null; readonly partial: boolean } | null {
  const partial = call.partials[party];
  if (partial !== undefined) {
    return { text: partial.text, language: call.language, partial: true };
  }
  const said = call.utterances.findLast((it) => it.party === party);
  return said === undefined ? null : { text: said.text, language: said.language, partial: false };
}
