import { describe, expect, it } from 'vitest';

import { callEntries, SCRIPT_S, SCRIPTS } from '../../dev/script';
import { fold, foldPartial, GapError, lastWords, newCall, pointAt, waiting } from './call';
import type { Bodies, Entry, Kind, PartialWords } from './events';

const PARAMS = { callId: 'x', agentId: 'a7', customerRef: 'K-1', startedAt: '2026-01-01T00:00:00Z' };
const demo = (): Entry[] => callEntries(SCRIPTS.en, PARAMS);

function log(...events: { [K in Kind]: readonly [number, K, Bodies[K]] }[Kind][]): Entry[] {
  return events.map(([at_s, kind, body], index) => ({ seq: index + 1, at_s, kind, body }) as Entry);
}

const final = (
  id: string,
  party: 'customer' | 'agent',
  start_s: number,
  end_s: number,
  text = 'words',
): Bodies['TranscriptFinal'] => ({
  utterance_id: id,
  party,
  start_s,
  end_s,
  text,
  language: 'en',
  confidence: 1,
});

const partial = (start_s: number, text: string): PartialWords => ({
  type: 'partial',
  call_id: 'x',
  live_s: start_s + 2,
  party: 'customer',
  start_s,
  text,
});

const opened = (alert_id: string): Bodies['AlertOpened'] => ({
  alert_id,
  rule: 'hostility',
  severity: 'warning',
  at_s: 1,
  evidence: [],
});

describe('folding a whole call', () => {
  it('gives the same state in one piece, entry by entry and in uneven pieces', () => {
    const entries = demo();

    const whole = fold(newCall('x'), entries);
    const single = entries.reduce((call, entry) => fold(call, [entry]), newCall('x'));
    let pieces = newCall('x');
    for (let at = 0; at < entries.length; at += 7) pieces = fold(pieces, entries.slice(at, at + 7));

    expect(single).toEqual(whole);
    expect(pieces).toEqual(whole);
  });

  it('knows who spoke, the phases in their order, the peak and the end', () => {
    const call = fold(newCall('x'), demo());

    expect(call.agentId).toBe('a7');
    expect(call.phases.map((it) => it.phase)).toEqual([
      'rational',
      'take_off',
      'peak',
      'slow_down',
      'cool_down',
      'problem_solving',
    ]);
    expect(call.phases[1]).toEqual({ phase: 'take_off', start_s: 18, end_s: 32 });
    expect(call.peak).toBeCloseTo(Math.max(...call.points.map((it) => it.score)));
    expect(call.ended).toEqual({ reason: 'completed', duration_s: SCRIPT_S });
    expect(call.seq).toBe(demo().length);
  });

  it('leaves the state it started from as it was', () => {
    const before = fold(newCall('x'), demo().slice(0, 40));
    const copy = structuredClone(before);

    fold(before, demo().slice(40));

    expect(before).toEqual(copy);
  });
});

describe('sequence numbers', () => {
  it('passes over entries that are known already', () => {
    const call = fold(newCall('x'), demo().slice(0, 10));

    expect(fold(call, demo().slice(5, 10))).toBe(call);
    expect(fold(call, demo().slice(5, 12))).toEqual(fold(newCall('x'), demo().slice(0, 12)));
  });

  it('refuses to go on where an entry is missing', () => {
    const call = fold(newCall('x'), demo().slice(0, 10));

    expect(() => fold(call, demo().slice(11, 14))).toThrow(GapError);
    expect(() => fold(newCall('x'), demo().slice(1))).toThrow('expected entry 1, got 2');
  });

  it('takes a kind it does not know as nothing but a number', () => {
    const unknown = { seq: 1, at_s: 0, kind: 'Whistled', body: { tune: 3 } } as unknown as Entry;

    const call = fold(newCall('x'), [unknown]);

    expect({ ...call, seq: 0 }).toEqual(newCall('x'));
    expect(call.seq).toBe(1);
  });
});

describe('a call that was started over', () => {
  const DEMO = demo();
  const over = { kind: 'StartedOver', at_s: 9, body: { by: 'mia' } } as const;

  it('holds nothing of what stood before', () => {
    const once = fold(newCall('c1'), DEMO);
    const again = [
      { ...over, seq: DEMO.length + 1 },
      ...DEMO.map((it) => ({ ...it, seq: it.seq + DEMO.length + 1 })),
    ] as Entry[];

    const twice = fold(fold(newCall('c1'), DEMO), again);
    const inOne = fold(newCall('c1'), [...DEMO, ...again]);

    expect(twice).toEqual(inOne);
    expect(twice).toEqual({ ...once, seq: 2 * DEMO.length + 1, notes: twice.notes });
  });

  it('is read from where it holds', () => {
    const later = DEMO.map((it) => ({ ...it, seq: it.seq + 70 })) as Entry[];

    expect(fold(newCall('c1'), later).points).toEqual(fold(newCall('c1'), DEMO).points);
  });
});

describe('words', () => {
  it('puts utterances in the order in which they were begun', () => {
    const call = fold(
      newCall('x'),
      log(
        [9, 'TranscriptFinal', final('u2', 'agent', 4, 5)],
        [9, 'TranscriptFinal', final('u1', 'customer', 1, 8)],
      ),
    );

    expect(call.utterances.map((it) => it.id)).toEqual(['u1', 'u2']);
  });

  it('adds the words that counted to their utterance', () => {
    const call = fold(newCall('x'), demo());

    const angry = call.utterances.find((it) => it.id === 'u6');

    expect(angry?.hits.map((it) => it.sign)).toEqual(['anger', 'third_party_threat']);
  });

  it('shows partial words until their final words come', () => {
    const spoken = foldPartial(newCall('x'), partial(3, 'I have been'));

    expect(lastWords(spoken, 'customer')).toEqual({
      text: 'I have been',
      language: null,
      partial: true,
    });
    const done = fold(spoken, log([6, 'TranscriptFinal', final('u1', 'customer', 3, 5, 'Done')]));
    expect(lastWords(done, 'customer')).toEqual({ text: 'Done', language: 'en', partial: false });
    expect(done.partials).toEqual({});
  });

  it('keeps the partial words of the other party and of a later utterance', () => {
    const spoken = foldPartial(newCall('x'), partial(8, 'And then'));

    const call = fold(spoken, log([6, 'TranscriptFinal', final('u1', 'customer', 3, 5)]));

    expect(call.partials.customer?.text).toBe('And then');
  });

  it('ignores partial words that come after their final words, or after the end', () => {
    const said = fold(newCall('x'), log([6, 'TranscriptFinal', final('u1', 'customer', 3, 5)]));
    const over = fold(newCall('x'), log([6, 'CallEnded', { reason: 'completed', duration_s: 6 }]));

    expect(foldPartial(said, partial(3, 'late'))).toBe(said);
    expect(foldPartial(over, partial(5, 'late'))).toBe(over);
  });

  it('drops partial words whose final words never come', () => {
    const spoken = foldPartial(newCall('x'), partial(3, 'mumble'));

    const ended = fold(spoken, log([5.5, 'SpeechEnded', { party: 'customer', start_s: 3, end_s: 5 }]));
    const later = fold(
      spoken,
      log(
        [5.5, 'SpeechEnded', { party: 'customer', start_s: 3, end_s: 5 }],
        [11.1, 'LongSilence', { start_s: 5 }],
      ),
    );

    expect(ended.partials.customer?.text).toBe('mumble');
    expect(later.partials).toEqual({});
  });
});

describe('alerts and cues', () => {
  it('counts an alert as waiting until somebody takes it', () => {
    const open = log([1, 'AlertOpened', opened('a1')]);
    const taken = log(
      [1, 'AlertOpened', opened('a1')],
      [2, 'AlertEscalated', { alert_id: 'a1', severity: 'critical', at_s: 2, evidence: [] }],
      [3, 'AlertAcknowledged', { alert_id: 'a1', by: 'Maria', at_s: 3 }],
    );

    expect(waiting(fold(newCall('x'), open))).toHaveLength(1);
    expect(waiting(fold(newCall('x'), taken.slice(0, 2)))[0]?.severity).toBe('critical');
    expect(waiting(fold(newCall('x'), taken))).toEqual([]);
    expect(fold(newCall('x'), taken).alerts[0]).toMatchObject({ state: 'acknowledged', by: 'Maria' });
  });

  it('counts nothing as waiting once the call is over', () => {
    const call = fold(
      newCall('x'),
      log([1, 'AlertOpened', opened('a1')], [2, 'CallEnded', { reason: 'line_lost', duration_s: 2 }]),
    );

    expect(waiting(call)).toEqual([]);
  });

  it('follows one cue through arming again to the pause that was held', () => {
    const call = fold(newCall('x'), demo());

    expect(call.cues).toHaveLength(1);
    expect(call.cues[0]).toMatchObject({
      step: 'followed',
      armed_s: 31,
      count: { start_s: 41.8, until_s: 46.8 },
      line: { text: SCRIPTS.en.opening },
      pause_s: 5.6,
    });
  });
});

it('keeps what the service cannot do until it can again', () => {
  const entries = log(
    [1, 'Degraded', { what: 'model_failed' }],
    [2, 'Degraded', { what: 'model_failed' }],
    [3, 'Recovered', { what: 'model_failed' }],
  );

  expect(fold(newCall('x'), entries.slice(0, 2)).degraded).toEqual(['model_failed']);
  expect(fold(newCall('x'), entries).degraded).toEqual([]);
});

it('finds the point that holds at a second', () => {
  const call = fold(newCall('x'), demo());

  expect(pointAt(call, 4.9)).toBeNull();
  expect(pointAt(call, 5)?.at_s).toBe(5);
  expect(pointAt(call, 40.6)?.at_s).toBe(40);
  expect(pointAt(call, 1e6)?.at_s).toBe(SCRIPT_S - 1);
});

it('scripts a call whose last entry is its end', () => {
  expect(demo().at(-1)?.kind).toBe('CallEnded');
});

it('knows what the customer wants most, as it was said last', () => {
  const entries = log(
    [9, 'CustomerKindChanged', { at_s: 9, before: null, after: 'venting', p: 0.7 }],
    [20, 'CustomerKindChanged', { at_s: 20, before: 'venting', after: 'compensation', p: 0.8 }],
  );

  expect(newCall('x').customer).toBeNull();
  expect(fold(newCall('x'), entries).customer).toBe('compensation');
});

it('keeps every escalation, and whether it was for want of anybody to take the alert', () => {
  const worse = { alert_id: 'a1', severity: 'critical', evidence: [] } as const;
  const entries = log(
    [1, 'AlertOpened', opened('a1')],
    [2, 'AlertEscalated', { ...worse, at_s: 2 }],
    [62, 'AlertEscalated', { ...worse, at_s: 62, reason: 'untaken' }],
  );

  expect(fold(newCall('x'), entries).alerts[0]?.escalations).toEqual([
    { at_s: 2, untaken: false },
    { at_s: 62, untaken: true },
  ]);
});
