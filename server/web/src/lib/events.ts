/**
 * A call's log as the service sends it. Mirrors server/events.py and the events of
 * audio, models, emotion and alerts; docs/protocol.md is the contract.
 * All times are seconds of call time.
 */

export const PARTIES = ['customer', 'agent', 'unknown'] as const;
export type Party = (typeof PARTIES)[number];

/** In the order in which they come on the hostility curve. */
export const PHASES = [
  'rational',
  'take_off',
  'peak',
  'slow_down',
  'cool_down',
  'problem_solving',
] as const;
export type Phase = (typeof PHASES)[number];

export type Tier = 'direct' | 'public' | 'third_party';

export const WORD_SIGNS = [
  'dissatisfied',
  'blame',
  'anger',
  'insult',
  'repeated_contact',
  'public_threat',
  'third_party_threat',
  'churn',
  'supervisor',
  'thanks',
  'relief',
] as const;
export type WordSign = (typeof WORD_SIGNS)[number];

/** What a complaining customer wants most. */
export const CUSTOMER_KINDS = ['venting', 'compensation', 'trust'] as const;
export type CustomerKind = (typeof CUSTOMER_KINDS)[number];

export type Source = 'voice' | 'words' | 'turns';
export type Severity = 'notice' | 'warning' | 'critical';
/** What a supervisor may give as the reason for closing an alert. */
export const CLOSED_BY_HAND = ['resolved', 'taken_over', 'false_alarm'] as const;
export type Escalation = 'worse' | 'untaken';
export type AlertEnd = 'calmed' | 'call_ended' | 'withdrawn' | (typeof CLOSED_BY_HAND)[number];
export type CueEnd = 'calmed' | 'expired' | 'call_ended' | 'dismissed' | 'muted';
export const HELP_REASONS = ['abuse', 'threat', 'supervisor', 'question', 'other'] as const;
export type HelpReason = (typeof HELP_REASONS)[number];
export type Consent = 'unknown' | 'granted' | 'text_only' | 'refused';
export type CallEndReason =
  | 'completed'
  | 'line_lost'
  | 'protocol_error'
  | 'consent_refused'
  | 'service_stopped'
  | 'service_failed';
/** What the service cannot do now. */
export type Problem = 'disk' | 'database' | 'partials' | 'voice' | 'late';

export type Degradation =
  | 'roles_unknown'
  | 'model_failed'
  | 'voice_sparse'
  | 'not_continued';

/** `start` and `end` count characters (code points), not UTF-16 units. */
export interface WordHit {
  readonly sign: WordSign;
  readonly start: number;
  readonly end: number;
}

export interface WordReading {
  readonly start_s: number;
  readonly end_s: number;
  readonly hostility: number;
  readonly tier: Tier | null;
  readonly hits: readonly WordHit[];
  readonly language: string;
  readonly model: string;
  /** Absent in the logs of older versions, as is `customer_p`. */
  readonly customer?: CustomerKind | null;
  readonly customer_p?: number;
}

export interface Evidence {
  readonly source: Source;
  /**
   * A `WordSign`, `voice_anger`, `voice_louder`, `customer_interrupts`, `says_it_again`,
   * `speaks_faster` or `long_silence`.
   */
  readonly code: string;
  readonly weight: number;
  readonly value: number;
  readonly start_s: number;
  readonly end_s: number;
}

export interface HostilityPoint {
  readonly at_s: number;
  readonly score: number;
  readonly low: number;
  readonly high: number;
  readonly phase: Phase;
  readonly evidence: readonly Evidence[];
}

/** One speaker's speech on a line with one channel. */
export interface TurnHeard {
  readonly start_s: number;
  readonly end_s: number;
  readonly speaker: string;
}

/** The body of each kind of event. */
export interface Bodies {
  CallStarted: {
    readonly call_id: string;
    readonly agent_id: string;
    readonly customer_ref: string;
    readonly language: string | null;
    readonly parties: readonly Party[];
    readonly consent: Consent;
    readonly started_at: string;
    readonly models: readonly string[];
    readonly team: string;
    readonly first_speaker?: Party;
  };
  SpeechStarted: { readonly party: Party; readonly start_s: number };
  SpeechEnded: { readonly party: Party; readonly start_s: number; readonly end_s: number };
  Overlapped: { readonly start_s: number; readonly end_s: number };
  Interrupted: { readonly by: Party; readonly at_s: number };
  Responded: { readonly party: Party; readonly latency_s: number; readonly at_s: number };
  LongSilence: { readonly start_s: number };
  TranscriptFinal: {
    readonly utterance_id: string;
    readonly party: Party;
    readonly start_s: number;
    readonly end_s: number;
    readonly text: string;
    readonly language: string;
    readonly confidence: number;
    readonly language_probability?: number;
  };
  VoiceReading: {
    readonly end_s: number;
    readonly anger: number;
    readonly level_dbfs: number;
    readonly model: string;
  };
  CustomerKindChanged: {
    readonly at_s: number;
    readonly before: CustomerKind | null;
    readonly after: CustomerKind;
    readonly p: number;
  };
  WordsRead: { readonly utterance_id: string; readonly reading: WordReading };
  WordsSoFar: { readonly reading: WordReading };
  LanguageDetected: { readonly language: string; readonly probability: number };
  HostilityPoint: HostilityPoint;
  PhaseChanged: {
    readonly at_s: number;
    readonly before: Phase;
    readonly after: Phase;
    readonly score: number;
  };
  Forecast: { readonly at_s: number; readonly p: number; readonly horizon_s: number };
  AlertOpened: {
    readonly alert_id: string;
    readonly rule: string;
    readonly severity: Severity;
    readonly at_s: number;
    readonly evidence: readonly Evidence[];
  };
  AlertEscalated: {
    readonly alert_id: string;
    readonly severity: Severity;
    readonly at_s: number;
    readonly evidence: readonly Evidence[];
    /** Absent in logs from before there was another reason. */
    readonly reason?: Escalation;
  };
  AlertAcknowledged: { readonly alert_id: string; readonly by: string; readonly at_s: number };
  AlertSnoozed: {
    readonly alert_id: string;
    readonly by: string;
    readonly at_s: number;
    readonly until_s: number;
  };
  AlertReopened: { readonly alert_id: string; readonly at_s: number };
  AlertClosed: {
    readonly alert_id: string;
    readonly reason: AlertEnd;
    readonly at_s: number;
    readonly by: string;
    readonly text: string;
  };
  HelpAsked: { readonly reason: HelpReason; readonly text: string; readonly by: string };
  CueArmed: { readonly cue_id: string; readonly at_s: number; readonly p: number };
  CueCounting: { readonly cue_id: string; readonly start_s: number; readonly until_s: number };
  CueReleased: {
    readonly cue_id: string;
    readonly at_s: number;
    readonly line_id: string;
    readonly text: string;
    readonly language: string;
  };
  CueWithdrawn: { readonly cue_id: string; readonly at_s: number; readonly reason: CueEnd };
  CueFollowed: { readonly cue_id: string; readonly at_s: number; readonly pause_s: number };
  CueIgnored: { readonly cue_id: string; readonly at_s: number; readonly pause_s: number };
  LineOffered: {
    readonly cue_id: string;
    readonly at_s: number;
    readonly line_id: string;
    readonly text: string;
    readonly language: string;
  };
  CuesMuted: { readonly by: string };
  CuesUnmuted: { readonly by: string };
  ListeningStarted: { readonly by: string };
  ListeningEnded: { readonly by: string };
  Note: { readonly text: string; readonly by: string };
  Degraded: { readonly what: Degradation };
  Recovered: { readonly what: Degradation };
  ModelsChanged: { readonly models: readonly string[] };
  RolesAssigned: {
    readonly speakers: readonly {
      readonly speaker: string;
      readonly party: Party;
      readonly speech_s: number;
    }[];
    readonly confidence: number;
    readonly evidence: readonly {
      readonly speaker: string;
      readonly sign: string;
      readonly party: Party;
      readonly count: number;
    }[];
    readonly by: string;
  };
  TurnsFound: { readonly turns: readonly TurnHeard[]; readonly floor: readonly TurnHeard[] };
  StartedOver: { readonly by: string };
  ConsentChanged: { readonly consent: Consent };
  Paused: Record<string, never>;
  Resumed: Record<string, never>;
  CallEnded: { readonly reason: CallEndReason; readonly duration_s: number };
}

export type Kind = keyof Bodies;

/** One line of a call's log; `kind` tells what `body` is. */
export type Entry = {
  [K in Kind]: {
    readonly seq: number;
    readonly at_s: number;
    readonly kind: K;
    readonly body: Bodies[K];
  };
}[Kind];

/** What the entries add up to that a board is not sent. */
export interface Totals {
  readonly spoken_s: Readonly<Partial<Record<Party, number>>>;
  readonly interruptions: Readonly<Partial<Record<Party, number>>>;
  readonly peak: number;
}

/** The part of a log after `from`, up to and with `to`; a board is sent only some of it. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What a screen lacks of a call, or, on a board, what it draws of it. */
export type Known = Span & {
  readonly call_id: string;
  readonly live_s: number;
  readonly entries: readonly Entry[];
  readonly totals?: Totals;
};
export type Snapshot = {
  readonly type: 'snapshot';
  readonly calls: readonly Known[];
};
/** The past of a call of which a new board has only been told where it stands. */
export type Past = Known & {
  readonly type: 'call';
};
export type Entries = Span & {
  readonly type: 'entries';
  readonly call_id: string;
  readonly live_s: number;
  readonly entries: readonly Entry[];
};
export type PartialWords = {
  readonly type: 'partial';
  readonly call_id: string;
  readonly live_s: number;
  readonly party: Party;
  readonly start_s: number;
  readonly text: string;
};
export type Clock = {
  readonly type: 'clock';
  readonly calls: Readonly<Record<string, number>>;
  readonly behind?: Readonly<Record<string, number>>;
  readonly floor?: FloorFigures;
  readonly problems?: readonly Problem[];
};

/** The floor's figures of today; times are medians, null before the first. */
export interface FloorFigures {
  readonly cool_down_s: number | null;
  readonly taken_s: number | null;
  readonly followed: number;
  readonly ignored: number;
}

/** What the service sends to a screen. */
export type Message = Snapshot | Past | Entries | PartialWords | Clock;

/** A call in a list of calls, over HTTP. */
export interface CallSummary {
  readonly call_id: string;
  readonly agent_id: string;
  readonly team?: string;
  readonly customer_ref: string;
  readonly language: string | null;
  readonly parties: readonly Party[];
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly duration_s: number | null;
  readonly end_reason: CallEndReason | null;
  readonly peak_score: number | null;
  readonly alerts: number;
  readonly cues_followed: number;
  readonly cues_ignored: number;
}
