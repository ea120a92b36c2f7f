/** Which alerts have just begun to wait. Pure; bell.svelte.ts makes it heard. */

import { waiting, type Alert, type CallState } from './call';

export interface Ring {
  readonly call: CallState;
  readonly alert: Alert;
}

/** Remembers what has been told already, so that each alert rings once each time it waits. */
export class Rings {
  #known = new Set<string>();
  #began = false;

  /** What waits now and did not a look ago. What waited before the page was there rings not. */
  take(calls: Iterable<CallState>): readonly Ring[] {
    const now = new Set<string>();
    const fresh: Ring[] = [];
    for (const call of calls) {
      for (const alert of waiting(call)) {
        const key = `${call.id} ${alert.id} ${alert.escalations.length}`;
        now.add(key);
        if (this.#began && !this.#known.has(key)) fresh.push({ call, alert });
      }
    }
    this.#known = now;
    this.#began = true;
    return fresh;
  }
}
