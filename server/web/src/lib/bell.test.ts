import { expect, it } from 'vitest';

import { Rings } from './bell';
import { newCall, type Alert, type CallState } from './call';

const alert = (changes: Partial<Alert> = {}): Alert => ({
  id: 'a1',
  rule: 'hostility',
  severity: 'warning',
  state: 'open',
  at_s: 1,
  escalations: [],
  by: null,
  taken_s: null,
  snoozed_until_s: null,
  closed: null,
  help: null,
  evidence: [],
  ...changes,
});
const call = (...alerts: Alert[]): CallState => ({ ...newCall('x'), alerts });

it('is silent about what waited before it was there', () => {
  const rings = new Rings();

  expect(rings.take([call(alert())])).toEqual([]);
  expect(rings.take([call(alert())])).toEqual([]);
});

it('rings once for an alert, again when it escalates and when its snooze is over', () => {
  const rings = new Rings();
  rings.take([]);

  expect(rings.take([call(alert())])).toHaveLength(1);
  expect(rings.take([call(alert())])).toHaveLength(0);
  expect(rings.take([call(alert({ severity: 'critical', escalations: [{ at_s: 9, untaken: false }], state: 'escalated' }))])).toHaveLength(1);
  expect(rings.take([call(alert({ severity: 'critical', escalations: [{ at_s: 9, untaken: false }], state: 'snoozed' }))])).toHaveLength(0);
  expect(rings.take([call(alert({ severity: 'critical', escalations: [{ at_s: 9, untaken: false }], state: 'escalated' }))])).toHaveLength(1);
});

it('is silent about what somebody has taken, and about calls that are over', () => {
  const rings = new Rings();
  rings.take([]);

  const over = { ...call(alert()), ended: { reason: 'completed', duration_s: 1 } } as const;
  expect(rings.take([call(alert({ state: 'acknowledged' })), over])).toEqual([]);
});
