import { expect, it } from 'vitest';

import { parseTime, silences, skipTo } from './lanes';

const speech = [
  { party: 'agent', start_s: 1, end_s: 4 },
  { party: 'customer', start_s: 3, end_s: 6 },
  { party: 'agent', start_s: 12, end_s: 13 },
] as const;

it('finds where nobody speaks, whoever spoke before', () => {
  expect(silences(speech, 20, 2)).toEqual([
    { start_s: 6, end_s: 12 },
    { start_s: 13, end_s: 20 },
  ]);
  expect(silences([], 5, 2)).toEqual([{ start_s: 0, end_s: 5 }]);
});

it('skips to just before somebody speaks again, and never back', () => {
  const quiet = silences(speech, 20, 2);

  expect(skipTo(quiet, 5, 0.5)).toBeNull();
  expect(skipTo(quiet, 7, 0.5)).toBe(11.5);
  expect(skipTo(quiet, 11.5, 0.5)).toBeNull();
});

it('reads the time of a link', () => {
  expect(parseTime('75')).toBe(75);
  expect(parseTime('1:15')).toBe(75);
  expect(parseTime('1:00:05')).toBe(3605);
  expect(parseTime('12.5')).toBe(12.5);
  for (const wrong of ['', 'x', '-3', '1:2:3:4', '1e9']) expect(parseTime(wrong)).toBeNull();
});
