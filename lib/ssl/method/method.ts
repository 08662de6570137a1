/**
 * What tells one method of self-supervised training from another. Everything else, from the
 * micro-batches to the checkpoint, is the same for all methods and lies in this folder.
 */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import type { Model } from "lib/models/mod.ts";
import type { Precision } from "lib/nn/pointwise.ts";
import type { RunLength } from "lib/train/loop.ts";
import type { Views } from "lib/ssl/views/views.ts";
import type { AlarmRule } from "./alarms.ts";

/** Where in its run a step is. All schedules are functions of it. */
export interface Moment extends RunLength {
  /** 0 … totalSteps − 1. */
  readonly step: number;
  /** The step's own stream, for stochastic depth. In micro-batches, each has a fork of it. */
  readonly rng: Rng;
  /** Precision of the products in the networks' blocks. By default, fp32. */
  readonly precision?: Precision;
}

/** Tensors by name. */
export type NamedTensors = Readonly<Record<string, tf.Tensor>>;

/** What a method makes of a micro-batch, before any gradient. */
export interface Pass {
  /** Runs on the tape: the mean over the images, a scalar. */
  readonly loss: () => tf.Scalar;
  /**
   * Means over the images. Over micro-batches they are added up, each by its share of the images.
   */
  readonly means?: NamedTensors;
  /**
   * One row for each view or image, `[n, …]`. The rows of micro-batches are joined in their order.
   */
  readonly rows?: NamedTensors;
}

/** What all micro-batches of a batch came to. */
export interface BatchResult {
  /** Mean over all images. */
  readonly loss: number;
  readonly means: NamedTensors;
  readonly rows: NamedTensors;
}

/** The values that schedules give the optimiser at a step. */
export interface OptimizerValues {
  readonly lr: number;
  /** For matrices and kernels; what else decays is the optimiser's business. */
  readonly weightDecay: number;
}

/** A method with its networks. Dispose of it to free their tensors. */
export interface Method extends Disposable {
  /** The network that is kept after training: the monitor measures it, and evaluations read it. */
  readonly evaluated: Model;
  /** The weights that the optimiser moves, by the names that its moments have in a checkpoint. */
  readonly weights: ReadonlyMap<string, tf.Variable>;
  /** Everything that a step changes but the optimiser's moments, by the names in a checkpoint. */
  readonly state: ReadonlyMap<string, tf.Variable>;
  /** The signs of a collapse. */
  readonly alarms: readonly AlarmRule[];
  optimizerValues(now: Moment): OptimizerValues;
  /**
   * Computes what is constant for the loss, and returns what is left to run on the tape. Changes
   * only BatchNorm's buffers.
   */
  pass(views: Views, now: Moment): Pass;
  /**
   * Whether a weight keeps its value at this step; no time goes into its gradient then. By default,
   * none does.
   */
  isFrozen?(name: string, now: Moment): boolean;
  /** Called after the optimiser's update: moving averages, a centre, a queue. */
  afterUpdate(batch: BatchResult, now: Moment): void;
  /** Numbers for the log, besides the loss and the norm of the gradients. */
  signals(batch: BatchResult): Readonly<Record<string, number>>;
}

/** Multiply–adds of a view's way through a method's heads. */
export interface HeadCost {
  /** In the network that the gradient goes through, forward only. */
  readonly onTape: number;
  /** In the network whose output is constant for the loss. */
  readonly constant: number;
}
