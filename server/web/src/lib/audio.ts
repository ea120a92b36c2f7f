/** The recording: what is heard, and its waveform on the curve's time axis. */

import WaveSurfer from 'wavesurfer.js';

import type { SpeechSpan } from './call';
import type { Colours } from './colours';
import type { Party } from './events';

/** Where the service has no picture of the audio, speech spans stand in for it. */
const PEAKS_PER_S = 4;
const CHANNEL_HEIGHT = 34;

export interface Recording {
  readonly media: HTMLAudioElement;
  readonly wave: WaveSurfer;
}

export interface RecordingParams {
  readonly container: HTMLElement;
  readonly url: string;
  readonly duration_s: number;
  readonly parties: readonly Party[];
  readonly speech: readonly SpeechSpan[];
  /** The picture: levels of each channel; null where there is none. */
  readonly peaks: readonly (readonly number[])[] | null;
  readonly colours: Colours;
}

/** Load the recording; the element streams it, so that playing begins at once. */
export function openRecording(params: RecordingParams): Recording {
  const { container, url, duration_s, parties, speech, peaks } = params;
  const media = new Audio();
  media.preload = 'metadata';
  media.src = url;
  const channels: readonly Party[] = parties.length === 0 ? ['unknown'] : parties;
  const wave = WaveSurfer.create({
    container,
    media,
    height: CHANNEL_HEIGHT,
    normalize: true,
    barWidth: 2,
    barGap: 1,
    barRadius: 2,
    cursorWidth: 0,
    interact: false,
    hideScrollbar: true,
    splitChannels: channelColours(channels, params.colours),
    duration: duration_s,
    peaks:
      peaks === null
        ? channels.map((party) => speechPeaks(speech, party, duration_s))
        : peaks.map((channel) => [...channel]),
  });
  return { media, wave };
}

export function recolour(wave: WaveSurfer, parties: readonly Party[], colours: Colours): void {
  const channels: readonly Party[] = parties.length === 0 ? ['unknown'] : parties;
  wave.setOptions({ splitChannels: channelColours(channels, colours) });
}

function channelColours(
  channels: readonly Party[],
  colours: Colours,
): { waveColor: string; progressColor: string }[] {
  return channels.map((party) => {
    const colour = party === 'agent' ? colours.agent : colours.customer;
    return { waveColor: colour, progressColor: colour };
  });
}

function speechPeaks(speech: readonly SpeechSpan[], party: Party, duration_s: number): number[] {
  const peaks = new Array<number>(Math.max(1, Math.ceil(duration_s * PEAKS_PER_S))).fill(0);
  for (const span of speech) {
    if (span.party !== party) continue;
    peaks.fill(0.6, Math.floor(span.start_s * PEAKS_PER_S), Math.ceil(span.end_s * PEAKS_PER_S));
  }
  return peaks;
}
