/** Which calls the board shows, and in which order it is asked for. Pure. */

import { current, type CallState } from './call';
import { PHASES, type Phase } from './events';

export const SORTS = ['risk', 'longest', 'agent'] as const;
export type Sort = (typeof SORTS)[number];

/** Empty strings ask for nothing. */
export interface Filter {
  readonly text: string;
  readonly team: string;
  readonly phase: Phase | '';
  readonly language: string;
}

export const NO_FILTER: Filter = { text: '', team: '', phase: '', language: '' };

/** What an address such as `/board?team=home&phase=peak&spoken=zh` asks for. */
export function readFilter(search: string): Filter {
  const query = new URLSearchParams(search);
  const phase = PHASES.find((it) => it === query.get('phase')) ?? '';
  return {
    text: query.get('q') ?? '',
    team: query.get('team') ?? '',
    phase,
    language: query.get('spoken') ?? '',
  };
}

export function matches(call: CallState, filter: Filter): boolean {
  const text = filter.text.trim().toLowerCase();
  return (
    (filter.team === '' || call.team === filter.team) &&
    (filter.language === '' || call.language === filter.language) &&
    (filter.phase === '' || (current(call)?.phase ?? 'rational') === filter.phase) &&
    (text === '' ||
      [call.agentId, call.customerRef].some((it) => it.toLowerCase().includes(text)))
  );
}

/** The values that occur, for the lists to choose from. */
export const distinct = (values: Iterable<string>): readonly string[] =>
  [...new Set(values)].filter((it) => it !== '').sort();

/** Ids in an order that does not depend on the score; ended calls last. */
export function sorted(calls: readonly CallState[], by: Exclude<Sort, 'risk'>): string[] {
  const key = (call: CallState): string => (by === 'agent' ? call.agentId : call.startedAt);
  return [...calls]
    .sort(
      (a, b) =>
        Number(a.ended !== null) - Number(b.ended !== null) ||
        key(a).localeCompare(key(b), undefined, { numeric: true }) ||
        a.id.localeCompare(b.id),
    )
    .map((call) => call.id);
}
