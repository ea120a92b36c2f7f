/** The order of the board: most urgent first, and calm enough to be read. Pure. */

import { current, waiting, type CallState } from './call';
import type { Severity } from './events';

const SEVERITY_RISK: Record<Severity, number> = { notice: 20, warning: 50, critical: 100 };

/** A score has to leave its step by this much before the call changes place. */
const SLACK = 3;
const STEP = 10;

/** How urgent: the score, and above it what waits for somebody. Ended calls are below all. */
export function risk(call: CallState): number {
  if (call.ended !== null) return -1;
  const alerts = waiting(call).map((it) => SEVERITY_RISK[it.severity]);
  return (current(call)?.score ?? 0) + Math.max(0, ...alerts);
}

/** By character: of times and ids no language has another order, and it is quick. */
const compared = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Keeps the order between two looks, so that noise in a score moves nothing. */
export class BoardOrder {
  #step = new Map<string, number>();

  /** Ids of `calls`, most urgent first; equally urgent ones, longest call first. */
  sort(calls: readonly CallState[]): string[] {
    const steps = new Map<string, number>();
    for (const call of calls) steps.set(call.id, this.#stepOf(call));
    this.#step = steps;
    return [...calls]
      .sort(
        (a, b) =>
          (steps.get(b.id) ?? 0) - (steps.get(a.id) ?? 0) ||
          compared(a.startedAt, b.startedAt) ||
          compared(a.id, b.id),
      )
      .map((call) => call.id);
  }

  #stepOf(call: CallState): number {
    const now = risk(call);
    const before = this.#step.get(call.id);
    if (before !== undefined && now >= before - SLACK && now < before + STEP + SLACK) return before;
    return Math.floor(now / STEP) * STEP;
  }
}

/**
 * The order to show while somebody points at the list: calls stay where they are,
 * new ones are appended, gone ones leave.
 */
export function frozen(shown: readonly string[], wanted: readonly string[]): string[] {
  const present = new Set(wanted);
  const known = new Set(shown);
  return [...shown.filter((id) => present.has(id)), ...wanted.filter((id) => !known.has(id))];
}
