/** What a long computation tells whoever watches it, and how it is asked to stop. Knows no notebook. */

/** One moment of a run. Metrics are plain numbers under field names: `loss`, `teacherEntropy`, `knnTop1`. */
export interface TrainEvent {
  /** Steps done so far, this one included: `1 … totalSteps`. */
  readonly step: number;
  readonly totalSteps: number;
  /** Only what was measured at this step; the k-NN appears every few hundred steps. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** Passed to every verb that takes long. */
export interface TrainHooks {
  /** Awaited after every step, so that a display can be drawn and an interrupt be heard. */
  readonly onEvent?: (event: TrainEvent) => void | Promise<void>;
  /** When aborted, the run stops after the current step, saves itself and returns what it has. */
  readonly signal?: AbortSignal;
}
