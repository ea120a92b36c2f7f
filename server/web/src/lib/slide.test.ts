import { expect, it, vi } from 'vitest';

import { slides, wayBetween, type Placed } from './slide';

const at = (y: number, width = 100): Placed => ({ x: 0, y, width, height: 50 });

it('goes straight to its new place', () => {
  expect(wayBetween(at(300), at(100))).toEqual([0, 200]);
});

it('goes nowhere where it stays or its size changes', () => {
  expect(wayBetween(at(100), at(100))).toBeNull();
  expect(wayBetween(at(300), at(100, 120))).toBeNull();
});

it('moves an element each time it is put elsewhere, unless nothing may move', () => {
  const animate = vi.fn();
  const node = { animate } as unknown as HTMLElement;
  const action = slides(node, { ...at(300), moving: true });

  action.update({ ...at(300), moving: true });
  action.update({ ...at(100), moving: true });
  action.update({ ...at(200), moving: false });
  action.update({ ...at(250), moving: true });

  const ways = animate.mock.calls.map(([frames]) => frames.transform[0]);
  expect(ways).toEqual(['translate(0px, 200px)', 'translate(0px, -50px)']);
});
