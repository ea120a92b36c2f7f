/** Makes alerts heard and seen where nobody looks: a tone, and the browser's notice. */

import type { Ring } from './bell';
import type { Severity } from './events';
import { ruleName } from './evidence';
import { prefs } from './prefs.svelte';

/** Notes of each severity, in Hz: a notice is silent, what is critical rises. */
const NOTES: Record<Severity, readonly number[]> = {
  notice: [],
  warning: [523],
  critical: [523, 659],
};
const NOTE_S = 0.22;
const LOUDNESS = 0.12;
const URGENCY: Record<Severity, number> = { notice: 0, warning: 1, critical: 2 };

let context: AudioContext | null = null;

/** Sound the worst of `rings`, and show each where the page is out of sight. */
export function ring(rings: readonly Ring[]): void {
  const worst = [...rings].sort((a, b) => URGENCY[b.alert.severity] - URGENCY[a.alert.severity])[0];
  if (worst === undefined) return;
  if (prefs.sound) play(worst.alert.severity);
  if (prefs.notify && document.hidden) rings.forEach(show);
}

/** Let the user hear what it sounds like; browsers make no sound before a first click. */
export const preview = (): void => play('critical');

/** Ask the browser's permission; false when it was refused or there is no such thing. */
export async function allowNotifications(): Promise<boolean> {
  if (!('Notification' in window)) return false;
  if (Notification.permission === 'default') await Notification.requestPermission();
  return Notification.permission === 'granted';
}

function play(severity: Severity): void {
  context ??= new AudioContext();
  const sound = context;
  void sound.resume();
  NOTES[severity].forEach((hertz, index) => {
    const start = sound.currentTime + index * NOTE_S;
    const tone = sound.createOscillator();
    const volume = sound.createGain();
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, start + NOTE_S);
    tone.connect(volume).connect(sound.destination);
    tone.start(start);
    tone.stop(start + NOTE_S);
  });
}

function show({ call, alert }: Ring): void {
  if (!('Notification' in window) || Notification.permission !== 'granted') return;
  // Who and what, never the words: notices stay on lock screens.
  const notice = new Notification(ruleName(alert.rule, prefs.t), {
    body: `${prefs.t.severities[alert.severity]} · ${prefs.t.board.agent(call.agentId)}`,
    tag: `${call.id} ${alert.id}`,
  });
  notice.onclick = () => focus();
}
