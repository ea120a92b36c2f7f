/** Texts of log-in, reports, trust and the printed call. */

export interface TrustMessages {
  readonly nav: { readonly reports: string; readonly trust: string };
  readonly uncover: string;
  readonly uncoverHint: string;
  readonly logIn: {
    readonly title: string;
    readonly name: string;
    readonly password: string;
    readonly enter: string;
    readonly wrong: string;
    readonly wait: string;
    readonly out: string;
  };
  readonly roles: Record<'agent' | 'supervisor' | 'auditor' | 'admin', string>;
  readonly reports: {
    readonly title: string;
    readonly by: string;
    readonly after: string;
    readonly before: string;
    readonly dimensions: Record<'all' | 'team' | 'group' | 'hour' | 'subject' | 'agent', string>;
    readonly everything: string;
    readonly unknownKey: string;
    readonly calls: (n: number) => string;
    readonly hidden: (n: number, least: number) => string;
    readonly none: (least: number) => string;
    readonly figures: Record<
      'calls' | 'tookOff' | 'cooled' | 'coolTime' | 'adherence' | 'followed' | 'ignored' | 'adjusted',
      string
    >;
    readonly interval: (low: string, high: string) => string;
    readonly minutes: (minutes: string) => string;
    readonly points: (points: string) => string;
    readonly shape: string;
    readonly shapeSummary: (key: string, peak: string) => string;
    readonly takeOff: string;
    readonly effect: string;
    readonly effectHint: string;
    readonly cause: string;
    readonly tooFew: string;
    readonly csv: string;
    readonly parquet: string;
    readonly json: string;
  };
  readonly trust: {
    readonly title: string;
    readonly whole: (n: number) => string;
    readonly broken: (seq: number) => string;
    readonly brokenHint: string;
    readonly anchored: (n: number) => string;
    readonly notAnchored: string;
    readonly log: string;
    readonly columns: Record<'at' | 'who' | 'action' | 'call' | 'detail', string>;
    readonly actions: Readonly<Record<string, string>>;
    readonly more: string;
    readonly retention: string;
    readonly kinds: Record<'audio' | 'transcript' | 'scores' | 'reviews', string>;
    readonly days: (days: number) => string;
    readonly forever: string;
    readonly due: (n: number) => string;
    readonly holds: string;
    readonly noHolds: string;
    readonly holdCall: string;
    readonly holdCustomer: string;
    readonly holdReason: string;
    readonly holdOn: string;
    readonly place: string;
    readonly release: string;
    readonly erase: string;
    readonly eraseHint: string;
    readonly eraseReference: string;
    readonly eraseAgain: string;
    readonly eraseDo: string;
    readonly erased: (n: number) => string;
    readonly skipped: (n: number) => string;
    readonly receipt: string;
  };
  readonly print: {
    readonly files: string;
    readonly page: string;
    readonly print: string;
    readonly covered: string;
    readonly said: string;
    readonly made: (time: string) => string;
  };
}

export const trustEn: TrustMessages = {
  nav: { reports: 'Reports', trust: 'Trust' },
  uncover: 'Show covered numbers',
  uncoverHint: 'Card, identity and phone numbers and addresses, in text, sound and files. It is written into the audit log.',
  logIn: {
    title: 'Log in',
    name: 'Name',
    password: 'Password',
    enter: 'Log in',
    wrong: 'Name or password is wrong.',
    wait: 'Too many wrong passwords. Wait a few minutes.',
    out: 'Log out',
  },
  roles: { agent: 'Agent', supervisor: 'Supervisor', auditor: 'Auditor', admin: 'Administrator' },
  reports: {
    title: 'Reports',
    by: 'By',
    after: 'From',
    before: 'To',
    dimensions: {
      all: 'All calls',
      team: 'Team',
      group: 'Agent group',
      hour: 'Hour of the day',
      subject: 'Subject',
      agent: 'Agent',
    },
    everything: 'All calls',
    unknownKey: 'Not known',
    calls: (n) => (n === 1 ? '1 call' : `${n} calls`),
    hidden: (n, least) =>
      `${n} ${n === 1 ? 'set is' : 'sets are'} not shown: over fewer than ${least} calls, or giving away one that is.`,
    none: (least) => `There are fewer than ${least} calls in this period.`,
    figures: {
      calls: 'Calls',
      tookOff: 'Took off',
      cooled: 'Cooled down',
      coolTime: 'Time to cool',
      adherence: 'Pause kept',
      followed: 'After a kept pause',
      ignored: 'After none',
      adjusted: 'Adjusted difference',
    },
    interval: (low, high) => `${low} to ${high}`,
    minutes: (minutes) => `${minutes} min`,
    points: (points) => `${points} points`,
    shape: 'The curve around the first take-off',
    shapeSummary: (key, peak) => `${key}: mean hostility around the take-off, highest ${peak}`,
    takeOff: 'take-off',
    effect: 'What the curve did in the 30 seconds after a cue',
    effectHint: 'Change of the score; below zero is calmer. Lines are 95 % intervals over calls.',
    cause:
      'Cues that were followed are not a random sample: agents pause when it is easier to. A score that is high when a cue comes falls by itself, after kept and after missed pauses alike (regression to the mean). The adjusted difference compares cues at equal score, slope and time in the call. It is no proof of a cause either.',
    tooFew: 'Too few calls',
    csv: 'CSV',
    parquet: 'Parquet',
    json: 'JSON',
  },
  trust: {
    title: 'Trust',
    whole: (n) => `The audit log is whole: ${n} entries.`,
    broken: (seq) => `The audit log is broken at entry ${seq}.`,
    brokenHint: 'Somebody changed it past the service. The entries before are whole.',
    anchored: (n) =>
      n === 1 ? 'It holds the head that was written down.' : `It holds all ${n} heads that were written down.`,
    notAnchored: 'No head of it was written down yet: a cut at its end would not show.',
    log: 'Audit log',
    columns: { at: 'When', who: 'Who', action: 'Did', call: 'Call', detail: 'Detail' },
    actions: {
      watch: 'Watched live',
      view: 'Viewed',
      view_unredacted: 'Viewed uncovered',
      listen: 'Listened',
      listen_unredacted: 'Listened uncovered',
      listen_in: 'Listened in',
      snooze: 'Snoozed an alert',
      close_alert: 'Closed an alert',
      search: 'Searched',
      export: 'Exported',
      report: 'Reported',
      acknowledge: 'Took an alert',
      note: 'Wrote a note',
      import: 'Imported',
      score: 'Scored',
      dispute: 'Disputed',
      comment: 'Commented',
      correct: 'Corrected',
      card: 'Scorecard changed',
      rules: 'Changed rules',
      people: 'Changed people',
      log_in: 'Logged in',
      log_in_failed: 'Failed to log in',
      log_out: 'Logged out',
      hold: 'Placed a hold',
      release: 'Released a hold',
      retention: 'Removed by age',
      delete: 'Deleted',
      audit: 'Read this log',
    },
    more: 'Earlier entries',
    retention: 'How long what is kept',
    kinds: {
      audio: 'Recordings',
      transcript: 'Words',
      scores: 'Curves, alerts, cues',
      reviews: 'Scorecards, comments, corrections',
    },
    days: (days) => `${days} days`,
    forever: 'for ever',
    due: (n) => (n === 0 ? 'Nothing is due.' : `${n} due; removed within a day.`),
    holds: 'Legal holds',
    noHolds: 'Nothing is held.',
    holdCall: 'Call',
    holdCustomer: 'Customer reference',
    holdReason: 'Reason',
    holdOn: 'Hold on',
    place: 'Place hold',
    release: 'Release',
    erase: 'Delete a customer',
    eraseHint:
      'Deletes every call of this customer that is over and not held: recording, words, curve, reviews. It cannot be undone. The receipt has hashes and no content.',
    eraseReference: 'Customer reference',
    eraseAgain: 'The same once more',
    eraseDo: 'Delete for good',
    erased: (n) => (n === 1 ? '1 call deleted.' : `${n} calls deleted.`),
    skipped: (n) => `${n} not deleted: live or held.`,
    receipt: 'Save the receipt',
  },
  print: {
    files: 'Files',
    page: 'Page to print',
    print: 'Print',
    covered: 'Numbers and addresses are covered.',
    said: 'What was said',
    made: (time) => `Printed ${time}`,
  },
};
