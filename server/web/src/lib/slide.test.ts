import { expect, it } from 'vitest';

import { slide } from './slide';

const place = (left: number, top: number, width: number): DOMRect =>
  ({ left, top, width, height: 60 }) as DOMRect;
const node = {} as Element;

it('moves a call from where it was, at its own size', () => {
  const moved = slide(node, { from: place(0, 180, 900), to: place(0, 60, 900) }, { duration: 350 });

  expect(moved.duration).toBe(350);
  expect(moved.css?.(0, 1)).toBe('transform: translate(0px, 120px)');
  expect(moved.css?.(1, 0)).toBe('transform: translate(0px, 0px)');
});

it('moves nothing whose size changes, or where movement is not wanted', () => {
  const [from, to] = [place(0, 180, 260), place(0, 60, 900)];

  expect(slide(node, { from, to }, { duration: 350 }).duration).toBe(0);
  expect(slide(node, { from, to: from }, { duration: 0 }).duration).toBe(0);
});
