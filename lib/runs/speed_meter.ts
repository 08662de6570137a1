/** How fast a run goes: measured over about a second at a time, as a single step says little. */

/** About a window of time; together with a step's metrics they go into the run's log. They differ from run to run. */
export interface Speed {
  readonly imagesPerSecond: number;
  /** Share of the time in which training stood still because its next batch was not made yet. */
  readonly dataWaitShare: number;
  /** Resident memory of the process. */
  readonly memoryBytes: number;
  /** When it was measured: seconds since 1970. */
  readonly time: number;
}

/** The names of what differs between two runs of the same numbers. */
export const speedNames: readonly (keyof Speed)[] = [
  "imagesPerSecond",
  "dataWaitShare",
  "memoryBytes",
  "time",
];

const windowMs = 1000;

/** Told of steps and of waits; says the speed once a second. */
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

  /** Passes on what is waited for, and counts the time as waiting for data. */
  async wait<T>(batch: Promise<T>): Promise<T> {
    const from = this.#now();
    try {
      return await batch;
    } finally {
      this.#waited += this.#now() - from;
    }
  }

  /** @returns The speed, if a second is over: of the steps since it was last said, this one included. */
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

  /** Starts the clock anew, after something that is not training. */
  restart(): void {
    [this.#began, this.#images, this.#waited] = [this.#now(), 0, 0];
  }
}
