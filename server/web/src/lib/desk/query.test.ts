import { expect, it } from 'vitest';

import { conditions, fromAddress, pieces, toAddress, toggled } from './query';

it('keeps a search in the address', () => {
  const query = { text: '退款 &', phases: ['peak'], peak: { least: 60, most: null } } as const;
  const address = toAddress(query);

  expect(fromAddress(address.slice('/audit'.length))).toEqual(query);
  expect(conditions(query)).toBe(2);
});

it('leaves out what asks for nothing', () => {
  expect(
    toAddress({ text: '', agents: [], pauses: 'any', peak: { least: null, most: null } }),
  ).toBe('/audit');
});

it('takes a broken address for an empty search', () => {
  for (const broken of ['?s=%7B', '?s=1', '?s=null', '']) expect(fromAddress(broken)).toEqual({});
});

it('switches a value on and off', () => {
  expect(toggled(undefined, 'a')).toEqual(['a']);
  expect(toggled(['a', 'b'], 'a')).toEqual(['b']);
});

it('marks characters, not UTF-16 units', () => {
  expect(pieces('😀退款吗', [[1, 3]])).toEqual([
    { text: '😀', marked: false },
    { text: '退款', marked: true },
    { text: '吗', marked: false },
  ]);
});
