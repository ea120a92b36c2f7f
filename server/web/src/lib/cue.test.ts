import { expect, it } from 'vitest';

import { callEntries, SCRIPTS } from '../../dev/script';
import { fold, newCall, type CallState } from './call';
import { advises, countNumber, cueView, LINE_KEPT_S } from './cue';
import type { Entry } from './events';

const entries = callEntries(SCRIPTS.en, {
  callId: 'x',
  agentId: 'a1',
  customerRef: '',
  startedAt: '',
});
const at = (now_s: number): CallState =>
  fold(newCall('x'), entries.filter((it) => it.at_s <= now_s));
const stateAt = (now_s: number): string => cueView(at(now_s), now_s).state;

it('goes through its moments as the call does', () => {
  expect([30, 32, 35.2, 36, 43, 47, 48].map(stateAt)).toEqual([
    'idle',
    'armed',
    'counting',
    'armed',
    'counting',
    'released',
    'followed',
  ]);
});

it('counts from the end of the turn, not from when that was known', () => {
  const view = cueView(at(42.5), 43.3);

  expect(view).toEqual({
    state: 'counting',
    left_s: expect.closeTo(3.5),
    total_s: expect.closeTo(5),
  });
});

it('says nothing else while it asks for a pause', () => {
  const phases = ['rational', 'take_off', 'peak', 'slow_down'] as const;
  const saysAt = (now_s: number) => phases.filter((phase) => advises(at(now_s), phase));

  expect(saysAt(30)).toEqual(phases);
  expect(saysAt(32)).toEqual(['take_off', 'peak']);
  expect(saysAt(43)).toEqual(['take_off', 'peak']);
  expect(saysAt(47)).toEqual(phases);
});

it('never counts above five or below zero', () => {
  const call = at(42.5);

  expect(cueView(call, 41)).toMatchObject({ left_s: expect.closeTo(5) as number });
  expect(cueView(call, 60)).toMatchObject({ left_s: 0 });
});

it('says 5 4 3 2 1, one second each, and holds 1 until the line is there', () => {
  expect([5, 4.01, 4, 3, 2, 1, 0.01, 0].map(countNumber)).toEqual([5, 5, 4, 3, 2, 1, 1, 1]);
});

it('leaves the line on screen for a while after the agent has begun', () => {
  const call = at(48);

  expect(cueView(call, 47.4 + LINE_KEPT_S - 0.1).state).toBe('followed');
  expect(cueView(call, 47.4 + LINE_KEPT_S + 0.1).state).toBe('idle');
});

it('reproaches nobody: an ignored or withdrawn cue is gone', () => {
  const call = at(43);
  const ignored: Entry = {
    seq: call.seq + 1,
    at_s: 44,
    kind: 'CueIgnored',
    body: { cue_id: 'c1', at_s: 44, pause_s: 2.2 },
  };
  const withdrawn: Entry = {
    seq: call.seq + 1,
    at_s: 44,
    kind: 'CueWithdrawn',
    body: { cue_id: 'c1', at_s: 44, reason: 'calmed' },
  };

  expect(cueView(fold(call, [ignored]), 44).state).toBe('idle');
  expect(cueView(fold(call, [withdrawn]), 44).state).toBe('idle');
});

it('shows nothing after the call', () => {
  expect(stateAt(200)).toBe('idle');
});
