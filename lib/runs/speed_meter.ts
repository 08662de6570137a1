/** Training speed, measured over about a second, since a single step varies too much. */

/** Speed over a short time. It is logged beside a step's metrics and differs from run to run. */
export interface Speed {
  /** Training images in a second. */
  readonly imagesPerSecond: number;
  /** Share of the time that training waited for its next batch. */
  readonly dataWaitShare: number;
  /** Resident memory of the process, bytes. */
  readonly memoryBytes: number;
  /** Time of the measurement, in seconds since 1970. */
  readonly time: number;
}

/** Names of the fields that differ between two runs of the same numbers. */
export const speedNames: readonly (keyof Speed)[] = [
  "imagesPerSecond",
  "dataWaitShare",
  "memoryBytes",
  "time",
];

const windowMs = 1000;

/** Counts steps and waiting times, and reports the speed once a second. */
export class SpeedMeter {
  readonly #now: () => number;
  #began: number;
  #images = 0;
  #waited = 0;

  /** @param now Milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#began = now();
  }

  /** Awaits a batch, and counts the time as waiting for data. */
  async wait<T>(batch: Promise<T>): Promise<T> {
    const from = this.#now();
    try {
      return await batch;
    } finally {
      this.#waited += this.#now() - from;
    }
  }

  /**
   * Counts a step.
   *
   * @returns Once a second has passed, the speed since it was last returned, including this step.
   */
  step(images: number): Speed | undefined {
    this.#images += images;
    const elapsed = this.#now() - this.#began;
    if (elapsed < windowMs) return undefined;
    const speed = {
      imagesPerSecond: this.#images / elapsed * 1000,
      dataWaitShare: this.#waited / elapsed,
      memoryBytes: Deno.memoryUsage().rss,
      time: Date.now() / 1000,
    };
    this.restart();
    return speed;
  }

  /** Starts the clock anew after work that is not training. */
  restart(): void {
    [this.#began, this.#images, this.#waited] = [this.#now(), 0, 0];
  }
}
