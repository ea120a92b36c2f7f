/** How a call goes to its new place: straight there, at its own size. */

import { cubicOut } from 'svelte/easing';
import type { AnimationConfig } from 'svelte/animate';

interface Places {
  readonly from: DOMRect;
  readonly to: DOMRect;
}

/**
 * Like `flip` of Svelte, but where the size changes too, as when the window does, there
 * is no movement: text that is pulled to another width cannot be read.
 */
export function slide(
  _node: Element,
  { from, to }: Places,
  { duration }: { readonly duration: number },
): AnimationConfig {
  if (duration === 0 || from.width !== to.width || from.height !== to.height) {
    return { duration: 0 };
  }
  const [x, y] = [from.left - to.left, from.top - to.top];
  const css = (_: number, left: number): string =>
    `transform: translate(${left * x}px, ${left * y}px)`;
  return { duration, easing: cubicOut, css };
}
