/** Evidence in plain words, with the customer's own where there are any. Pure. */

import type { CallState } from './call';
import type { Evidence } from './events';
import type { Messages } from './i18n/en';
import { wordsOf } from './text';

/** Quotes are short: a reader looks at them in the middle of a call. */
const QUOTE_CHARACTERS = 40;

/** One piece of evidence as a phrase, e.g. `has been in touch before: “third time”`. */
export function phrase(call: CallState, evidence: Evidence, t: Messages): string {
  switch (evidence.code) {
    case 'voice_anger':
      return t.evidence.voiceAnger(String(Math.round(evidence.value * 100)));
    case 'voice_louder':
      return t.evidence.voiceLouder(String(Math.round(louderBy(evidence.value) * 100)));
    case 'customer_interrupts':
      return t.evidence.interrupts(Math.round(evidence.value));
    case 'says_it_again':
      return t.evidence.saysItAgain(Math.round(evidence.value));
    case 'speaks_faster':
      return t.evidence.faster(String(Math.round((evidence.value - 1) * 100)));
    case 'long_silence':
      return t.evidence.silence;
    default: {
      const sign = t.signs[evidence.code] ?? evidence.code;
      const words = quoted(call, evidence);
      return words === null ? sign : t.evidence.quote(sign, words);
    }
  }
}

/** By how much of itself a level is higher that is higher by `db`: 0.38 for 2.8 dB. */
const louderBy = (db: number): number => 10 ** (db / 20) - 1;

/** What a rule looks for; a rule of the user's own is called by its id. */
export const ruleName = (rule: string, t: Messages): string =>
  t.rules[rule] ?? t.signs[rule] ?? rule;

/** All of it as one sentence, heaviest first. */
export const sentence = (
  call: CallState,
  evidence: readonly Evidence[],
  t: Messages,
): string =>
  evidence.length === 0
    ? t.evidence.none
    : evidence.map((it) => phrase(call, it, t)).join(t.evidence.separator);

function quoted(call: CallState, evidence: Evidence): string | null {
  for (const utterance of call.utterances) {
    if (utterance.start_s > evidence.end_s || utterance.end_s < evidence.start_s) continue;
    const hit = utterance.hits.findLast((it) => it.sign === evidence.code);
    if (hit === undefined) continue;
    const words = [...wordsOf(utterance.text, hit)];
    return words.length > QUOTE_CHARACTERS
      ? `${words.slice(0, QUOTE_CHARACTERS - 1).join('').trimEnd()}…`
      : words.join('');
  }
  return null;
}
