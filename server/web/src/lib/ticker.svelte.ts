/** One clock for everything on screen that counts seconds. */

class Ticker {
  /** Goes up once a second; read it to be run again. */
  second: number = $state(0);

  constructor() {
    setInterval(() => (this.second += 1), 1_000);
  }
}

export const ticker = new Ticker();
