import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { callEntries, SCRIPT_S, SCRIPTS } from '../../dev/script';
import type { Entry, Message } from './events';
import { ENDED_KEPT_MS, LiveCalls } from './live.svelte';

/** The service's end of a screen's socket. */
class Line {
  static opened: Line[] = [];

  onmessage: ((event: { data: string }) => void) | null = null;
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  sent: string[] = [];
  closed = false;

  constructor(readonly url: string) {
    Line.opened.push(this);
  }

  static last(): Line {
    const line = Line.opened.at(-1);
    if (line === undefined) throw new Error('nobody has connected');
    return line;
  }

  close(): void {
    this.closed = true;
  }

  send(text: string): void {
    this.sent.push(text);
  }

  say(message: Message): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const entries: readonly Entry[] = callEntries(SCRIPTS.en, {
  callId: 'x',
  agentId: 'a1',
  customerRef: '',
  startedAt: '',
});

let feed: LiveCalls;

function snapshot(upTo: number, live_s = 30): void {
  const call = { call_id: 'x', live_s, from: 0, to: upTo, entries: entries.slice(0, upTo) };
  Line.last().say({ type: 'snapshot', calls: [call] });
  vi.advanceTimersByTime(20);
}

function more(from: number, to: number): void {
  const part = { from, to, entries: entries.slice(from, to) };
  const message = { type: 'entries', call_id: 'x', live_s: 40, ...part };
  Line.last().say(message as Message);
  vi.advanceTimersByTime(20);
}

beforeEach(() => {
  vi.useFakeTimers({
    toFake: [
      'setTimeout',
      'clearTimeout',
      'performance',
      'requestAnimationFrame',
      'cancelAnimationFrame',
    ],
  });
  vi.stubGlobal('location', { protocol: 'https:', host: 'calm.example' });
  vi.stubGlobal('WebSocket', Line);
  vi.stubGlobal('requestAnimationFrame', (then: () => void) => setTimeout(then, 16));
  vi.stubGlobal('cancelAnimationFrame', (id: number) => clearTimeout(id));
  Line.opened = [];
  feed = new LiveCalls('agent:a1');
});

afterEach(() => {
  feed.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it('asks for its topic and is live from the first snapshot on', () => {
  expect(Line.last().url).toBe('wss://calm.example/v1/live?topic=agent%3Aa1&resume=true');
  expect(feed.connection).toBe('connecting');

  snapshot(5);

  expect(feed.connection).toBe('live');
  expect(feed.calls.get('x')?.seq).toBe(5);
});

it('folds entries in, and passes over those it has', () => {
  snapshot(5);

  more(3, 9);

  expect(feed.calls.get('x')?.seq).toBe(9);
  expect(Line.opened).toHaveLength(1);
});

it('connects anew where entries are missing, and the snapshot repairs it', () => {
  snapshot(5);

  more(7, 9);

  expect(feed.connection).toBe('lost');
  expect(Line.opened[0]?.closed).toBe(true);
  vi.advanceTimersByTime(1_000);
  expect(Line.opened).toHaveLength(2);
  snapshot(12);
  expect(feed.connection).toBe('live');
  expect(feed.calls.get('x')?.seq).toBe(12);
});

it('asks only for what is new when it comes back, and for all of it after a gap', () => {
  Line.last().onopen?.();
  snapshot(5);
  Line.last().onclose?.();
  vi.advanceTimersByTime(1_000);

  Line.last().onopen?.();
  const rest = { call_id: 'x', live_s: 31, from: 5, to: 8, entries: entries.slice(5, 8) };
  Line.last().say({ type: 'snapshot', calls: [rest] });
  vi.advanceTimersByTime(20);

  expect(Line.opened.map((it) => it.sent)).toEqual([['{}'], ['{"x":5}']]);
  expect(feed.calls.get('x')?.seq).toBe(8);
  more(10, 12);
  vi.advanceTimersByTime(1_000);
  Line.last().onopen?.();
  expect(Line.last().sent).toEqual(['{}']);
});

it('takes the past of a call that a new board was only told the state of', () => {
  feed.close();
  feed = new LiveCalls('board');
  const totals = { spoken_s: { customer: 40 }, interruptions: {}, peak: 71 };
  const points = [10, 20, 30].map((at_s, index) => ({
    seq: 900 + index,
    at_s,
    kind: 'HostilityPoint' as const,
    body: { at_s, score: at_s, low: 0, high: 99, phase: 'rational' as const, evidence: [] },
  }));
  const known = { call_id: 'x', live_s: 30, from: 0, to: 902, totals };

  Line.last().say({ type: 'snapshot', calls: [{ ...known, entries: points.slice(2) }] });
  vi.advanceTimersByTime(20);
  const glance = feed.calls.get('x')?.points.length;
  Line.last().say({ type: 'call', ...known, entries: points });
  vi.advanceTimersByTime(20);

  expect(glance).toBe(1);
  expect(feed.calls.get('x')?.points.map((it) => it.at_s)).toEqual([10, 20, 30]);
  expect(feed.calls.get('x')?.spoken_s.customer).toBe(40);
  expect(feed.connection).toBe('live');
});

it('counts what a board was not sent, and keeps no more of a call than it shows', () => {
  feed.close();
  feed = new LiveCalls('board');
  const totals = { spoken_s: { customer: 40 }, interruptions: { agent: 2 }, peak: 71 };
  const started = entries.slice(0, 1);
  const call = { call_id: 'x', live_s: 30, from: 0, to: 900, entries: started, totals };
  Line.last().say({ type: 'snapshot', calls: [call] });
  const spoken = { seq: 902, at_s: 31, kind: 'SpeechEnded' as const };
  const body = { party: 'customer' as const, start_s: 29, end_s: 31 };
  const part = { from: 900, to: 903, entries: [{ ...spoken, body }] };
  Line.last().say({ type: 'entries', call_id: 'x', live_s: 31, ...part });
  vi.advanceTimersByTime(20);

  const known = feed.calls.get('x');

  expect(known).toMatchObject({ seq: 903, peak: 71, speech: [], agentId: 'a1' });
  expect(known?.spoken_s.customer).toBe(42);
  expect(known?.interruptions.agent).toBe(2);
});

it('says that it is not live as soon as the line is gone, and waits longer each time', () => {
  snapshot(5);

  Line.last().onclose?.();

  expect(feed.connection).toBe('lost');
  expect(feed.calls.get('x')?.seq).toBe(5);
  const waited: number[] = [];
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const before = Line.opened.length;
    let waited_ms = 0;
    while (Line.opened.length === before) {
      vi.advanceTimersByTime(50);
      waited_ms += 50;
    }
    waited.push(waited_ms);
    Line.last().onclose?.();
  }
  expect(waited[0]).toBeLessThanOrEqual(650);
  expect(waited[2]).toBeGreaterThan(1_400);
});

it('takes a line on which nothing comes for dead', () => {
  snapshot(5);
  vi.advanceTimersByTime(4_000);
  Line.last().say({ type: 'clock', calls: { x: 34 } });
  vi.advanceTimersByTime(4_000);
  expect(feed.connection).toBe('live');

  vi.advanceTimersByTime(1_500);

  expect(feed.connection).toBe('lost');
});

it('forgets calls that a new snapshot does not have', () => {
  snapshot(5);

  Line.last().say({ type: 'snapshot', calls: [] });
  vi.advanceTimersByTime(20);

  expect(feed.calls.size).toBe(0);
});

it('keeps an ended call for a minute, also over a new snapshot', () => {
  snapshot(5);
  more(5, entries.length);
  Line.last().say({ type: 'snapshot', calls: [] });
  vi.advanceTimersByTime(20);
  expect(feed.calls.get('x')?.ended?.duration_s).toBe(SCRIPT_S);

  const heartbeat = { type: 'clock', calls: {} } as const;
  for (let waited = 0; waited < ENDED_KEPT_MS; waited += 1_000) {
    Line.last().say(heartbeat);
    vi.advanceTimersByTime(1_000);
  }

  expect(feed.calls.size).toBe(0);
});

it('runs the clock of a call on between two messages, but not for ever', () => {
  snapshot(5, 30);
  const at_s = feed.now('x');

  vi.advanceTimersByTime(500);

  expect(feed.now('x')).toBeCloseTo(at_s + 0.5, 1);
  vi.advanceTimersByTime(4_000);
  expect(feed.now('x')).toBeLessThanOrEqual(31.5);
});

it('knows which calls are analysed late', () => {
  snapshot(5);

  Line.last().say({ type: 'clock', calls: { x: 31 }, behind: { x: 4.2 } });
  vi.advanceTimersByTime(20);
  expect(feed.behind.get('x')).toBe(4.2);

  Line.last().say({ type: 'clock', calls: { x: 32 } });
  vi.advanceTimersByTime(20);
  expect(feed.behind.size).toBe(0);
});

it('knows what is wrong with the service, until it is right again', () => {
  snapshot(5);

  Line.last().say({ type: 'clock', calls: {}, problems: ['disk', 'late'] });
  vi.advanceTimersByTime(20);
  expect(feed.problems).toEqual(['disk', 'late']);

  Line.last().say({ type: 'clock', calls: {} });
  vi.advanceTimersByTime(20);
  expect(feed.problems).toEqual([]);
});

it('does not turn its clock back for news that took longer', () => {
  snapshot(5);
  Line.last().say({ type: 'clock', calls: { x: 40 } });
  vi.advanceTimersByTime(400);
  const before = feed.now('x');

  Line.last().say({ type: 'clock', calls: { x: 40.1 } });
  vi.advanceTimersByTime(20);
  expect(feed.now('x')).toBeGreaterThanOrEqual(before);

  Line.last().say({ type: 'clock', calls: { x: 30 } });
  vi.advanceTimersByTime(20);
  expect(feed.now('x')).toBeLessThan(31);
});
