/** A search in the page's address, so that it can be linked and gone back to. Pure. */

import type { SearchQuery } from './types';

/** The search without what asks for nothing, as the address has it. */
export function toAddress(query: SearchQuery): string {
  const asked = Object.entries(query).filter(([key, value]) => key !== 'cursor' && asks(value));
  if (asked.length === 0) return '/audit';
  return `/audit?${new URLSearchParams({ s: JSON.stringify(Object.fromEntries(asked)) })}`;
}

export function fromAddress(search: string): SearchQuery {
  try {
    const found: unknown = JSON.parse(new URLSearchParams(search).get('s') ?? '{}');
    return typeof found === 'object' && found !== null ? (found as SearchQuery) : {};
  } catch {
    return {};
  }
}

function asks(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 'any') return false;
  if (value === 'anybody' || value === false) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object') return Object.values(value).some((it) => it !== null);
  return true;
}

/** How many conditions are set, besides words and order. */
export const conditions = (query: SearchQuery): number =>
  Object.entries(query).filter(
    ([key, value]) =>
      !['text', 'said_by', 'sort', 'ascending', 'limit', 'cursor'].includes(key) && asks(value),
  ).length;

/** The list with `value` in it, or without it when it was. */
export const toggled = <T>(list: readonly T[] | undefined, value: T): readonly T[] =>
  list?.includes(value) === true ? list.filter((it) => it !== value) : [...(list ?? []), value];

/** `text` in pieces, those between `marks` marked. */
export function pieces(
  text: string,
  marks: readonly (readonly [number, number])[],
): readonly { readonly text: string; readonly marked: boolean }[] {
  const letters = [...text];
  const found: { text: string; marked: boolean }[] = [];
  let at = 0;
  for (const [start, end] of marks) {
    if (start > at) found.push({ text: letters.slice(at, start).join(''), marked: false });
    found.push({ text: letters.slice(start, end).join(''), marked: true });
    at = end;
  }
  if (at < letters.length) found.push({ text: letters.slice(at).join(''), marked: false });
  return found;
}
