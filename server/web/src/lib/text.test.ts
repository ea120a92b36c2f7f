import { expect, it } from 'vitest';

import { stretches, wordsOf } from './text';

it('cuts an utterance at the words that counted', () => {
  const parts = stretches('the third time now', [{ sign: 'repeated_contact', start: 4, end: 14 }]);

  expect(parts).toEqual([
    { text: 'the ', sign: null },
    { text: 'third time', sign: 'repeated_contact' },
    { text: ' now', sign: null },
  ]);
});

it('counts characters as the service does, not UTF-16 units', () => {
  const text = '😡😡 太过分了';
  const hit = { sign: 'anger', start: 3, end: 7 } as const;

  expect(wordsOf(text, hit)).toBe('太过分了');
  expect(stretches(text, [hit]).at(-1)).toEqual({ text: '太过分了', sign: 'anger' });
});

it('keeps every character once, whatever the hits', () => {
  const text = 'abcdefgh';

  const parts = stretches(text, [
    { sign: 'blame', start: 4, end: 99 },
    { sign: 'anger', start: 1, end: 5 },
    { sign: 'insult', start: 2, end: 3 },
  ]);

  expect(parts.map((it) => it.text).join('')).toBe(text);
  expect(parts.map((it) => it.sign)).toEqual([null, 'anger', 'blame']);
});
