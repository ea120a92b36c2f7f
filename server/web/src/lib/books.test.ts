import { expect, it } from 'vitest';

import { countByRule, FIELDS, freshLine, freshRule, incomplete, KINDS, spanOf, splitWords } from './books';

it('makes a rule of every kind, whole and with an id of its own', () => {
  for (const kind of KINDS) {
    const rule = freshRule(kind, [`${kind}-1`, `${kind}-2`]);

    expect(rule.id).toBe(`${kind}-3`);
    expect(Object.keys(FIELDS[kind]).every((field) => rule[field] !== undefined)).toBe(true);
  }
});

it('gives two new rules nothing in common', () => {
  const [one, other] = [freshRule('score', []), freshRule('score', [])];

  expect(one['levels']).not.toBe(other['levels']);
});

it('takes words apart as both languages write lists', () => {
  expect(splitWords('refund, money back\n退款，赔偿、退钱 ; ')).toEqual([
    'refund',
    'money back',
    '退款',
    '赔偿',
    '退钱',
  ]);
});

it('finds lines that one language lacks', () => {
  const whole = { ...freshLine([]), text: { en: 'a', zh: '甲' }, method: { en: 'b', zh: '乙' } };
  const half = { ...whole, id: 'half', text: { en: 'a', zh: ' ' } };

  expect(incomplete({ lines: [whole, half] })).toEqual(['half']);
});

it('counts what each rule would have told', () => {
  const found = ['a', 'b', 'b'].map((rule) => ({
    call_id: 'x',
    agent_id: 'a1',
    started_at: '',
    rule,
    severity: 'notice' as const,
    at_s: 1,
  }));

  expect(countByRule({ calls: 1, found })).toEqual([['b', 2], ['a', 1]]);
});

it('takes yesterday from midnight to midnight, also when the clocks change', () => {
  const now = new Date(2026, 2, 30, 9, 15);

  expect(spanOf('yesterday', now)).toEqual({
    after: new Date(2026, 2, 29).toISOString(),
    before: new Date(2026, 2, 30).toISOString(),
  });
  expect(spanOf('today', now)).toEqual({ after: new Date(2026, 2, 30).toISOString() });
  expect(spanOf('newest', now)).toEqual({});
});
