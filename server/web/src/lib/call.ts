/**
 * What is known of one call, folded from its log. Pure: the same entries give the
 * same state on the board, on the agent's screen and in the audit page.
 */

import type {
  AlertEnd,
  Bodies,
  CallEndReason,
  Consent,
  CustomerKind,
  Degradation,
  Entry,
  Evidence,
  HelpReason,
  HostilityPoint,
  Party,
  PartialWords,
  Phase,
  Severity,
  Span,
  Totals,
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

export type AlertState = 'open' | 'escalated' | 'acknowledged' | 'snoozed' | 'closed';

export interface Alert {
  readonly id: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly state: AlertState;
  readonly at_s: number;
  readonly escalations: readonly {
    readonly at_s: number;
    /** Because nobody took it, not because it got worse. */
    readonly untaken: boolean;
  }[];
  /** Who took, snoozed or closed it. */
  readonly by: string | null;
  /** When somebody took it first. */
  readonly taken_s: number | null;
  readonly snoozed_until_s: number | null;
  readonly closed: { readonly at_s: number; readonly reason: AlertEnd; readonly text: string } | null;
  /** Why the agent called, for an alert that is a call for help. */
  readonly help: { readonly reason: HelpReason; readonly text: string } | null;
  readonly evidence: readonly Evidence[];
}

export type CueStep =
  | 'armed'
  | 'counting'
  | 'released'
  | 'followed'
  | 'ignored'
  | 'withdrawn';

export interface OpeningLine {
  readonly text: string;
  readonly language: string;
}

export interface Cue {
  readonly id: string;
  readonly step: CueStep;
  /** When it was armed first. */
  readonly armed_s: number;
  /** When the last step was taken. */
  readonly at_s: number;
  readonly count: { readonly start_s: number; readonly until_s: number } | null;
  readonly line: OpeningLine | null;
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
  readonly team: string;
  readonly customerRef: string;
  /** What the customer wants most, once that is clear. */
  readonly customer: CustomerKind | null;
  readonly language: string | null;
  readonly parties: readonly Party[];
  /** Who the voices on a line with one channel are taken for; null with two channels. */
  readonly roles: Bodies['RolesAssigned'] | null;
  readonly consent: Consent;
  readonly startedAt: string;
  readonly points: readonly HostilityPoint[];
  readonly phases: readonly PhaseSpan[];
  readonly speech: readonly SpeechSpan[];
  /** Seconds each party has spoken. */
  readonly spoken_s: Readonly<Record<Party, number>>;
  /** Seconds in which both spoke. */
  readonly overlap_s: number;
  /** In the order in which they were begun. */
  readonly utterances: readonly Utterance[];
  readonly partials: Readonly<Partial<Record<Party, PartialUtterance>>>;
  readonly alerts: readonly Alert[];
  readonly cues: readonly Cue[];
  /** A line the agent asked for outside of a cue. */
  readonly offered: (OpeningLine & { readonly at_s: number }) | null;
  readonly muted: boolean;
  /** Why the agent last called for help. */
  readonly help: Alert['help'];
  /** Who listens in. */
  readonly listeners: readonly string[];
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
  team: '',
  customerRef: '',
  customer: null,
  language: null,
  parties: [],
  roles: null,
  consent: 'unknown',
  startedAt: '',
  points: [],
  phases: [],
  speech: [],
  spoken_s: { customer: 0, agent: 0, unknown: 0 },
  overlap_s: 0,
  utterances: [],
  partials: {},
  alerts: [],
  cues: [],
  offered: null,
  muted: false,
  help: null,
  listeners: [],
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
 * @param span which part of the log this is, where some of it was left out; without
 *   it no entry may be missing.
 * @throws GapError an entry is missing; `call` itself is unchanged.
 */
export function fold(call: CallState, entries: readonly Entry[], span?: Span): CallState {
  const fresh = entries.filter((entry) => entry.seq > call.seq);
  if (span !== undefined && span.from > call.seq) {
    throw new GapError(call.id, call.seq + 1, span.from + 1);
  }
  const seq = Math.max(call.seq, span?.to ?? 0);
  if (fresh.length === 0) return seq === call.seq ? call : { ...call, seq };
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
    // A log that was started over begins with a later number.
    const begins = draft.seq === 0 && entry.kind === 'CallStarted';
    if (span === undefined && entry.seq !== draft.seq + 1 && !begins) {
      throw new GapError(call.id, draft.seq + 1, entry.seq);
    }
    draft.seq = entry.seq;
    step(draft, { points, speech, utterances }, entry);
    dropStalePartials(draft, entry.at_s);
  }
  draft.seq = Math.max(draft.seq, seq);
  return draft;
}

/** Begin a call that a board was sent only a part of: `totals` is what the rest adds up to. */
export function newThinCall(id: string, totals: Totals): CallState {
  const call = newCall(id);
  return {
    ...call,
    spoken_s: { ...call.spoken_s, ...totals.spoken_s },
    interruptions: { ...call.interruptions, ...totals.interruptions },
    peak: totals.peak,
  };
}

/** Points that a board draws: three minutes, and a few to begin with. */
const BOARD_POINTS = 190;

/** Forget what a board does not show, so that a long call takes no more room than a short one. */
export function thin(call: CallState): CallState {
  const last = new Set(Object.values(lastUtterances(call)));
  if (
    call.points.length <= 2 * BOARD_POINTS &&
    call.speech.length === 0 &&
    call.utterances.length === last.size
  ) {
    return call;
  }
  return {
    ...call,
    points: call.points.slice(-BOARD_POINTS),
    utterances: call.utterances.filter((it) => last.has(it)),
    speech: [],
  };
}

function lastUtterances(call: CallState): Partial<Record<Party, Utterance>> {
  const last: Partial<Record<Party, Utterance>> = {};
  for (const utterance of call.utterances) last[utterance.party] = utterance;
  return last;
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
      draft.team = entry.body.team ?? '';
      draft.customerRef = entry.body.customer_ref;
      draft.language = entry.body.language;
      draft.parties = entry.body.parties;
      draft.consent = entry.body.consent;
      draft.startedAt = entry.body.started_at;
      return;
    case 'StartedOver':
      // What follows takes the place of everything before.
      growing.points.length = growing.speech.length = growing.utterances.length = 0;
      Object.assign(draft, newCall(draft.id), { seq: entry.seq, ...growing });
      return;
    case 'RolesAssigned':
      draft.roles = entry.body;
      return;
    case 'SpeechEnded':
      growing.speech.push(entry.body);
      draft.spoken_s = {
        ...draft.spoken_s,
        [entry.body.party]:
          draft.spoken_s[entry.body.party] + entry.body.end_s - entry.body.start_s,
      };
      endPartial(draft, entry.body);
      return;
    case 'TranscriptFinal':
      addUtterance(draft, growing.utterances, entry.body);
      return;
    case 'WordsRead':
      addHits(growing.utterances, entry.body);
      return;
    case 'CustomerKindChanged':
      draft.customer = entry.body.after;
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
    case 'Overlapped':
      draft.overlap_s += entry.body.end_s - entry.body.start_s;
      return;
    case 'HelpAsked':
      draft.help = { reason: entry.body.reason, text: entry.body.text };
      draft.alerts = draft.alerts.map((it) =>
        it.rule === 'help' && it.state !== 'closed' ? { ...it, help: draft.help } : it,
      );
      return;
    case 'AlertOpened':
      draft.alerts = [...draft.alerts, openAlert(entry.body, draft.help)];
      return;
    case 'AlertEscalated':
    case 'AlertAcknowledged':
    case 'AlertSnoozed':
    case 'AlertReopened':
    case 'AlertClosed':
      draft.alerts = draft.alerts.map((alert) =>
        alert.id === entry.body.alert_id ? nextAlert(alert, entry) : alert,
      );
      return;
    case 'LineOffered':
      draft.cues = draft.cues.map((cue) =>
        cue.id === entry.body.cue_id ? { ...cue, line: entry.body } : cue,
      );
      if (entry.body.cue_id === '') draft.offered = entry.body;
      return;
    case 'CuesMuted':
      draft.muted = true;
      return;
    case 'CuesUnmuted':
      draft.muted = false;
      return;
    case 'ListeningStarted':
      draft.listeners = [...draft.listeners, entry.body.by];
      return;
    case 'ListeningEnded': {
      const at = draft.listeners.indexOf(entry.body.by);
      draft.listeners = draft.listeners.filter((_, index) => index !== at);
      return;
    }
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

function openAlert(body: Bodies['AlertOpened'], help: Alert['help']): Alert {
  const { alert_id, rule, severity, at_s, evidence } = body;
  return {
    id: alert_id,
    rule,
    severity,
    state: 'open',
    at_s,
    escalations: [],
    by: null,
    taken_s: null,
    snoozed_until_s: null,
    closed: null,
    help: rule === 'help' ? help : null,
    evidence,
  };
}

type AlertEntry = Extract<Entry, { kind: `Alert${string}` }>;

function nextAlert(alert: Alert, entry: Exclude<AlertEntry, { kind: 'AlertOpened' }>): Alert {
  switch (entry.kind) {
    case 'AlertEscalated': {
      const { severity, at_s, evidence, reason } = entry.body;
      return {
        ...alert,
        severity,
        evidence,
        state: 'escalated',
        escalations: [...alert.escalations, { at_s, untaken: reason === 'untaken' }],
        snoozed_until_s: null,
      };
    }
    case 'AlertAcknowledged': {
      const { by, at_s } = entry.body;
      const taken_s = alert.taken_s ?? at_s;
      return { ...alert, state: 'acknowledged', by, taken_s, snoozed_until_s: null };
    }
    case 'AlertSnoozed': {
      const { by, until_s } = entry.body;
      return { ...alert, state: 'snoozed', by, snoozed_until_s: until_s };
    }
    case 'AlertReopened': {
      const state = alert.escalations.length === 0 ? 'open' : 'escalated';
      return { ...alert, state, snoozed_until_s: null };
    }
    case 'AlertClosed': {
      const { at_s, reason, by = '', text = '' } = entry.body;
      return { ...alert, state: 'closed', by: by || alert.by, closed: { at_s, reason, text } };
    }
  }
}

type CueEntry = Exclude<Extract<Entry, { kind: `Cue${string}` }>, { kind: 'CuesMuted' | 'CuesUnmuted' }>;

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
