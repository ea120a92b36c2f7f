/** The recording: what is heard, and the picture of it on the curve's time axis. */

import WaveSurfer from 'wavesurfer.js';

import { lengthOf, type View } from './desk/view';
import type { SpeechSpan } from './call';
import type { Colours } from './colours';
import type { Party } from './events';

/** Where the service has no picture of the audio, speech spans stand in for it. */
const PEAKS_PER_S = 4;
const CHANNEL_HEIGHT = 34;

/** Levels of each channel in equal steps. */
export type Levels = readonly (readonly number[])[];

/** The element that plays; it streams, so that playing begins at once. */
export function openAudio(url: string): HTMLAudioElement {
  const media = new Audio();
  media.preload = 'metadata';
  media.src = url;
  return media;
}

/** The picture alone: what it shows is told by `show`, and it plays nothing. */
export function openPicture(container: HTMLElement): WaveSurfer {
  return WaveSurfer.create({
    container,
    height: CHANNEL_HEIGHT,
    normalize: true,
    barWidth: 2,
    barGap: 1,
    barRadius: 2,
    cursorWidth: 0,
    interact: false,
    hideScrollbar: true,
  });
}

/**
 * Show the levels of a stretch.
 *
 * @param highest For each channel its highest level in the whole call, so that what is
 *   quiet stays small however near one looks.
 */
export async function show(
  picture: WaveSurfer,
  levels: Levels,
  highest: readonly number[],
  length_s: number,
): Promise<void> {
  const { splitChannels } = picture.options;
  splitChannels?.forEach((channel, index) => {
    channel.maxPeak = Math.max(highest[index] ?? 0, 0.001);
  });
  await picture.load(
    '',
    levels.map((channel) => [...channel]),
    length_s,
  );
}

export function recolour(
  picture: WaveSurfer,
  parties: readonly Party[],
  colours: Colours,
): void {
  const before = picture.options.splitChannels ?? [];
  picture.setOptions({
    splitChannels: parties.map((party, index) => {
      const colour = party === 'agent' ? colours.agent : colours.customer;
      return { ...before[index], waveColor: colour, progressColor: colour };
    }),
  });
}

/** The part of a call's levels that is in view. */
export function inView(levels: Levels, view: View, duration_s: number): Levels {
  return levels.map((channel) => {
    const perSecond = channel.length / Math.max(duration_s, 0.001);
    const first = Math.floor(view.from_s * perSecond);
    const n = Math.max(1, Math.ceil(lengthOf(view) * perSecond));
    return channel.slice(first, first + n);
  });
}

/** Levels where somebody speaks, for calls of which there is no picture. */
export function speechLevels(
  speech: readonly SpeechSpan[],
  parties: readonly Party[],
  duration_s: number,
): Levels {
  return parties.map((party) => {
    const n = Math.max(1, Math.ceil(duration_s * PEAKS_PER_S));
    const levels = new Array<number>(n).fill(0);
    for (const span of speech) {
      if (span.party !== party) continue;
      levels.fill(0.6, Math.floor(span.start_s * PEAKS_PER_S), Math.ceil(span.end_s * PEAKS_PER_S));
    }
    return levels;
  });
}
