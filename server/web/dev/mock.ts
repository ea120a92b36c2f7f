/**
 * The service, made up: `npm run dev` without Python. Six agents have the same call at
 * different moments, again and again. MOCK_CALLS sets how many; 0 shows the empty pages.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Plugin } from 'vite';
import { WebSocketServer, type WebSocket } from 'ws';

import { act, withdraw, type Told } from './actions.ts';
import * as books from './books.ts';
import type { BookKind, Playbook } from '../src/lib/books';
import type { CallSummary, Entry, Message } from '../src/lib/events';
import { callEntries, SCRIPT_S, SCRIPTS, type Script } from './script.ts';

const CALLS = Number(process.env['MOCK_CALLS'] ?? 6);
const TICK_MS = 250;
/** Between two calls of an agent. */
const REST_S = 8;
const ROUND_S = SCRIPT_S + REST_S;

interface MockCall {
  readonly id: string;
  readonly agentId: string;
  readonly begun_ms: number;
  readonly script: Script;
  readonly entries: Entry[];
  /** What people did; told with the next entries. */
  readonly extra: Told[];
  sent: Entry[];
}

class MockService {
  readonly #live = new Map<string, MockCall>();
  readonly #ended: MockCall[] = [];
  readonly #screens = new Map<WebSocket, string>();

  constructor() {
    for (let index = 0; index < CALLS; index += 1) {
      this.#begin(index, Date.now() - ((index * 17 + 3) % SCRIPT_S) * 1000);
    }
    setInterval(() => this.#tick(), TICK_MS).unref();
  }

  screen(socket: WebSocket, topic: string): void {
    this.#screens.set(socket, topic);
    socket.on('close', () => this.#screens.delete(socket));
    const calls = [...this.#live.values()].filter((it) => concerns(topic, it));
    send(socket, {
      type: 'snapshot',
      calls: calls.map((it) => ({
        call_id: it.id,
        live_s: now_s(it),
        from: 0,
        to: it.sent.length,
        entries: it.sent,
      })),
    });
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://mock');
    const [, , , id, ...rest] = url.pathname.split('/');
    const all = [...this.#live.values(), ...this.#ended];
    const call = all.find((it) => it.id === id);
    if (id === undefined) {
      const ended = url.searchParams.get('state') === 'ended';
      return json(response, (ended ? this.#ended.toReversed() : [...this.#live.values()]).map(summary));
    }
    if (call === undefined) return problem(response, 404, 'No such call');
    switch (rest[0]) {
      case undefined:
        return json(response, summary(call));
      case 'entries':
        return json(response, call.sent);
      case 'audio':
        return audio(request, response, call);
      default: {
        const body = await read<Parameters<typeof act>[1]>(request);
        const path = url.pathname.split('/').slice(4);
        const line = { text: call.script.opening, language: call.script.language };
        const follows =
          path.join('/') === 'help/withdraw'
            ? withdraw(call.sent, body.by, now_s(call))
            : act(path, body, now_s(call), line);
        if (follows === null) return problem(response, 404, 'No such thing');
        call.extra.push(...follows);
        return done(response);
      }
    }
  }

  /** A supervisor's headphones: silence, and the marks that somebody listens. */
  listen(socket: WebSocket, callId: string, by: string): void {
    const call = this.#live.get(callId);
    if (call === undefined) return socket.close(1008);
    const tell = (kind: 'ListeningStarted' | 'ListeningEnded'): void => {
      call.extra.push({ at_s: now_s(call), kind, body: { by } } as unknown as Told);
    };
    tell('ListeningStarted');
    socket.send(JSON.stringify({ type: 'format', rate: 8000, parties: ['customer', 'agent'] }));
    const timer = setInterval(() => socket.send(Buffer.alloc(8000)), TICK_MS);
    socket.on('close', () => {
      clearInterval(timer);
      tell('ListeningEnded');
    });
  }

  #begin(index: number, begun_ms: number): void {
    const script = index % 2 === 0 ? SCRIPTS.en : SCRIPTS.zh;
    const agentId = `a${index + 1}`;
    const id = `${agentId}-${begun_ms.toString(36)}`;
    const entries = callEntries(script, {
      callId: id,
      agentId,
      customerRef: `K-${20417 + index * 311}`,
      startedAt: new Date(begun_ms).toISOString(),
    });
    const call = { id, agentId, begun_ms, script, entries, extra: [], sent: [] };
    this.#live.set(id, call);
    setTimeout(
      () => this.#begin(index, begun_ms + ROUND_S * 1000),
      Math.max(0, begun_ms + ROUND_S * 1000 - Date.now()),
    ).unref();
  }

  #advance(call: MockCall): Entry[] {
    const fresh: Entry[] = [];
    const push = (entry: Omit<Entry, 'seq'>): void => {
      const numbered = { ...entry, seq: call.sent.length + 1 } as Entry;
      call.sent.push(numbered);
      fresh.push(numbered);
    };
    call.extra.splice(0).forEach(push);
    while (call.entries[0] !== undefined && call.entries[0].at_s <= now_s(call)) {
      const entry = call.entries.shift();
      if (entry !== undefined) push(entry);
    }
    if (call.entries.length === 0 && this.#live.delete(call.id)) this.#ended.push(call);
    return fresh;
  }

  #tick(): void {
    const calls = [...this.#live.values()];
    for (const call of calls) {
      const entries = this.#advance(call);
      const live_s = now_s(call);
      for (const [socket, topic] of this.#screens) {
        if (!concerns(topic, call)) continue;
        const to = call.sent.length;
        const part = { from: to - entries.length, to, entries };
        if (entries.length > 0) send(socket, { type: 'entries', call_id: call.id, live_s, ...part });
        partials(call, live_s).forEach((partial) => send(socket, partial));
      }
    }
    if (Math.floor(Date.now() / TICK_MS) % (1000 / TICK_MS) !== 0) return;
    for (const [socket, topic] of this.#screens) {
      const heard = calls.filter((it) => concerns(topic, it));
      send(socket, { type: 'clock', calls: Object.fromEntries(heard.map((it) => [it.id, now_s(it)])) });
    }
  }
}

/** Rules and playbook; a trial finds nothing, for nothing is kept to try them on. */
async function handleBooks(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://mock');
  const [, , kind, how] = url.pathname.split('/') as [string, string, BookKind, string?];
  if (request.method === 'GET') {
    return json(response, books.look(kind, url.searchParams.get('team') ?? ''));
  }
  if (how === 'try') return json(response, { calls: 0, found: [] });
  if (how === 'preview') {
    const { body, language } = await read<{ body: Playbook; language: 'en' | 'zh' }>(request);
    return json(
      response,
      body.lines.slice(0, 3).map((line) => ({ id: line.id, text: line.text[language] })),
    );
  }
  const { team, by, body } = await read<{ team: string; by: string; body: unknown }>(request);
  return json(response, books.save(kind, team, by, body));
}

const now_s = (call: MockCall): number =>
  Math.min(SCRIPT_S, (Date.now() - call.begun_ms) / 1000);

const send = (socket: WebSocket, message: Message): void => socket.send(JSON.stringify(message));

const concerns = (topic: string, call: MockCall): boolean =>
  topic === 'board' || topic === `agent:${call.agentId}` || topic === `call:${call.id}`;

/** As much of a line as has been said, once it is longer than two seconds. */
function partials(call: MockCall, live_s: number): Message[] {
  return call.script.lines
    .filter((line) => live_s > line.start_s + 2 && live_s < line.end_s)
    .map((line) => {
      const share = (live_s - line.start_s) / (line.end_s - line.start_s);
      const { party, start_s } = line;
      const text = [...line.text].slice(0, Math.floor(share * [...line.text].length)).join('');
      return { type: 'partial', call_id: call.id, live_s, party, start_s, text };
    });
}

function summary(call: MockCall): CallSummary {
  const kinds = call.sent.map((it) => it.kind);
  const count = (kind: string): number => kinds.filter((it) => it === kind).length;
  const ended = kinds.includes('CallEnded');
  const scores = call.sent.flatMap((it) => (it.kind === 'HostilityPoint' ? [it.body.score] : []));
  return {
    call_id: call.id,
    agent_id: call.agentId,
    customer_ref: `K-${20417}`,
    language: call.script.language,
    parties: ['customer', 'agent'],
    started_at: new Date(call.begun_ms).toISOString(),
    ended_at: ended ? new Date(call.begun_ms + SCRIPT_S * 1000).toISOString() : null,
    duration_s: ended ? SCRIPT_S : null,
    end_reason: ended ? 'completed' : null,
    peak_score: scores.length > 0 ? Math.max(...scores) : null,
    alerts: count('AlertOpened'),
    cues_followed: count('CueFollowed'),
    cues_ignored: count('CueIgnored'),
  };
}

/** Two channels of hum where somebody speaks, as WAV. */
function audio(request: IncomingMessage, response: ServerResponse, call: MockCall): void {
  const rate = 8000;
  const samples = SCRIPT_S * rate;
  const data = Buffer.alloc(44 + samples * 4);
  data.write('RIFF', 0);
  data.writeUInt32LE(36 + samples * 4, 4);
  data.write('WAVEfmt ', 8);
  data.writeUInt32LE(16, 16);
  data.writeUInt16LE(1, 20);
  data.writeUInt16LE(2, 22);
  data.writeUInt32LE(rate, 24);
  data.writeUInt32LE(rate * 4, 28);
  data.writeUInt16LE(4, 32);
  data.writeUInt16LE(16, 34);
  data.write('data', 36);
  data.writeUInt32LE(samples * 4, 40);
  for (const line of call.script.lines) {
    const channel = line.party === 'customer' ? 0 : 2;
    for (let at = Math.floor(line.start_s * rate); at < line.end_s * rate; at += 1) {
      const syllable = Math.abs(Math.sin((at / rate) * 9) * Math.sin((at / rate) * 2.3));
      const value = Math.sin((at / rate) * 2 * Math.PI * (channel === 0 ? 190 : 140));
      data.writeInt16LE(Math.round(9000 * syllable * value), 44 + at * 4 + channel);
    }
  }
  const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '');
  const from = Number(range?.[1] ?? 0);
  const to = range?.[2] ? Number(range[2]) : data.length - 1;
  response.writeHead(range === null ? 200 : 206, {
    'content-type': 'audio/wav',
    'accept-ranges': 'bytes',
    'content-length': to - from + 1,
    ...(range === null ? {} : { 'content-range': `bytes ${from}-${to}/${data.length}` }),
  });
  response.end(data.subarray(from, to + 1));
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}

function problem(response: ServerResponse, status: number, title: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ title, status, detail: title }));
}

function done(response: ServerResponse): void {
  response.statusCode = 204;
  response.end();
}

async function read<T>(request: IncomingMessage): Promise<T> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString()) as T;
}

export function mockService(): Plugin {
  return {
    name: 'calmline-mock-service',
    apply: 'serve',
    configureServer(server) {
      if (process.env['VITEST'] !== undefined) return;
      const service = new MockService();
      const sockets = new WebSocketServer({ noServer: true });
      server.httpServer?.on('upgrade', (request: IncomingMessage, socket, head) => {
        const url = new URL(request.url ?? '/', 'http://mock');
        const heard = /^\/v1\/calls\/([^/]+)\/listen$/.exec(url.pathname)?.[1];
        if (url.pathname === '/v1/live') {
          sockets.handleUpgrade(request, socket, head, (screen) =>
            service.screen(screen, url.searchParams.get('topic') ?? 'board'),
          );
        } else if (heard !== undefined) {
          sockets.handleUpgrade(request, socket, head, (ears) =>
            service.listen(ears, heard, url.searchParams.get('by') ?? ''),
          );
        }
      });
      server.middlewares.use((request, response, next) => {
        const [, version, what] = (request.url ?? '').split(/[/?]/);
        if (version === 'v1' && what === 'calls') void service.handle(request, response);
        else if (version === 'v1' && (what === 'rules' || what === 'playbook'))
          void handleBooks(request, response);
        else next();
      });
    },
  };
}
