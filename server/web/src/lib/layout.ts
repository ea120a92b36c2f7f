/** Where the calls of a board lie, so that only those in sight have to be there. Pure. */

export type Layout = 'wide' | 'middle' | 'narrow' | 'tile';

/** Heights in rem: all calls of a layout are equally high. */
const HEIGHT_REM: Record<Layout, number> = { wide: 4.4, middle: 7.2, narrow: 13, tile: 13 };

const MIDDLE_REM = 46;
const WIDE_REM = 78;
const TILE_REM = 22;
const GAP_REM = 1;
/** Calls above and below the window that are there all the same. */
const SPARE_ROWS = 3;

export interface Grid {
  readonly layout: Layout;
  readonly columns: number;
  /** From one row to the next, in px. */
  readonly step: number;
  readonly height: number;
  readonly width: number;
  readonly gap: number;
}

/** @param width of the list, @param rem both in px. */
export function gridOf(width: number, rem: number, tiles: boolean): Grid {
  if (tiles) {
    const gap = GAP_REM * rem;
    const columns = Math.max(1, Math.floor((width + gap) / (TILE_REM * rem + gap)));
    const height = HEIGHT_REM.tile * rem;
    const each = (width - gap * (columns - 1)) / columns;
    return { layout: 'tile', columns, step: height + gap, height, width: each, gap };
  }
  const layout = width < MIDDLE_REM * rem ? 'narrow' : width < WIDE_REM * rem ? 'middle' : 'wide';
  const height = Math.round(HEIGHT_REM[layout] * rem);
  return { layout, columns: 1, step: height, height, width, gap: 0 };
}

export const totalHeight = (count: number, grid: Grid): number =>
  Math.max(0, Math.ceil(count / grid.columns) * grid.step - grid.gap);

/** Indexes of the calls to draw, from `start` up to `end`: those in sight and a few more. */
export function inSight(
  count: number,
  grid: Grid,
  top: number,
  bottom: number,
): { readonly start: number; readonly end: number } {
  const first = Math.max(0, Math.floor(top / grid.step) - SPARE_ROWS);
  const last = Math.max(0, Math.ceil(bottom / grid.step) + SPARE_ROWS);
  return {
    start: Math.min(count, first * grid.columns),
    end: Math.min(count, last * grid.columns),
  };
}

/** Left and top of the call with this index, in px. */
export const placeOf = (index: number, grid: Grid): { readonly x: number; readonly y: number } => ({
  x: (index % grid.columns) * (grid.width + grid.gap),
  y: Math.floor(index / grid.columns) * grid.step,
});
