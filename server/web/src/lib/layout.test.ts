import { expect, it } from 'vitest';

import { gridOf, inSight, placeOf, totalHeight } from './layout';

it('takes the layout that fits the width', () => {
  const widths = [400, 800, 1400] as const;

  expect(widths.map((width) => gridOf(width, 16, false).layout)).toEqual([
    'narrow',
    'middle',
    'wide',
  ]);
  expect(gridOf(400, 16, true).columns).toBe(1);
  expect(gridOf(1400, 16, true).columns).toBe(3);
});

it('draws the calls in sight and a few more, whatever their number is', () => {
  const grid = gridOf(1400, 16, false);

  const { start, end } = inSight(200, grid, 50 * grid.step, 60 * grid.step);

  expect([start, end]).toEqual([47, 63]);
  expect(inSight(200, grid, -1e4, -1)).toEqual({ start: 0, end: 3 });
  expect(inSight(5, grid, 1e6, 2e6)).toEqual({ start: 5, end: 5 });
});

it('lays tiles beside each other without a gap at the edge', () => {
  const grid = gridOf(1400, 16, true);

  const last = placeOf(2, grid);

  expect(last.x + grid.width).toBeCloseTo(1400);
  expect(placeOf(3, grid)).toEqual({ x: 0, y: grid.step });
  expect(totalHeight(4, grid)).toBe(grid.step + grid.height);
});
