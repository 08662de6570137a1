/**
 * The interface of a method of self-supervised training: everything in which methods differ. The
 * rest, from micro-batches to checkpoints, is the same for all methods and lies in this folder.
 */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import type { World } from "lib/distributed/world.ts";
import type { Model } from "lib/models/mod.ts";
import type { Precision } from "lib/nn/linear.ts";
import type { RunLength } from "lib/train/loop.ts";
import type { Reading } from "lib/train/reading.ts";
import type { Views } from "lib/ssl/views/views.ts";
import type { AlarmRule } from "./alarms.ts";

/** The position of a step in its run. All schedules are functions of it. */
export interface Moment extends RunLength {
  /** 0 … totalSteps − 1. */
  readonly step: number;
  /** The random stream of the step, for stochastic depth. Each micro-batch gets a fork of it. */
  readonly rng: Rng;
  /** Precision of the matrix products in the networks' blocks. By default, fp32. */
  readonly precision?: Precision;
  /** The processes that share the batch. By default, this process alone has all of it. */
  readonly world?: World;
  /** Precision in which they send each other gradients. By default, fp32. */
  readonly gradients?: "bf16";
}

/** The beginning of an epoch. Its step is the first of the epoch, not yet taken. */
export interface EpochStart extends RunLength {
  readonly step: number;
  /** Number of the epoch, from 0. */
  readonly epoch: number;
  /** A random stream of this epoch, for what a method does before it. */
  readonly rng: Rng;
  readonly precision?: Precision;
  /**
   * The batches of the epoch, in its order, with other views than those that the epoch trains on.
   * The tensors of a batch are freed when the next one is asked for.
   */
  views(): AsyncIterable<Views>;
}

/** Tensors by name. */
export type NamedTensors = Readonly<Record<string, tf.Tensor>>;

/** Copies rows that are only computed on the tape, so that {@linkcode BatchResult} has them too. */
export type NoteRows = (name: string, rows: tf.Tensor) => void;

/** What a method computes from a micro-batch before its gradient. */
export interface Pass {
  /**
   * Computes the loss, the mean over the images, as a scalar. It runs on the tape.
   *
   * @param note A method without a constant network has its features and projections only here.
   */
  readonly loss: (note?: NoteRows) => tf.Scalar;
  /**
   * Tensors that are means over the images. Those of micro-batches are averaged, weighted by their
   * numbers of images.
   */
  readonly means?: NamedTensors;
  /**
   * Tensors with one row for each view or image, `[n, …]`. Those of micro-batches are concatenated.
   */
  readonly rows?: NamedTensors;
}

/** The result of a whole batch, from all its micro-batches. */
export interface BatchResult {
  /** Mean loss over all images. */
  readonly loss: Reading;
  readonly means: NamedTensors;
  readonly rows: NamedTensors;
}

/** The values that schedules give the optimiser at a step. */
export interface OptimizerValues {
  readonly lr: number;
  /** Weight decay of matrices and kernels. The optimiser decides which weights it applies to. */
  readonly weightDecay: number;
}

/**
 * What a method does with some training images before the first step. A run that is resumed does
 * not do it again: all that it sets is part of the state.
 */
export interface Beginning {
  /** Largest number of images, which are chosen evenly over the set. */
  readonly images: number;
  /** @param rng The random stream for it. */
  begin(views: Views, rng: Rng): void | Promise<void>;
}

/** A method with its networks. Dispose of it to free their tensors. */
export interface Method extends Disposable {
  /** The backbone that is kept after training. The monitor and all evaluations use it. */
  readonly evaluated: Model;
  /** The trained weights, by the names that their moments have in a checkpoint. */
  readonly weights: ReadonlyMap<string, tf.Variable>;
  /** Everything that a step changes, except the optimiser's state, by the names in a checkpoint. */
  readonly state: ReadonlyMap<string, tf.Variable>;
  /** How to see that the method has collapsed. */
  readonly alarms: readonly AlarmRule[];
  /** What has to be done before the first step. By default, nothing. */
  readonly beginning?: Beginning;
  /**
   * Whether several processes can share a batch: loss, means and rows of a batch are those of its
   * parts, averaged and joined, and its networks heed the `world` of the moment. A loss that compares
   * images takes those of all processes by `allRows`. A text says why they cannot. By default, they
   * cannot.
   */
  readonly divides?: true | string;
  /**
   * Whether gradients are clipped by the norm of all together, as in MoBY. By default each is
   * clipped by its own norm, as in DINO.
   */
  readonly clipsTogether?: boolean;
  optimizerValues(now: Moment): OptimizerValues;
  /**
   * Called before the first step of each epoch. A run that was saved before this step and is resumed
   * calls it again, so it may depend on nothing but the state and its argument. By default, nothing
   * is done.
   */
  beforeEpoch?(start: EpochStart): Promise<void>;
  /**
   * Computes everything that is constant for the loss, such as the targets, and returns the loss as
   * a function to run on the tape. It changes only the running statistics of BatchNorm.
   */
  pass(views: Views, now: Moment): Pass;
  /**
   * Whether a weight is frozen at this step; its gradient is not computed then. By default, none
   * is.
   */
  isFrozen?(name: string, now: Moment): boolean;
  /**
   * Called once before a step's passes, to update a moving average that this step's targets come
   * from, as in MoCo. By default, nothing changes.
   */
  beforeStep?(now: Moment): void;
  /** Called after the optimiser's update, to update moving averages, a centre or a queue. */
  afterUpdate(batch: BatchResult, now: Moment): void;
  /**
   * Numbers for the log, besides the loss and the norm of the gradients. Called after the updates.
   */
  signals(batch: BatchResult): Readonly<Record<string, Reading>>;
}

/** Multiply–adds of a method's heads for one view. */
export interface HeadCost {
  /** Multiply–adds of the forward pass in the network that is trained. */
  readonly onTape: number;
  /**
   * Multiply–adds of the network whose output is constant for the loss; absent if the method has no
   * such network.
   */
  readonly constant?: number;
}
