import type { Answer, CorrectionKind, FileState, Purpose, SortBy } from '../desk/types';
import type { Tier } from '../events';

/** Every text of the auditor's desk; `deskZh` has to have the same shape. */
export interface CardMessages {
  readonly title: string;
  readonly hint: string;
  readonly fresh: string;
  readonly version: (version: number) => string;
  readonly questions: (count: number) => string;
  readonly name: string;
  readonly id: string;
  readonly idHint: string;
  readonly question: string;
  readonly help: string;
  readonly weight: string;
  readonly critical: string;
  readonly auto: string;
  readonly byPeople: string;
  readonly add: string;
  readonly up: string;
  readonly down: string;
  readonly remove: string;
  readonly save: string;
  readonly saved: (version: number) => string;
  readonly withdraw: string;
  readonly withdrawn: string;
  readonly preview: string;
  readonly share: (percent: number) => string;
  readonly measures: Record<string, string>;
}

export interface DeskMessages {
  readonly rooms: Record<'label' | 'find' | 'reviews' | 'cards' | 'import', string>;
  readonly cards: CardMessages;
  readonly find: {
    readonly title: string;
    readonly words: string;
    readonly hint: string;
    readonly search: string;
    readonly filters: (count: number) => string;
    readonly clear: string;
    readonly found: (total: string) => string;
    readonly none: string;
    readonly noneHint: string;
    readonly more: string;
    readonly save: string;
    readonly saveName: string;
    readonly saved: string;
    readonly nothingSaved: string;
    readonly remove: (name: string) => string;
    readonly sort: string;
    readonly sorts: Record<SortBy, string>;
    readonly ascending: string;
    readonly descending: string;
    readonly saidBy: string;
    readonly saidByWho: Record<'anybody' | 'customer' | 'agent', string>;
    readonly agent: string;
    readonly team: string;
    readonly language: string;
    readonly languages: Record<'en' | 'zh', string>;
    readonly customer: string;
    readonly date: string;
    readonly length: string;
    readonly peak: string;
    readonly timeInPeak: string;
    readonly phases: string;
    readonly alerts: string;
    readonly tiers: string;
    readonly tier: Record<Tier, string>;
    readonly pauses: string;
    readonly pause: Record<'any' | 'followed' | 'ignored' | 'none', string>;
    readonly reviewed: string;
    readonly review: Record<'any' | 'yes' | 'no', string>;
    readonly score: string;
    readonly source: string;
    readonly sources: Record<'all' | 'live' | 'import', string>;
    readonly from: string;
    readonly to: string;
    readonly fromOf: (what: string) => string;
    readonly toOf: (what: string) => string;
    readonly curve: (peak: string) => string;
  };
  readonly call: {
    readonly before: string;
    readonly after: string;
    readonly copyLink: string;
    readonly copied: string;
    readonly skip: string;
    readonly keys: string;
    readonly zoom: Record<'label' | 'hint' | 'nearer' | 'out' | 'whole' | 'overview', string> & {
      readonly shown: (from: string, to: string) => string;
    };
    readonly lanes: Record<'interruptions' | 'silences' | 'comments', string>;
    readonly interrupts: (who: string) => string;
    readonly silence: (seconds: string) => string;
    readonly tabs: Record<'marks' | 'score' | 'comments', string>;
    readonly comment: (time: string) => string;
    readonly commentHint: string;
    readonly noComments: string;
    readonly add: string;
    readonly remove: string;
    readonly correct: string;
    readonly correctOf: (time: string) => string;
    readonly kinds: Record<CorrectionKind, string>;
    readonly level: string;
    readonly levels: Record<'1' | '2' | '3', string>;
    readonly rightWords: string;
    readonly rightSpeaker: string;
    readonly corrected: (what: string, by: string) => string;
    readonly withdraw: string;
    readonly cancel: string;
    readonly machineKept: string;
  };
  readonly judge: {
    readonly card: string;
    readonly answers: Record<Answer, string>;
    readonly automatic: string;
    readonly takeOver: string;
    readonly open: string;
    readonly evidence: string;
    readonly nowhere: string;
    readonly noEvidence: string;
    readonly pointHere: (time: string) => string;
    readonly showAnswers: string;
    readonly question: string;
    readonly person: string;
    readonly reasons: Readonly<Record<string, string>>;
    readonly byHand: string;
    readonly critical: string;
    readonly weight: (weight: string) => string;
    readonly note: string;
    readonly overall: string;
    readonly missing: (count: number) => string;
    readonly submit: string;
    readonly score: string;
    readonly failed: string;
    readonly purposes: Record<Purpose, string>;
    readonly by: (who: string, when: string) => string;
    readonly differs: string;
    readonly dispute: string;
    readonly disputeHint: string;
    readonly disputed: (who: string) => string;
    readonly answer: string;
    readonly answered: (who: string) => string;
    readonly second: string;
    readonly begin: string;
    readonly noReviews: string;
    readonly send: string;
  };
  readonly reviews: {
    readonly title: string;
    readonly who: string;
    readonly whoHint: string;
    readonly waiting: string;
    readonly done: string;
    readonly older: (shown: string) => string;
    readonly nothing: string;
    readonly nothingHint: string;
    readonly disputes: string;
    readonly open: string;
    readonly draw: string;
    readonly drawHint: string;
    readonly calls: string;
    readonly method: string;
    readonly methods: Record<'random' | 'risk', string>;
    readonly reviewers: string;
    readonly reviewersHint: string;
    readonly batch: string;
    readonly purpose: string;
    readonly assign: string;
    readonly assigned: (calls: string, reviews: string) => string;
    readonly calibration: string;
    readonly calibrationHint: string;
    readonly alpha: string;
    readonly alphaScores: string;
    readonly alphaNone: string;
    readonly alphaOf: (reviews: string, calls: string, reviewers: string) => string;
    readonly alphaScale: string;
  };
  readonly import: {
    readonly title: string;
    readonly drop: string;
    readonly dropHint: string;
    readonly choose: string;
    readonly chooseFolder: string;
    readonly customer: string;
    readonly sides: Record<'left' | 'right', string>;
    readonly language: string;
    readonly detect: string;
    readonly textOnly: string;
    readonly watched: string;
    readonly noRecordings: string;
    readonly uploading: (done: string, total: string) => string;
    readonly none: string;
    readonly states: Record<'running' | 'paused' | 'done', string>;
    readonly fileStates: Record<FileState, string>;
    readonly counts: (done: string, total: string) => string;
    readonly pause: string;
    readonly resume: string;
    readonly forget: string;
    readonly files: string;
    readonly hideFiles: string;
    readonly speed: (times: string) => string;
    readonly left: (time: string) => string;
    readonly openCall: string;
    readonly command: string;
  };
}

export const deskEn: DeskMessages = {
  rooms: { label: 'The auditor’s desk', find: 'Find', reviews: 'Reviews', cards: 'Scorecards', import: 'Import' },
  find: {
    title: 'Finished calls',
    words: 'What was said',
    hint: 'Words, "phrases in quotes", -words to leave out',
    search: 'Search',
    filters: (count) => (count === 0 ? 'Filters' : `Filters (${count})`),
    clear: 'Clear all',
    found: (total) => (total === '1' ? '1 call' : `${total} calls`),
    none: 'No call fits',
    noneHint: 'Take a filter away, or use fewer words.',
    more: 'Show more',
    save: 'Save this search',
    saveName: 'Name of the search',
    saved: 'Saved searches',
    nothingSaved: 'None yet. Search for something, then save it here.',
    remove: (name) => `Remove the search ${name}`,
    sort: 'Sort by',
    sorts: {
      date: 'Date',
      length: 'Length',
      peak: 'Highest score',
      time_in_peak: 'Time in peak',
      score: 'Review score',
    },
    ascending: 'Lowest first',
    descending: 'Highest first',
    saidBy: 'Said by',
    saidByWho: { anybody: 'Anybody', customer: 'The customer', agent: 'The agent' },
    agent: 'Agent',
    team: 'Team',
    language: 'Language',
    languages: { en: 'English', zh: 'Chinese' },
    customer: 'Customer reference',
    date: 'Date',
    length: 'Length, minutes',
    peak: 'Highest score',
    timeInPeak: 'Time in peak, seconds',
    phases: 'Phase reached',
    alerts: 'Alert',
    tiers: 'Threat',
    tier: { direct: 'Told the agent', public: 'Go public', third_party: 'Third party' },
    pauses: 'Pause cue',
    pause: { any: 'Any', followed: 'Followed', ignored: 'Ignored', none: 'No cue' },
    reviewed: 'Reviewed',
    review: { any: 'Any', yes: 'Reviewed', no: 'Not yet' },
    score: 'Review score',
    source: 'Source',
    sources: { all: 'All', live: 'Live', import: 'Imported' },
    from: 'from',
    to: 'to',
    fromOf: (what) => `${what}: from`,
    toOf: (what) => `${what}: to`,
    curve: (peak) => `Hostility curve, highest ${peak}`,
  },
  call: {
    before: 'This customer’s call before',
    after: 'This customer’s next call',
    copyLink: 'Copy link to this moment',
    copied: 'Link copied',
    skip: 'Skip silence',
    keys: 'Space plays · ← → 5 s · ↑ ↓ utterance · [ ] speed · + − 0 zoom · S skip silence · C comment',
    zoom: {
      label: 'Zoom',
      hint: 'Drag over a stretch to see it closer; Ctrl and the wheel, or + and −, work too',
      nearer: 'Closer',
      out: 'Further away',
      whole: 'Whole call',
      overview: 'Whole call',
      shown: (from, to) => `Shown: ${from} to ${to}; drag to move`,
    },
    lanes: { interruptions: 'Interrupts', silences: 'Silence', comments: 'Comments' },
    interrupts: (who) => `${who} interrupts`,
    silence: (seconds) => `Silence, ${seconds} s`,
    tabs: { marks: 'Alerts and cues', score: 'Score', comments: 'Comments' },
    comment: (time) => `Comment on ${time}`,
    commentHint: 'What is worth remembering here?',
    noComments: 'No comments yet.',
    add: 'Add',
    remove: 'Remove',
    correct: 'Correct',
    correctOf: (time) => `Correct what stands at ${time}`,
    kinds: {
      not_hostile: 'Not hostile',
      missed_hostility: 'Missed hostility',
      wrong_speaker: 'Wrong speaker',
      wrong_words: 'Wrong words',
    },
    level: 'How hostile',
    levels: { 1: 'Dissatisfied', 2: 'Angry', 3: 'Abusive' },
    rightWords: 'What was really said',
    rightSpeaker: 'Who really spoke',
    corrected: (what, by) => `${what} (${by})`,
    withdraw: 'Take back',
    cancel: 'Cancel',
    machineKept: 'The machine’s own record stays as it is.',
  },
  cards: {
    title: 'Scorecards',
    hint: 'What is saved here is a new version; reviews keep the one they were made by.',
    fresh: 'New scorecard',
    version: (version) => `version ${version}`,
    questions: (count) => (count === 1 ? '1 question' : `${count} questions`),
    name: 'Title',
    id: 'Short name',
    idHint: 'a-z, 0-9 and -',
    question: 'Question',
    help: 'When is it a yes?',
    weight: 'Weight',
    critical: 'A no fails the call',
    auto: 'Answered from the log',
    byPeople: 'by people only',
    add: 'Add a question',
    up: 'Up',
    down: 'Down',
    remove: 'Remove',
    save: 'Save as new version',
    saved: (version) => `Version ${version} is saved.`,
    withdraw: 'Offer no more',
    withdrawn: 'It is offered no more; reviews made by it stay.',
    preview: 'As reviewers see it',
    share: (percent) => `${percent} % of the score`,
    measures: {
      greeted: 'greeted',
      let_finish: 'let the customer finish',
      paused: 'paused when cued',
      apologised: 'apologised',
      empathised: 'showed understanding',
      acknowledged: 'accepted the anger',
      repeated_problem: 'repeated the problem',
      solution_after_fall: 'offered only after the curve fell',
      asked_opinion: 'asked what the customer thinks',
      followed_up: 'agreed what comes next',
      no_blame: 'no words of blame',
      curve_fell: 'the curve fell',
      closed_properly: 'closed properly',
    },
  },
  judge: {
    card: 'Scorecard',
    answers: { yes: 'Yes', partly: 'Partly', no: 'No', na: 'n/a' },
    automatic: 'Automatic',
    takeOver: 'Take over the automatic answers',
    open: 'left to you',
    evidence: 'Rests on',
    nowhere: 'no moment',
    noEvidence: 'Remove',
    pointHere: (time) => `What is heard at ${time}`,
    showAnswers: 'Answers beside the automatic ones',
    question: 'Question',
    person: 'Reviewer',
    reasons: {
      said: 'said in so many words',
      not_said: 'not heard',
      never_upset: 'the customer was never upset',
      no_interruption: 'no interruption',
      interrupted: 'interrupted the customer',
      no_cue: 'there was no pause cue',
      pauses_held: 'every pause was held',
      pauses_missed: 'answered before the pause was over',
      offered_too_early: 'offered in take-off or peak',
      offered_in_time: 'offered at the right time',
      offered_rose_again: 'offered while the customer calmed, who rose again after it',
      no_offer: 'no offer heard',
      blamed: 'words of blame',
      no_blame: 'no words of blame',
      no_curve: 'there is no curve',
      fell: 'the curve fell to under half',
      stayed_high: 'the curve stayed high',
      agent_unknown: 'nobody is known to be the agent',
    },
    byHand: 'Only people can answer this.',
    critical: 'critical',
    weight: (weight) => `×${weight}`,
    note: 'Note',
    overall: 'On the call as a whole',
    missing: (count) => (count === 1 ? '1 answer is missing' : `${count} answers are missing`),
    submit: 'Submit the review',
    score: 'Score',
    failed: 'Critical failure',
    purposes: { review: 'Review', second: 'Second opinion', calibration: 'Calibration' },
    by: (who, when) => `${who}, ${when}`,
    differs: 'differs from the automatic answer',
    dispute: 'Dispute',
    disputeHint: 'What do you see differently?',
    disputed: (who) => `Disputed by ${who}`,
    answer: 'Answer',
    answered: (who) => `Answered by ${who}`,
    second: 'Give a second opinion',
    begin: 'Review this call',
    noReviews: 'Nobody has reviewed this call yet.',
    send: 'Send',
  },
  reviews: {
    title: 'Reviews',
    who: 'You are',
    whoHint: 'your name',
    waiting: 'Waiting for you',
    done: 'Done',
    older: (shown) => `The newest ${shown}; Find has the others (Reviewed).`,
    nothing: 'Nothing waits for you',
    nothingHint: 'Draw a sample, or open any call and review it.',
    disputes: 'Disputes that wait for an answer',
    open: 'Open',
    draw: 'Draw a sample',
    drawHint: 'Calls that nobody has to judge by this card yet.',
    calls: 'How many calls',
    method: 'How',
    methods: { random: 'At random', risk: 'Rather the risky ones' },
    reviewers: 'Reviewers',
    reviewersHint: 'names, separated by commas',
    batch: 'Name of the sample',
    purpose: 'What for',
    assign: 'Draw and assign',
    assigned: (calls, reviews) => `${calls} calls drawn, ${reviews} reviews assigned.`,
    calibration: 'Calibration',
    calibrationHint: 'Several reviewers judge the same calls without seeing each other.',
    alpha: 'Agreement on answers (Krippendorff’s α)',
    alphaScores: 'Agreement on scores (α)',
    alphaNone: 'nothing to compare yet',
    alphaOf: (reviews, calls, reviewers) =>
      `${reviews} reviews of ${calls} calls by ${reviewers} reviewers`,
    alphaScale: '1 is perfect, 0 is chance; from 0.8 on answers can be relied on, below 0.67 not.',
  },
  import: {
    title: 'Import recordings',
    drop: 'Drop recordings or folders here',
    dropHint: 'wav, flac, mp3, ogg, opus, m4a, G.711 … up to 4 hours; with a calls.csv if you have one',
    choose: 'Choose files',
    chooseFolder: 'Choose a folder',
    customer: 'Customer in stereo',
    sides: { left: 'Left', right: 'Right' },
    language: 'Language',
    detect: 'Detect',
    textOnly: 'Words only, no voice analysis',
    watched: 'Watched folder',
    noRecordings: 'There is no recording among these files.',
    uploading: (done, total) => `Uploading: ${done} of ${total} files`,
    none: 'No imports yet',
    states: { running: 'Running', paused: 'Paused', done: 'Done' },
    fileStates: {
      waiting: 'Waiting',
      working: 'In work',
      done: 'Done',
      duplicate: 'Known already',
      failed: 'Could not be read',
    },
    counts: (done, total) => `${done} of ${total} files`,
    pause: 'Pause',
    resume: 'Go on',
    forget: 'Remove from the list',
    files: 'Show files',
    hideFiles: 'Hide files',
    speed: (times) => `${times} × real time`,
    left: (time) => `about ${time} left`,
    openCall: 'Open the call',
    command: 'From a terminal:',
  },
};
