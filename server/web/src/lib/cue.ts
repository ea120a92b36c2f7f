/** What the agent's screen shows of a cue at one moment. Pure. */

import type { CallState, Cue } from './call';
import type { Phase } from './events';

/** How long a line stays after the agent has begun to answer with it. */
export const LINE_KEPT_S = 12;

/** Without any further news a line is not shown for longer than this. */
export const LINE_EXPIRES_S = 30;

/** A line that was asked for outside of a cue. */
export const OFFER_KEPT_S = 20;

export interface CueLine {
  readonly text: string;
  readonly language: string;
}

export type CueView =
  | { readonly state: 'idle' }
  | { readonly state: 'muted' }
  | { readonly state: 'armed' }
  | { readonly state: 'counting'; readonly left_s: number; readonly total_s: number }
  | { readonly state: 'released' | 'followed' | 'offered'; readonly line: CueLine | null };

const IDLE: CueView = { state: 'idle' };

/** The one cue on screen at `now_s`, the call's live clock. */
export function cueView(call: CallState, now_s: number): CueView {
  if (call.ended !== null) return IDLE;
  const cue = call.cues.at(-1);
  const view = cue === undefined ? IDLE : viewOf(cue, now_s);
  if (view.state !== 'idle') return view;
  const { offered } = call;
  if (offered !== null && now_s <= offered.at_s + OFFER_KEPT_S) {
    return { state: 'offered', line: offered };
  }
  return call.muted ? { state: 'muted' } : IDLE;
}

function viewOf(cue: Cue, now_s: number): CueView {
  switch (cue.step) {
    case 'armed':
      return { state: 'armed' };
    case 'counting': {
      if (cue.count === null) return IDLE;
      const { start_s, until_s } = cue.count;
      const total_s = until_s - start_s;
      const left_s = Math.min(total_s, Math.max(0, until_s - now_s));
      return { state: 'counting', left_s, total_s };
    }
    case 'released':
    case 'followed': {
      const kept_s = cue.step === 'released' ? LINE_EXPIRES_S : LINE_KEPT_S;
      return now_s > cue.at_s + kept_s ? IDLE : { state: cue.step, line: cue.line };
    }
    case 'ignored':
    case 'withdrawn':
      return IDLE;
  }
}

/**
 * Whether a phase's advice may stand beside the call's cue. A cue looks ahead: while it asks for a
 * pause, the phase may still be one of ordinary service, or already be again.
 */
export function advises(call: CallState, phase: Phase): boolean {
  const step = call.cues.at(-1)?.step;
  const waiting = step === 'armed' || step === 'counting';
  return !waiting || phase === 'take_off' || phase === 'peak';
}

/** The number in the ring: 5 at the start, 1 in the last second and until the line is there. */
export const countNumber = (left_s: number): number => Math.max(1, Math.ceil(left_s));
