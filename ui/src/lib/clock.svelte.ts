/** The time that relative dates are told by; it ticks every ten seconds, so that "in 4 min" stays true. */
class Ticker {
  now = $state(new Date());

  constructor() {
    setInterval(() => (this.now = new Date()), 10_000);
  }
}

export const ticker = new Ticker();
