import { expect, it } from 'vitest';

import { callEntries, SCRIPTS } from '../../dev/script';
import { fold, newCall } from './call';
import { phrase, ruleName, sentence } from './evidence';
import type { Evidence } from './events';
import { en } from './i18n/en';
import { zh } from './i18n/zh';

const PARAMS = { callId: 'x', agentId: 'a1', customerRef: '', startedAt: '' };
const call = fold(newCall('x'), callEntries(SCRIPTS.en, PARAMS));

const evidence = (code: string, value: number): Evidence => ({
  source: 'words',
  code,
  weight: 10,
  value,
  start_s: 14.3,
  end_s: 22,
});

it('says what was heard, with the number behind it', () => {
  expect(phrase(call, evidence('voice_anger', 0.718), en)).toBe('voice: anger 72 %');
  expect(phrase(call, evidence('voice_louder', 6.4), zh)).toBe('音量比本人平时高 109%');
  expect(phrase(call, evidence('customer_interrupts', 2), en)).toBe('interrupts, 2 times');
  expect(phrase(call, evidence('says_it_again', 1), en)).toBe('has said the same before');
  expect(phrase(call, evidence('speaks_faster', 1.4), en)).toBe('speaks 40 % faster than at first');
});

it("quotes the customer's own words where they counted", () => {
  expect(phrase(call, evidence('repeated_contact', 1), en)).toBe(
    'has been in touch before: “third time I call”',
  );
});

it('says a code it does not know as it is', () => {
  expect(phrase(call, evidence('whistles', 1), en)).toBe('whistles');
});

it('names a rule, and one of the user by its id', () => {
  expect(ruleName('slope', zh)).toBe('快速上升');
  expect(ruleName('thanks', en)).toBe('says thanks');
  expect(ruleName('vip_waiting', en)).toBe('vip_waiting');
});

it('makes one sentence, and says so when there is nothing', () => {
  const all = [evidence('voice_anger', 0.5), evidence('churn', 1)];

  expect(sentence(call, all, en)).toBe('voice: anger 50 % · wants to leave');
  expect(sentence(call, [], zh)).toBe('没有明显的迹象。');
});
