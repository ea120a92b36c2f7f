/** The stretch of a call that its time axis shows. Pure. */

export interface View {
  readonly from_s: number;
  readonly to_s: number;
}

/** A shorter stretch tells nothing more. */
export const LEAST_S = 10;

export const whole = (duration_s: number): View => ({ from_s: 0, to_s: duration_s });

export const isWhole = (view: View, duration_s: number): boolean =>
  view.from_s <= 0 && view.to_s >= duration_s;

export const lengthOf = (view: View): number => view.to_s - view.from_s;

/** Where a time stands between the edges of the view: 0 left, 1 right. */
export const shareIn = (view: View, at_s: number): number =>
  (at_s - view.from_s) / Math.max(lengthOf(view), 0.001);

/** A view of this length, as near to `from_s` as the call allows. */
function placed(from_s: number, length_s: number, duration_s: number): View {
  const length = Math.min(duration_s, Math.max(Math.min(LEAST_S, duration_s), length_s));
  const from = Math.min(duration_s - length, Math.max(0, from_s));
  return { from_s: from, to_s: from + length };
}

/** As many times as much in view; `at_s` stays where it is on the screen. */
export function zoomed(view: View, at_s: number, times: number, duration_s: number): View {
  const length = Math.min(duration_s, Math.max(LEAST_S, lengthOf(view) * times));
  const share = Math.min(1, Math.max(0, shareIn(view, at_s)));
  return placed(at_s - share * length, length, duration_s);
}

export const moved = (view: View, by_s: number, duration_s: number): View =>
  placed(view.from_s + by_s, lengthOf(view), duration_s);

/** What lies between two moments, whichever comes first. */
export function between(one_s: number, other_s: number, duration_s: number): View {
  const from = Math.min(one_s, other_s);
  const length = Math.abs(one_s - other_s);
  const widened = Math.max(0, LEAST_S - length) / 2;
  return placed(from - widened, length, duration_s);
}

/** The same view if it has the moment in it, else one that begins shortly before. */
export function holding(view: View, at_s: number, duration_s: number): View {
  if (at_s >= view.from_s && at_s <= view.to_s) return view;
  return placed(at_s - lengthOf(view) / 10, lengthOf(view), duration_s);
}
