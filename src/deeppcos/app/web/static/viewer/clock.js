// How long a reader works on a correction: only while she looks and does something.
// Owns the rule: time counts while the page is visible and something was done in the last minute.

const IDLE_MS = 60_000;

export class Clock {
  /** @param {() => number} now */
  constructor(now = () => performance.now()) {
    this.now = now;
    this.total = 0;
    this.last = now();
    this.isAway = false;
  }

  /** Something was done. */
  touch() {
    const now = this.now();
    if (!this.isAway) this.total += Math.min(now - this.last, IDLE_MS);
    this.last = now;
  }

  /** @param {boolean} isVisible */
  seen(isVisible) {
    if (isVisible) {
      this.isAway = false;
      this.last = this.now();
    } else {
      this.touch();
      this.isAway = true;
    }
  }

  /** Seconds worked since the last time this was asked. */
  take() {
    this.touch();
    const seconds = this.total / 1000;
    this.total = 0;
    return seconds;
  }
}
