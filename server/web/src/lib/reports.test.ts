import { expect, it } from 'vitest';

import { reportQuery, shapePaths } from './reports';

it('asks for whole days', () => {
  expect(reportQuery('team', '', '')).toBe('by=team');
  expect(decodeURIComponent(reportQuery('hour', '2026-01-31', '2026-01-31'))).toBe(
    'by=hour&after=2026-01-31T00:00:00&before=2026-02-01T00:00:00',
  );
});

it('draws what is there and leaves the rest out', () => {
  const paths = shapePaths({
    from_s: -5,
    step_s: 5,
    mean: [0, 50, null],
    low: [0, 40, null],
    high: [0, 60, null],
    n_calls: 5,
  });

  expect(paths.mean).toBe('M0.0000 1.0000L0.5000 0.5000');
  expect(paths.band.endsWith('Z')).toBe(true);
  expect(paths.band.match(/[ML]/g)).toHaveLength(4);
});
