import { expect, it } from 'vitest';

import { newCall, type CallState } from './call';
import type { Severity } from './events';
import { BoardOrder, frozen, risk } from './order';

function call(id: string, score: number, waiting: Severity | null = null): CallState {
  const point = { at_s: 1, score, low: 0, high: 100, phase: 'rational', evidence: [] } as const;
  const alert = {
    id: 'a1',
    rule: 'hostility',
    state: 'open',
    at_s: 1,
    escalations: [],
    by: null,
    taken_s: null,
    snoozed_until_s: null,
    closed: null,
    help: null,
    evidence: [],
  } as const;
  return {
    ...newCall(id),
    startedAt: `2026-01-01T00:00:0${id.length}Z`,
    points: [point],
    alerts: waiting === null ? [] : [{ ...alert, severity: waiting }],
  };
}

it('puts the most urgent call first: alerts that wait above scores, ended calls last', () => {
  const ended: CallState = {
    ...call('ended', 99),
    ended: { reason: 'completed', duration_s: 9 },
  };

  const order = new BoardOrder().sort([
    ended,
    call('calm', 5),
    call('hot', 85),
    call('critical', 60, 'critical'),
    call('warning', 60, 'warning'),
  ]);

  expect(order).toEqual(['critical', 'warning', 'hot', 'calm', 'ended']);
});

it('leaves places alone while scores only tremble', () => {
  const order = new BoardOrder();
  order.sort([call('a', 49), call('bb', 41)]);

  expect(order.sort([call('a', 41), call('bb', 52)])).toEqual(['a', 'bb']);
});

it('moves a call up once its score has really risen', () => {
  const order = new BoardOrder();
  order.sort([call('a', 49), call('bb', 41)]);

  expect(order.sort([call('a', 49), call('bb', 60)])).toEqual(['bb', 'a']);
});

it('holds every place while somebody points at the list', () => {
  expect(frozen(['a', 'b', 'c'], ['c', 'new', 'a'])).toEqual(['a', 'c', 'new']);
});

it('rates a call without a score as calm, not as unknown', () => {
  expect(risk(newCall('x'))).toBe(0);
});
