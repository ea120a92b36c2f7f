import { expect, it } from 'vitest';

import { clock, dateTime, isoDuration } from './format';

it('reads seconds as people do', () => {
  expect([0, 59.9, 75.4, 3600, 3725, -1].map(clock)).toEqual([
    '0:00',
    '0:59',
    '1:15',
    '1:00:00',
    '1:02:05',
    '0:00',
  ]);
  expect(isoDuration(75.4)).toBe('PT75S');
});

it('knows when a recording has no date', () => {
  expect(dateTime('', 'en')).toBeNull();
  expect(dateTime('soon', 'en')).toBeNull();
  expect(dateTime('2026-01-02T03:04:05Z', 'zh')).toContain('2026');
});
