import { expect, it } from 'vitest';

import { PHASES, WORD_SIGNS } from '../events';
import { en } from './en';
import { zh } from './zh';

/** Every text below `value` by its path; texts with gaps are called with samples. */
function texts(value: object, path = ''): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, part] of Object.entries(value) as [string, unknown][]) {
    const here = `${path}.${key}`;
    if (typeof part === 'string') found.set(here, part);
    else if (typeof part === 'function') {
      found.set(here, String((part as (...args: number[]) => string)(3, 4, 5)));
    } else for (const [deep, text] of texts(part as object, here)) found.set(deep, text);
  }
  return found;
}

it('has every text in both languages, and none of them empty', () => {
  expect([...texts(zh).keys()].sort()).toEqual([...texts(en).keys()].sort());
  expect([...texts(en), ...texts(zh)].filter(([, text]) => text === '')).toEqual([]);
});

it('writes Chinese in Chinese', () => {
  const latin = [...texts(zh)].filter(([, text]) => !/[一-鿿]/.test(text)).map(([path]) => path);

  // Names, signs, a command and bare numbers are the same in both.
  expect(latin.sort()).toEqual([
    '.alerts.more',
    '.alerts.sign',
    '.appName',
    '.board.emptyCommand',
    '.board.nothingSaid',
    '.detail.band',
    '.evidence.quote',
    '.evidence.separator',
    '.notes.from',
    '.roles.sign',
  ]);
});

it('names every phase and every sign of words', () => {
  for (const messages of [en, zh]) {
    expect(Object.keys(messages.phases)).toEqual([...PHASES]);
    expect(Object.keys(messages.signs)).toEqual([...WORD_SIGNS]);
  }
});
