/** What the time axis of a finished call shows beside curve and waveform. Pure. */

import type { SpeechSpan } from '../call';
import type { Entry, Party } from '../events';

export interface Interruption {
  readonly by: Party;
  readonly at_s: number;
}

export interface Span {
  readonly start_s: number;
  readonly end_s: number;
}

export const interruptions = (entries: readonly Entry[]): readonly Interruption[] =>
  entries.flatMap((entry) => (entry.kind === 'Interrupted' ? [entry.body] : []));

/** Stretches longer than `least_s` in which nobody speaks. */
export function silences(
  speech: readonly SpeechSpan[],
  duration_s: number,
  least_s: number,
): readonly Span[] {
  const found: Span[] = [];
  let end_s = 0;
  for (const span of [...speech].sort((a, b) => a.start_s - b.start_s)) {
    if (span.start_s - end_s >= least_s) found.push({ start_s: end_s, end_s: span.start_s });
    end_s = Math.max(end_s, span.end_s);
  }
  if (duration_s - end_s >= least_s) found.push({ start_s: end_s, end_s: duration_s });
  return found;
}

/** Where playback goes on when it stands in a silence; null where it does not. */
export function skipTo(quiet: readonly Span[], at_s: number, lead_s: number): number | null {
  const here = quiet.find((it) => it.start_s + lead_s <= at_s && at_s < it.end_s - lead_s);
  return here === undefined ? null : here.end_s - lead_s;
}

/** `1:02:03`, `2:03` or `123.4` as seconds; null when it is none of these. */
export function parseTime(text: string): number | null {
  if (!/^\d+(:\d{1,2}){0,2}(\.\d+)?$/.test(text)) return null;
  return text.split(':').reduce((total, part) => total * 60 + Number(part), 0);
}
