/** Listening in on a live call: audio from the service, played as it comes. */

export type Listening = 'off' | 'connecting' | 'on' | 'refused';

/** Enough for the line to tremble, too little to be late for a whisper. */
const AHEAD_S = 0.25;
const LATEST_S = 1.5;
const FULL_SCALE = 32768;

interface Format {
  readonly rate: number;
  readonly parties: readonly string[];
}

export class Listener {
  state: Listening = $state('off');
  /** Seconds of sound heard so far. */
  heard_s: number = $state(0);

  #socket: WebSocket | null = null;
  #sound: AudioContext | null = null;
  #format: Format | null = null;
  #next_s = 0;

  start(callId: string, by: string): void {
    if (this.#socket !== null) return;
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const path = `/v1/calls/${encodeURIComponent(callId)}/listen?by=${encodeURIComponent(by)}`;
    const socket = new WebSocket(`${scheme}://${location.host}${path}`);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#sound = new AudioContext();
    this.#next_s = 0;
    this.heard_s = 0;
    this.state = 'connecting';
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (typeof event.data === 'string') {
        this.#format = JSON.parse(event.data) as Format;
        this.state = 'on';
      } else this.#play(event.data);
    };
    socket.onclose = (event) => this.#over(event.code === 1000 ? 'off' : 'refused');
  }

  stop(): void {
    this.#over('off');
  }

  #over(state: Listening): void {
    if (this.#socket !== null) {
      this.#socket.onclose = null;
      this.#socket.onmessage = null;
      this.#socket.close();
    }
    this.#socket = null;
    void this.#sound?.close();
    this.#sound = null;
    this.#format = null;
    this.state = state;
  }

  #play(data: ArrayBuffer): void {
    const sound = this.#sound;
    const format = this.#format;
    if (sound === null || format === null) return;
    const samples = new Int16Array(data);
    const channels = format.parties.length;
    const length = Math.floor(samples.length / channels);
    if (length === 0) return;
    const buffer = sound.createBuffer(channels, length, format.rate);
    for (let channel = 0; channel < channels; channel += 1) {
      const target = buffer.getChannelData(channel);
      for (let at = 0; at < length; at += 1) {
        target[at] = (samples[at * channels + channel] ?? 0) / FULL_SCALE;
      }
    }
    this.heard_s += length / format.rate;
    const now_s = sound.currentTime;
    // What comes too late or too much at once is not played at all.
    if (this.#next_s > now_s + LATEST_S) return;
    if (this.#next_s < now_s) this.#next_s = now_s + AHEAD_S;
    const source = sound.createBufferSource();
    source.buffer = buffer;
    source.connect(sound.destination);
    source.start(this.#next_s);
    this.#next_s += buffer.duration;
  }
}
