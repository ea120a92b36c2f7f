/**
 * The calls that are live now: one store, fed by one WebSocket.
 *
 * A snapshot brings what is not known yet, entries are folded in; silence for too long
 * is repaired by connecting anew and going on behind the last entry, what does not fit
 * by asking for everything. Messages are taken together once for each picture the
 * screen draws.
 */

import { SvelteMap } from 'svelte/reactivity';

import { fold, foldPartial, GapError, newCall, newThinCall, thin, type CallState } from './call';
import type { FloorFigures, Known, Message, Problem } from './events';

export type Connection = 'connecting' | 'live' | 'lost';

/** The service sends its clock once a second; without it the line is taken for dead. */
const SILENCE_MS = 5_000;
const BACKOFF_MS = [500, 1_000, 2_000, 4_000, 8_000];

/** A call that ended stays on screen this long. */
export const ENDED_KEPT_MS = 60_000;

/** Between two messages the clock runs on by itself, but not further than this. */
const CLOCK_RUNS_ON_S = 1.5;
/** A clock that is ahead by less keeps running; it is not turned back. */
const CLOCK_JITTER_S = 0.5;

interface Heard {
  readonly live_s: number;
  readonly at_ms: number;
}

export class LiveCalls {
  readonly calls = new SvelteMap<string, CallState>();
  /** Seconds by which the analysis of a call is behind its audio. */
  readonly behind = new SvelteMap<string, number>();
  connection: Connection = $state('connecting');
  /** The floor's figures; only a board is told them. */
  floor: FloorFigures | null = $state.raw(null);
  /** What is wrong with the service. */
  problems: readonly Problem[] = $state.raw([]);
  /** Whether anything has been heard since the page was opened. */
  ready: boolean = $state(false);

  readonly #topic: string;
  readonly #heard = new Map<string, Heard>();
  readonly #leave = new Map<string, ReturnType<typeof setTimeout>>();
  #socket: WebSocket | null = null;
  #queue: Message[] = [];
  #cancelDrawing: (() => void) | null = null;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #watch: ReturnType<typeof setTimeout> | null = null;
  #attempts = 0;
  /** What is known does not fit together: everything is asked for anew. */
  #broken = false;
  #closed = false;

  constructor(topic: string) {
    this.#topic = topic;
    this.#connect();
  }

  /** How much of the call is there by now, in seconds of its audio. */
  now(callId: string): number {
    const heard = this.#heard.get(callId);
    if (heard === undefined) return 0;
    const since_s = (performance.now() - heard.at_ms) / 1000;
    const running = this.calls.get(callId)?.ended === null;
    return heard.live_s + (running ? Math.min(since_s, CLOCK_RUNS_ON_S) : 0);
  }

  close(): void {
    this.#closed = true;
    this.#drop();
    if (this.#retry !== null) clearTimeout(this.#retry);
    for (const timer of this.#leave.values()) clearTimeout(timer);
  }

  #connect(): void {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const topic = encodeURIComponent(this.#topic);
    const socket = new WebSocket(
      `${scheme}://${location.host}/v1/live?topic=${topic}&resume=true`,
    );
    this.#socket = socket;
    // Only what is new since is sent again.
    socket.onopen = () => {
      const have = [...this.calls.values()].map((it) => [it.id, it.ended ? 0 : it.seq]);
      socket.send(JSON.stringify(this.#broken ? {} : Object.fromEntries(have)));
    };
    socket.onmessage = (event: MessageEvent<string>) => {
      this.#stayAwake();
      this.#queue.push(JSON.parse(event.data) as Message);
      this.#cancelDrawing ??= nextPicture(() => this.#take());
    };
    socket.onclose = () => this.#reconnect();
  }

  /** Let go of the socket and of what it has sent but nobody has seen. */
  #drop(): void {
    if (this.#watch !== null) clearTimeout(this.#watch);
    this.#watch = null;
    this.#cancelDrawing?.();
    this.#cancelDrawing = null;
    this.#queue = [];
    if (this.#socket !== null) {
      this.#socket.onopen = null;
      this.#socket.onmessage = null;
      this.#socket.onclose = null;
      this.#socket.close();
      this.#socket = null;
    }
  }

  #reconnect(): void {
    this.#drop();
    if (this.#closed) return;
    this.connection = 'lost';
    const wait_ms = BACKOFF_MS[Math.min(this.#attempts, BACKOFF_MS.length - 1)] ?? 0;
    this.#attempts += 1;
    // Not all screens of a floor at the same moment.
    this.#retry = setTimeout(() => this.#connect(), wait_ms * (0.75 + Math.random() / 2));
  }

  #stayAwake(): void {
    if (this.#watch !== null) clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#reconnect(), SILENCE_MS);
  }

  #take(): void {
    this.#cancelDrawing = null;
    const messages = this.#queue;
    this.#queue = [];
    try {
      for (const message of messages) this.#apply(message);
    } catch (error) {
      if (!(error instanceof GapError)) throw error;
      this.#broken = true;
      this.#reconnect();
    }
  }

  #apply(message: Message): void {
    switch (message.type) {
      case 'snapshot':
        this.#replace(message.calls);
        return;
      case 'call':
        this.#learn(message);
        return;
      case 'entries': {
        const call = this.calls.get(message.call_id) ?? newCall(message.call_id);
        this.#hear(message.call_id, message.live_s);
        this.#set(fold(call, message.entries, message));
        return;
      }
      case 'partial': {
        const call = this.calls.get(message.call_id);
        if (call === undefined) return;
        this.#hear(message.call_id, message.live_s);
        this.#set(foldPartial(call, message));
        return;
      }
      case 'clock':
        for (const [id, live_s] of Object.entries(message.calls)) this.#hear(id, live_s);
        for (const id of this.calls.keys()) this.#fallBehind(id, message.behind?.[id]);
        if (String(message.problems ?? []) !== String(this.problems))
          this.problems = message.problems ?? [];
        if (message.floor !== undefined) this.floor = message.floor;
        return;
    }
  }

  #replace(calls: Extract<Message, { type: 'snapshot' }>['calls']): void {
    const there = new Set(calls.map((it) => it.call_id));
    for (const [id, call] of this.calls) {
      // What ended while we listened may finish its minute on screen.
      if (!there.has(id) && call.ended === null) this.#forget(id);
    }
    for (const call of calls) this.#learn(call);
    this.#broken = false;
    this.connection = 'live';
    this.ready = true;
    this.#attempts = 0;
  }

  #learn({ call_id, live_s, entries, totals, from, to }: Known): void {
    const known = from > 0 ? this.calls.get(call_id) : undefined;
    const fresh = totals === undefined ? newCall(call_id) : newThinCall(call_id, totals);
    this.#hear(call_id, live_s);
    this.#set(fold(known ?? fresh, entries, { from, to }));
  }

  #hear(id: string, live_s: number): void {
    // News that were on their way for longer must not turn the clock back.
    const back_s = this.now(id) - live_s;
    if (back_s > 0 && back_s < CLOCK_JITTER_S) return;
    this.#heard.set(id, { live_s, at_ms: performance.now() });
  }

  #fallBehind(id: string, seconds: number | undefined): void {
    if (seconds === undefined) this.behind.delete(id);
    else if (this.behind.get(id) !== seconds) this.behind.set(id, seconds);
  }

  #set(call: CallState): void {
    this.calls.set(call.id, this.#topic === 'board' ? thin(call) : call);
    if (call.ended !== null && !this.#leave.has(call.id)) {
      this.#leave.set(
        call.id,
        setTimeout(() => this.#forget(call.id), ENDED_KEPT_MS),
      );
    }
  }

  #forget(id: string): void {
    const timer = this.#leave.get(id);
    if (timer !== undefined) clearTimeout(timer);
    this.#leave.delete(id);
    this.#heard.delete(id);
    this.behind.delete(id);
    this.calls.delete(id);
  }
}

/**
 * Run `then` with the next picture; a page in the background draws none, but its
 * title still has to be right, so there it runs a little later. Returns how to cancel.
 */
function nextPicture(then: () => void): () => void {
  const cancel = (): void => {
    cancelAnimationFrame(picture);
    clearTimeout(timer);
  };
  const run = (): void => {
    cancel();
    then();
  };
  const picture = requestAnimationFrame(run);
  const timer = setTimeout(run, 250);
  return cancel;
}
