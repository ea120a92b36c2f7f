import { expect, it } from 'vitest';

import { newCall, type CallState } from './call';
import { distinct, matches, NO_FILTER, readFilter, sorted } from './filter';

const call = (id: string, changes: Partial<CallState> = {}): CallState => ({
  ...newCall(id),
  agentId: id,
  team: 'home',
  language: 'en',
  customerRef: 'K-20417',
  startedAt: `2026-01-01T00:00:0${id.length}Z`,
  ...changes,
});

it('reads from the address what it can use, and nothing else', () => {
  expect(readFilter('?team=home&phase=peak&spoken=zh&q=a7')).toEqual({
    text: 'a7',
    team: 'home',
    phase: 'peak',
    language: 'zh',
  });
  expect(readFilter('?phase=boiling')).toEqual(NO_FILTER);
});

it('asks for team, language, phase, and words of agent or reference, all at once', () => {
  const shown = call('a7');

  expect(matches(shown, NO_FILTER)).toBe(true);
  expect(matches(shown, { text: 'k-204', team: 'home', phase: 'rational', language: 'en' })).toBe(true);
  for (const other of [{ text: 'a8' }, { team: 'x' }, { phase: 'peak' }, { language: 'zh' }] as const) {
    expect(matches(shown, { ...NO_FILTER, ...other })).toBe(false);
  }
});

it('sorts by the beginning or by the agent as people count, ended calls last', () => {
  const over = call('a', { ended: { reason: 'completed', duration_s: 1 } });
  const calls = [over, call('a10'), call('a2')];

  expect(sorted(calls, 'agent')).toEqual(['a2', 'a10', 'a']);
  expect(sorted(calls, 'longest')).toEqual(['a2', 'a10', 'a']);
});

it('lists each value once, without the empty one', () => {
  expect(distinct(['b', '', 'a', 'b'])).toEqual(['a', 'b']);
});
