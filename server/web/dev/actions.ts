/** What people do to a made-up call, as the service would log it. */

import type { AlertEnd, Bodies, Entry, HelpReason, Kind } from '../src/lib/events';

/** What the pages send; each action reads what it needs. */
interface Body {
  readonly by: string;
  readonly text: string;
  readonly reason: string;
  readonly for_s: number;
}

export type Told = Omit<Entry, 'seq'>;

const told = <K extends Kind>(at_s: number, kind: K, body: Bodies[K]): Told =>
  ({ at_s, kind, body }) as unknown as Told;

const HELP = 'help-alert';

/**
 * The entries that follow from an action; null where there is no such action.
 *
 * @param path behind the call, e.g. `['alerts', 'a1', 'snooze']`.
 * @param at_s when it is done.
 * @param line what the agent could say.
 */
export function act(
  path: readonly string[],
  body: Body,
  at_s: number,
  line: { readonly text: string; readonly language: string },
): Told[] | null {
  const { by, text = '' } = body;
  const [what, id = '', how] = path;
  switch (what === 'alerts' ? how : path.join('/')) {
    case 'acknowledge':
      return [told(at_s, 'AlertAcknowledged', { alert_id: id, by, at_s })];
    case 'snooze':
      return [told(at_s, 'AlertSnoozed', { alert_id: id, by, at_s, until_s: at_s + body.for_s })];
    case 'close': {
      const reason = body.reason as AlertEnd;
      return [told(at_s, 'AlertClosed', { alert_id: id, reason, at_s, by, text })];
    }
    case 'help':
      return [
        told(at_s, 'HelpAsked', { reason: body.reason as HelpReason, text, by }),
        told(at_s, 'AlertOpened', {
          alert_id: `${HELP}-${at_s}`,
          rule: 'help',
          severity: 'critical',
          at_s,
          evidence: [],
        }),
      ];
    case 'cues/mute':
      return [told(at_s, 'CuesMuted', { by })];
    case 'cues/unmute':
      return [told(at_s, 'CuesUnmuted', { by })];
    case 'cues/dismiss':
      return [told(at_s, 'CueWithdrawn', { cue_id: 'c1', at_s, reason: 'dismissed' })];
    case 'cues/line':
      return [told(at_s, 'LineOffered', { cue_id: '', at_s, line_id: 'feel', ...line })];
    case 'notes':
      return [told(at_s, 'Note', { text, by })];
    default:
      return null;
  }
}

/** Take back the latest call for help in `entries`. */
export function withdraw(entries: readonly Entry[], by: string, at_s: number): Told[] {
  const open = entries.findLast((it) => it.kind === 'AlertOpened' && it.body.rule === 'help');
  if (open?.kind !== 'AlertOpened') return [];
  const { alert_id } = open.body;
  return [told(at_s, 'AlertClosed', { alert_id, reason: 'withdrawn', at_s, by, text: '' })];
}
