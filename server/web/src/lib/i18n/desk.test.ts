import { expect, it } from 'vitest';

import { deskEn } from './desk.en';
import { deskZh } from './desk.zh';

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

it('has every text of the desk in both languages, Chinese in Chinese', () => {
  expect([...texts(deskZh).keys()].sort()).toEqual([...texts(deskEn).keys()].sort());
  expect([...texts(deskEn), ...texts(deskZh)].filter(([, text]) => text === '')).toEqual([]);
  const latin = [...texts(deskZh)].filter(([, text]) => !/[一-鿿（）]/.test(text));
  expect(latin).toEqual([]);
});
