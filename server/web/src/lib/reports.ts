/** Reports as the service gives them. */

export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly n_calls: number;
}

export interface Shape {
  readonly from_s: number;
  readonly step_s: number;
  readonly mean: readonly (number | null)[];
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
  readonly n_calls: number;
}

export interface CueEffect {
  readonly followed: Estimate;
  readonly ignored: Estimate;
  readonly difference: Estimate;
  readonly adjusted: Estimate | null;
}

export interface Figures {
  readonly n_calls: number;
  readonly took_off: Estimate | null;
  readonly cooled: Estimate | null;
  readonly cool_s: Estimate | null;
  readonly adherence: Estimate | null;
  readonly effect: CueEffect | null;
  readonly shape: Shape | null;
}

export interface Report {
  readonly by: string;
  readonly least_calls: number;
  readonly cells: readonly { readonly key: string; readonly figures: Figures }[];
  readonly n_hidden: number;
  readonly all: Figures | null;
}

export const DIMENSIONS = ['team', 'group', 'hour', 'subject', 'agent', 'all'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export function reportQuery(by: Dimension, after: string, before: string): string {
  const query = new URLSearchParams({ by });
  if (after !== '') query.set('after', `${after}T00:00:00`);
  if (before !== '') query.set('before', `${nextDay(before)}T00:00:00`);
  return query.toString();
}

/** A day is asked for whole: up to the midnight after it. */
function nextDay(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + 1);
  return date.toISOString().slice(0, 10);
}

/** Corners of an SVG path over the values that are there, in a box of 0..1 by 0..1. */
export function shapePaths(shape: Shape): { mean: string; band: string } {
  const last = Math.max(1, shape.mean.length - 1);
  const at = (values: readonly (number | null)[]): [number, number][] =>
    values.flatMap((value, index): [number, number][] =>
      value === null ? [] : [[index / last, 1 - value / 100]],
    );
  const path = (points: readonly [number, number][]): string =>
    points.map(([x, y], index) => `${index ? 'L' : 'M'}${x.toFixed(4)} ${y.toFixed(4)}`).join('');
  const around = [...at(shape.high), ...at(shape.low).reverse()];
  return { mean: path(at(shape.mean)), band: around.length ? `${path(around)}Z` : '' };
}
