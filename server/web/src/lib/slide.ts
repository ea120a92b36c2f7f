/** How a call goes to its new place: straight there, at its own size. */

export interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const SLIDE_MS = 350;
const SLOWING = 'cubic-bezier(0.22, 1, 0.36, 1)';

/**
 * Where the way begins, seen from its end, both in px; null where there is none. A size
 * that changes too, as when the window does, is no way: all calls would be under way.
 */
export function wayBetween(from: Placed, to: Placed): readonly [number, number] | null {
  if (from.width !== to.width || from.height !== to.height) return null;
  const way = [from.x - to.x, from.y - to.y] as const;
  return way[0] === 0 && way[1] === 0 ? null : way;
}

/** Action for an element that is put somewhere by its style: lets it slide there. */
export function slides(
  node: HTMLElement,
  placed: Placed & { readonly moving: boolean },
): { update: (next: Placed & { readonly moving: boolean }) => void } {
  let at: Placed = placed;
  return {
    update(next) {
      const way = wayBetween(at, next);
      at = next;
      if (way === null || !next.moving) return;
      const transform = [`translate(${way[0]}px, ${way[1]}px)`, 'none'];
      node.animate({ transform }, { duration: SLIDE_MS, easing: SLOWING });
    },
  };
}
