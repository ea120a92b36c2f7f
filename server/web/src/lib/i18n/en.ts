import type { AlertEnd, CallEndReason, Consent, CustomerKind, Degradation, HelpReason, Party, Phase, Severity, Problem } from '../events';
import { trustEn, type TrustMessages } from './trust.en';

import { booksEn, type BookMessages } from './books';
import type { Sort } from '../filter';

/** Every text on the screens; `zh` has to have the same shape. */
export interface Messages {
  readonly trust: TrustMessages;
  readonly appName: string;
  readonly nav: { readonly label: string; readonly board: string; readonly audit: string };
  readonly skip: string;
  readonly language: string;
  readonly theme: string;
  readonly themes: Record<'auto' | 'light' | 'dark', string>;
  readonly connection: Record<'connecting' | 'live' | 'lost', string>;
  readonly title: Record<'board' | 'agent' | 'audit', string>;
  readonly parties: Record<Party, string>;
  readonly phases: Record<Phase, string>;
  /** What a complaining customer wants most. */
  readonly customers: Record<CustomerKind, string>;
  /** What the agent should do in a phase, for the agent's own screen. */
  readonly advice: Record<Phase, string>;
  readonly severities: Record<Severity, string>;
  readonly rules: Readonly<Record<string, string>>;
  readonly signs: Readonly<Record<string, string>>;
  readonly evidence: {
    readonly voiceAnger: (percent: string) => string;
    readonly voiceLouder: (percent: string) => string;
    readonly interrupts: (count: number) => string;
    readonly saysItAgain: (count: number) => string;
    readonly faster: (percent: string) => string;
    readonly silence: string;
    readonly quote: (what: string, words: string) => string;
    readonly separator: string;
    readonly none: string;
  };
  readonly degraded: Record<Degradation, string>;
  readonly degradedBadge: string;
  readonly roles: {
    readonly title: string;
    readonly sure: (percent: number) => string;
    readonly said: (by: string) => string;
    readonly unknown: (percent: number) => string;
    readonly oneVoice: string;
    readonly spoke: (seconds: string) => string;
    readonly isCustomer: string;
    readonly swap: string;
    readonly working: string;
    readonly reasons: string;
    readonly both: string;
    readonly sign: (party: string, sign: string, count: number) => string;
    readonly signs: Readonly<Record<string, string>>;
  };
  readonly problems: Record<Problem, string>;
  readonly behind: (seconds: string) => string;
  readonly consents: Record<Consent, string>;
  readonly ends: Record<CallEndReason, string>;
  readonly board: {
    readonly live: string;
    readonly hot: string;
    readonly waiting: string;
    readonly empty: string;
    readonly emptyHint: string;
    readonly emptyCommand: string;
    readonly held: string;
    readonly agent: (id: string) => string;
    readonly noReference: string;
    readonly open: (id: string) => string;
    readonly view: string;
    readonly rows: string;
    readonly tiles: string;
    readonly nothingSaid: string;
    readonly name: string;
    readonly defaultName: string;
    readonly ended: string;
    readonly paused: string;
    readonly noScore: string;
    readonly spark: (last: string) => string;
    readonly loading: string;
    readonly columns: Record<
      'agent' | 'time' | 'phase' | 'score' | 'curve' | 'talk' | 'words' | 'alerts',
      string
    >;
    readonly calls: string;
    readonly taken: string;
    readonly cooled: string;
    readonly cues: string;
    readonly search: string;
    readonly team: string;
    readonly anyTeam: string;
    readonly anyPhase: string;
    readonly spoken: string;
    readonly anyLanguage: string;
    readonly languages: Readonly<Record<string, string>>;
    readonly sort: string;
    readonly sorts: Record<Sort, string>;
    readonly tools: string;
    readonly nothingFits: string;
    readonly showAll: string;
  };
  readonly alerts: {
    readonly title: string;
    readonly none: string;
    readonly states: Record<'open' | 'escalated' | 'acknowledged' | 'snoozed' | 'closed', string>;
    readonly untaken: string;
    readonly acknowledge: string;
    readonly acknowledgeOf: (rule: string) => string;
    readonly by: (name: string) => string;
    readonly more: (count: number) => string;
    readonly moreOf: (rule: string) => string;
    readonly later: string;
    readonly minutes: (minutes: number) => string;
    readonly close: string;
    readonly comment: string;
    readonly ends: Record<AlertEnd, string>;
    readonly sign: (name: string) => string;
    readonly after: (time: string) => string;
    readonly until: (time: string, name: string) => string;
    readonly sound: string;
    readonly notify: string;
    readonly notifyRefused: string;
  };
  readonly help: {
    readonly ask: string;
    readonly title: string;
    readonly reasons: Record<HelpReason, string>;
    readonly text: string;
    readonly asked: string;
    readonly taken: (name: string) => string;
    readonly withdraw: string;
  };
  readonly listen: {
    readonly start: string;
    readonly stop: string;
    readonly connecting: string;
    readonly refused: string;
    readonly logged: string;
    readonly heardBy: (names: string) => string;
  };
  readonly detail: {
    readonly close: string;
    readonly why: string;
    readonly curve: string;
    readonly curveSummary: (now: string, peak: string) => string;
    readonly curveWaiting: string;
    readonly transcript: string;
    readonly transcriptWaiting: string;
    readonly talk: string;
    readonly spent: Record<'customer' | 'agent' | 'both' | 'silence', string>;
    readonly talkShare: (customer: string, agent: string) => string;
    readonly interruptions: (customer: number, agent: number) => string;
    readonly score: string;
    readonly band: (low: string, high: string) => string;
    readonly marks: Record<'alert' | 'cue', string>;
  };
  readonly notes: {
    readonly title: string;
    readonly placeholder: string;
    readonly label: string;
    readonly send: string;
    readonly sent: string;
    readonly hint: string;
    readonly empty: string;
    readonly from: (by: string, time: string) => string;
  };
  readonly agent: {
    readonly idle: string;
    readonly waiting: string;
    readonly waitingHint: string;
    readonly cue: string;
    readonly armed: string;
    readonly armedHint: string;
    readonly counting: string;
    readonly countingHint: string;
    readonly released: string;
    readonly followed: string;
    readonly callEnded: string;
    readonly customer: string;
    readonly muted: string;
    readonly nextLine: string;
    readonly dismiss: string;
    readonly mute: string;
  };
  readonly audit: {
    readonly title: string;
    readonly empty: string;
    readonly emptyHint: string;
    readonly columns: Record<
      'date' | 'agent' | 'customer' | 'length' | 'peak' | 'alerts' | 'cues' | 'end',
      string
    >;
    readonly unknownDate: string;
    readonly cues: (followed: number, ignored: number) => string;
    readonly back: string;
    readonly play: string;
    readonly pause: string;
    readonly speed: string;
    readonly noAudio: string;
    readonly audioLoading: string;
    readonly keys: string;
    readonly marks: string;
    readonly noMarks: string;
    readonly cueSteps: Record<
      'armed' | 'counting' | 'released' | 'followed' | 'ignored' | 'withdrawn',
      string
    >;
    readonly pauseHeld: (seconds: string) => string;
    readonly jump: (time: string) => string;
    readonly follow: string;
    readonly position: string;
    readonly liveCall: string;
    readonly toBoard: string;
  };
  readonly books: BookMessages;
  readonly errors: {
    readonly load: string;
    readonly send: string;
    readonly unreachable: string;
    readonly forbidden: string;
    readonly retry: string;
    readonly notFound: string;
    readonly toBoard: string;
  };
}

export const en: Messages = {
  trust: trustEn,
  appName: 'Calmline',
  nav: { label: 'Pages', board: 'Board', audit: 'Audit' },
  skip: 'Skip to content',
  language: 'Language',
  theme: 'Theme',
  themes: { auto: 'System theme', light: 'Light', dark: 'Dark' },
  connection: {
    connecting: 'Connecting …',
    live: 'Live',
    lost: 'Not live: reconnecting …',
  },
  title: { board: 'Board', agent: 'Agent', audit: 'Audit' },
  parties: { customer: 'Customer', agent: 'Agent', unknown: 'Speaker' },
  phases: {
    rational: 'Rational',
    take_off: 'Take-off',
    peak: 'Peak',
    slow_down: 'Slow-down',
    cool_down: 'Cool-down',
    problem_solving: 'Problem solving',
  },
  customers: {
    venting: 'Wants to be heard',
    compensation: 'Wants a remedy',
    trust: 'Wants sincerity',
  },
  advice: {
    rational: 'Ordinary service',
    take_off: 'Listen. Pause before you answer.',
    peak: 'Let them vent. Short acknowledgements, no solution yet.',
    slow_down: 'Empathy, apology, repeat the problem back.',
    cool_down: 'Confirm the facts, offer choices.',
    problem_solving: 'Agree on solution, deadline, follow-up.',
  },
  severities: { notice: 'Notice', warning: 'Warning', critical: 'Critical' },
  rules: {
    hostility: 'Hostility high',
    slope: 'Rising fast',
    third_party_threat: 'Third-party threat',
    public_threat: 'Threat to go public',
    churn: 'Wants to leave',
    supervisor: 'Asks for supervisor',
    silence: 'Long silence',
    repeated_contact: 'Repeated contact',
    insult: 'Insults',
    help: 'Agent calls for help',
    long_peak: 'Long at the peak',
    overlap: 'Talking over each other',
    refund: 'Wants money back',
    no_apology: 'No apology yet',
  },
  signs: {
    dissatisfied: 'dissatisfied',
    blame: 'blames',
    anger: 'angry words',
    insult: 'insults',
    repeated_contact: 'has been in touch before',
    public_threat: 'threatens to go public',
    third_party_threat: 'threatens to go to a third party',
    churn: 'wants to leave',
    supervisor: 'asks for a supervisor',
    thanks: 'says thanks',
    relief: 'is relieved',
  },
  evidence: {
    voiceAnger: (percent) => `voice: anger ${percent} %`,
    voiceLouder: (percent) => `voice ${percent} % above own baseline`,
    interrupts: (count) => (count > 1 ? `interrupts, ${count} times` : 'interrupts'),
    saysItAgain: (count) => (count > 1 ? `has said the same ${count} more times` : 'has said the same before'),
    faster: (percent) => `speaks ${percent} % faster than at first`,
    silence: 'long silence',
    quote: (what, words) => `${what}: “${words}”`,
    separator: ' · ',
    none: 'Nothing stands out.',
  },
  degraded: {
    roles_unknown: 'Who is who is not known: nobody is scored.',
    model_failed: 'A model could not run: some words or readings are missing.',
    voice_sparse: 'Too much to do: the voice is read less often.',
    not_continued: 'The service came back with other models: the log ends here.',
  },
  degradedBadge: 'Degraded',
  roles: {
    title: 'Who is who on this line',
    sure: (percent) => `${percent}% sure from the words`,
    said: (by) => `said by ${by}`,
    unknown: (percent) =>
      `Parties unknown, because what was said tells too little (best guess ${percent}%): no voice score is given.`,
    oneVoice:
      'Parties unknown, because only one voice has been told apart: no voice score is given.',
    spoke: (seconds) => `spoke ${seconds} s`,
    isCustomer: 'This is the customer',
    swap: 'Swap customer and agent',
    working: 'Everything is being worked out anew …',
    reasons: 'Because of',
    both: 'Both',
    sign: (party, sign, count) => `${party}: ${sign}${count > 1 ? ` ×${count}` : ''}`,
    signs: {
      greeting: 'greets in the company’s name',
      introduction: 'gives a name and a company',
      verification: 'asks for verification',
      offering: 'offers help',
      looking: 'looks something up',
      courtesy: 'polite phrases of service',
      polite_you: 'polite form of address',
      your_matter: 'speaks of “your” matter',
      reason_for_calling: 'says why they call',
      my_matter: 'speaks of “my” matter',
      blame: 'blames',
      asking: 'asks for something',
      first_to_speak: 'speaks first',
      told: 'known beforehand',
    },
  },
  problems: {
    disk: 'The disk takes no audio: it is held in memory.',
    database: 'The database takes nothing: logs are written later.',
    partials: 'Too much to do: no unfinished words are shown.',
    voice: 'Too much to do: voices are read less often.',
    late: 'Too much to do: words come late.',
  },
  behind: (seconds) => `Analysis ${seconds} s behind`,
  consents: {
    unknown: 'No consent yet: nothing is recorded or analysed.',
    granted: 'Consent given',
    text_only: 'Words only: the voice is not analysed.',
    refused: 'Consent refused',
  },
  ends: {
    completed: 'Completed',
    line_lost: 'Line lost',
    protocol_error: 'Protocol error',
    consent_refused: 'Consent refused',
    service_stopped: 'Service stopped',
    service_failed: 'Service failed',
  },
  board: {
    live: 'live calls',
    hot: 'in take-off or peak',
    waiting: 'alerts waiting',
    empty: 'No live calls',
    emptyHint: 'Calls appear here by themselves. To see one now, play a recording into the service:',
    emptyCommand: 'calmline stream FILE',
    held: 'Order held while you point at the list',
    agent: (id) => `Agent ${id}`,
    noReference: 'no reference',
    open: (id) => `Open the call of agent ${id}`,
    view: 'View',
    rows: 'Rows',
    tiles: 'Tiles',
    nothingSaid: '…',
    name: 'Your name',
    defaultName: 'Supervisor',
    ended: 'Ended',
    paused: 'On hold',
    noScore: 'No score yet',
    spark: (last) => `Last 3 minutes of the curve, now ${last}`,
    loading: 'Waiting for the service …',
    columns: {
      agent: 'Agent',
      time: 'Time',
      phase: 'Phase',
      score: 'Hostility',
      curve: 'Last 3 minutes',
      talk: 'Talk',
      words: 'Last words',
      alerts: 'Alerts',
    },
    calls: 'Calls',
    taken: 'median to take an alert',
    cooled: 'median to cool down',
    cues: 'cues followed today',
    search: 'Agent or customer',
    team: 'Team',
    anyTeam: 'All teams',
    anyPhase: 'All phases',
    spoken: 'Language of the call',
    anyLanguage: 'All languages',
    languages: { en: 'English', zh: 'Chinese' },
    sort: 'Order',
    sorts: { risk: 'By risk', longest: 'Longest first', agent: 'By agent' },
    tools: 'Filter, order, sound',
    nothingFits: 'No call fits the filter.',
    showAll: 'Show all calls',
  },
  alerts: {
    title: 'Alerts',
    none: 'No alerts in this call.',
    states: {
      open: 'Open',
      escalated: 'Escalated',
      acknowledged: 'Taken',
      snoozed: 'Later',
      closed: 'Closed',
    },
    untaken: 'nobody took it',
    acknowledge: 'Take',
    acknowledgeOf: (rule) => `Take: ${rule}`,
    by: (name) => `Taken by ${name}`,
    more: (count) => `+${count}`,
    moreOf: (rule) => `Later or close: ${rule}`,
    later: 'Remind me in',
    minutes: (minutes) => `${minutes} min`,
    close: 'Close it',
    comment: 'Comment, if you like',
    ends: {
      calmed: 'Calmed down',
      call_ended: 'Call ended',
      withdrawn: 'Taken back',
      resolved: 'Resolved',
      taken_over: 'Call taken over',
      false_alarm: 'False alarm',
    },
    sign: (name) => `, ${name}`,
    after: (time) => `after ${time}`,
    until: (time, name) => `Put off to ${time} by ${name}`,
    sound: 'Sound',
    notify: 'Notices',
    notifyRefused: 'The browser does not allow notices.',
  },
  help: {
    ask: 'Help',
    title: 'Help: call a supervisor',
    reasons: {
      abuse: 'I am being abused',
      threat: 'Threat of violence',
      supervisor: 'Customer wants a supervisor',
      question: 'I need an answer',
      other: 'Something else',
    },
    text: 'A word about it, if you like',
    asked: 'Help has been called',
    taken: (name) => `${name} is on it`,
    withdraw: 'Take it back',
  },
  listen: {
    start: 'Listen in',
    stop: 'Stop listening',
    connecting: 'Connecting …',
    refused: 'The service does not let you listen: no consent, or no permission.',
    logged: 'It is logged, and the agent sees it.',
    heardBy: (names) => `${names} is listening`,
  },
  detail: {
    close: 'Close',
    why: 'Why',
    curve: 'Hostility curve',
    curveSummary: (now, peak) => `Hostility of the customer, 0 to 100: now ${now}, peak ${peak}`,
    curveWaiting: 'The curve begins with the customer’s first words.',
    transcript: 'Transcript',
    transcriptWaiting: 'Nothing has been said yet.',
    talk: 'Talk share',
    spent: { customer: 'Customer', agent: 'Agent', both: 'Both', silence: 'Silence' },
    talkShare: (customer, agent) => `Customer ${customer} % · Agent ${agent} %`,
    interruptions: (customer, agent) => `Interruptions: customer ${customer}, agent ${agent}`,
    score: 'Hostility',
    band: (low, high) => `${low}–${high}`,
    marks: { alert: 'Alert', cue: 'Pause cue' },
  },
  notes: {
    title: 'Notes to the agent',
    placeholder: 'A short note',
    label: 'Note to the agent',
    send: 'Send',
    sent: 'Sent',
    hint: 'The agent sees it at once.',
    empty: 'No notes.',
    from: (by, time) => `${by}, ${time}`,
  },
  agent: {
    idle: 'Listening',
    waiting: 'Waiting for the next call',
    waitingHint: 'It appears here by itself.',
    cue: 'Pause cue',
    armed: 'Let them finish',
    armedHint: 'Then wait five seconds',
    counting: 'Pause',
    countingHint: 'Answer when the ring is empty',
    released: 'You could begin with',
    followed: 'Paused',
    callEnded: 'Call ended',
    customer: 'Customer',
    muted: 'No cues in this call',
    nextLine: 'Another line',
    dismiss: 'Dismiss',
    mute: 'Mute cues',
  },
  audit: {
    title: 'Finished calls',
    empty: 'No finished calls yet',
    emptyHint: 'Every call is listed here once it is over. To add a recording:',
    columns: {
      date: 'Date',
      agent: 'Agent',
      customer: 'Customer',
      length: 'Length',
      peak: 'Peak',
      alerts: 'Alerts',
      cues: 'Pauses',
      end: 'End',
    },
    unknownDate: 'Date unknown',
    cues: (followed, ignored) => `${followed} of ${followed + ignored} pauses held`,
    back: 'All calls',
    play: 'Play',
    pause: 'Pause',
    speed: 'Speed',
    noAudio: 'There is no audio of this call.',
    audioLoading: 'Loading audio …',
    keys: 'Space plays, ← → move 5 s, ↑ ↓ move by utterance.',
    marks: 'Alerts and cues',
    noMarks: 'No alerts and no cues.',
    cueSteps: {
      armed: 'Cue armed',
      counting: 'Cue counting',
      released: 'Cue released',
      followed: 'Pause held',
      ignored: 'Answered before the pause was over',
      withdrawn: 'Cue withdrawn',
    },
    pauseHeld: (seconds) => `· ${seconds} s`,
    jump: (time) => `Play from ${time}`,
    follow: 'Follow playback',
    position: 'Position',
    liveCall: 'This call is still live.',
    toBoard: 'Open it on the board',
  },
  books: booksEn,
  errors: {
    load: 'This could not be loaded.',
    send: 'That did not reach the service.',
    unreachable: 'The service cannot be reached.',
    forbidden: 'Your role may not see or do this.',
    retry: 'Try again',
    notFound: 'There is no page here.',
    toBoard: 'To the board',
  },
};
