/** An utterance cut into the stretches that counted and those between. Pure. */

import type { WordHit, WordSign } from './events';

export interface Stretch {
  readonly text: string;
  readonly sign: WordSign | null;
}

/** Offsets of hits count code points; where hits overlap, the earlier one has the text. */
export function stretches(text: string, hits: readonly WordHit[]): Stretch[] {
  if (hits.length === 0) return [{ text, sign: null }];
  const characters = [...text];
  const parts: Stretch[] = [];
  let at = 0;
  const push = (end: number, sign: WordSign | null): void => {
    if (end > at) parts.push({ text: characters.slice(at, end).join(''), sign });
    at = Math.max(at, end);
  };
  for (const hit of [...hits].sort((a, b) => a.start - b.start)) {
    push(Math.min(hit.start, characters.length), null);
    push(Math.min(hit.end, characters.length), hit.sign);
  }
  push(characters.length, null);
  return parts;
}

/** The words of one hit. */
export const wordsOf = (text: string, hit: WordHit): string =>
  [...text].slice(hit.start, hit.end).join('').trim();
