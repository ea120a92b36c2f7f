/** What happened in a call, as one list in the order of time. Pure. */

import type { Alert, CallState, Cue } from './call';

export type Mark =
  | { readonly kind: 'alert'; readonly at_s: number; readonly key: string; readonly alert: Alert }
  | { readonly kind: 'cue'; readonly at_s: number; readonly key: string; readonly cue: Cue };

export function marks(call: CallState): readonly Mark[] {
  const alerts = call.alerts.map(
    (alert): Mark => ({ kind: 'alert', at_s: alert.at_s, key: alert.id, alert }),
  );
  const cues = call.cues.map(
    (cue): Mark => ({ kind: 'cue', at_s: cue.count?.start_s ?? cue.armed_s, key: cue.id, cue }),
  );
  return [...alerts, ...cues].sort((a, b) => a.at_s - b.at_s);
}
