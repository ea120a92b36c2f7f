import { expect, it } from 'vitest';

import { between, holding, isWhole, LEAST_S, lengthOf, moved, shareIn, whole, zoomed } from './view';

const HOURS = 4 * 3600;

it('goes from four hours to seconds and back, and keeps the moment where it is', () => {
  let view = whole(HOURS);
  for (let step = 0; step < 40; step++) view = zoomed(view, 10_800, 0.5, HOURS);

  expect(lengthOf(view)).toBe(LEAST_S);
  expect(shareIn(view, 10_800)).toBeCloseTo(0.75);
  for (let step = 0; step < 40; step++) view = zoomed(view, 10_800, 2, HOURS);
  expect(isWhole(view, HOURS)).toBe(true);
});

it('stays within the call', () => {
  const view = between(100, 160, HOURS);

  expect(moved(view, -1000, HOURS)).toEqual({ from_s: 0, to_s: 60 });
  expect(moved(view, HOURS, HOURS)).toEqual({ from_s: HOURS - 60, to_s: HOURS });
  expect(between(HOURS - 1, HOURS, HOURS)).toEqual({ from_s: HOURS - LEAST_S, to_s: HOURS });
});

it('is the whole of a call that is shorter than any view', () => {
  expect(zoomed(whole(4), 2, 0.5, 4)).toEqual(whole(4));
  expect(between(1, 2, 4)).toEqual(whole(4));
});

it('goes where somebody plays, and not before it has to', () => {
  const view = { from_s: 100, to_s: 200 };

  expect(holding(view, 150, HOURS)).toBe(view);
  expect(holding(view, 200.1, HOURS)).toEqual({ from_s: 190.1, to_s: 290.1 });
  expect(holding(view, 5, HOURS)).toEqual({ from_s: 0, to_s: 100 });
});
