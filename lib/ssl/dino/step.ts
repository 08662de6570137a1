/**
 * One step of DINO (Caron et al. 2021, Algorithm 1; order of operations as the reference's `train_one_epoch`).
 *
 * T = 2 teacher views, V student views, B images, K prototypes.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { copyTree, disposeTree } from "lib/nn/parameters.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { clipScales } from "lib/train/clip.ts";
import { emaUpdate } from "lib/train/ema.ts";
import { type OptimizerName, optimizerStep } from "lib/train/optimizer.ts";
import { disposeOptimizer, type OptimizerState } from "lib/train/optimizer_state.ts";
import type { DinoHeadConfig } from "./head.ts";
import { batchGradients, type DinoNetworks, type GradientOptions } from "./gradients.ts";
import { createDinoNetwork } from "./network.ts";
import { nonFiniteGradient } from "./non_finite.ts";
import type { Views } from "lib/ssl/views/views.ts";

/** Everything that a step changes, and so everything that a checkpoint holds. */
export interface DinoState extends DinoNetworks {
  /** Empty before the first step. */
  readonly optimizer: OptimizerState;
  center: tf.Tensor1D; // [K], replaced by every step
}

/** Student and teacher start from the same weights; the centre starts at 0. */
export function createDinoState(model: ModelConfig, head: DinoHeadConfig, rng: Rng): DinoState {
  const student = createDinoNetwork(model, head, rng);
  const teacher = createDinoNetwork(model, head, rng);
  copyTree(student.params, teacher.params);
  return { student, teacher, optimizer: new Map(), center: tf.zeros([head.outDim]) };
}

/** Frees all of a run's tensors. */
export function disposeDinoState(state: DinoState): void {
  disposeTree(state.student.params);
  disposeTree(state.teacher.params);
  disposeOptimizer(state.optimizer);
  state.center.dispose();
}

/** The values of all schedules at one step, and what the recipe leaves the same for all of them. */
export interface StepValues extends GradientOptions {
  readonly lr: number;
  /** For matrices and kernels only. */
  readonly weightDecay: number;
  readonly teacherMomentum: number;
  /** L2 norm above which a gradient tensor is scaled down; 0 leaves all as they are. */
  readonly clipNorm: number;
  /** By default, AdamW. */
  readonly optimizer?: OptimizerName;
}

/** What a step measures. Entropies in nats. */
export interface StepMetrics {
  readonly loss: number;
  /** Mean entropy of the teacher's distribution: ln K means uniform, 0 means one prototype. */
  readonly teacherEntropy: number;
  /** loss − teacherEntropy: how far the student is from the teacher on other views. */
  readonly kl: number;
  /** Mean spread of the unit-length teacher features, times √D: near 1 when they fill the sphere, 0 when all are equal. */
  readonly featureStd: number;
  readonly gradNorm: number;
  readonly centerNorm: number;
}

/**
 * Teacher, student, loss, gradients, clipping, update, moving average, centre.
 *
 * Synchronous, so that one `tidy` frees everything, also when it throws.
 *
 * @param rng The step's stream, for stochastic depth.
 * @throws {RangeError} If the loss or a gradient is not finite; the message names the first bad tensor. Weights, moments and centre
 *   are then unchanged; the running statistics of BatchNorm are not.
 */
export function dinoStep(state: DinoState, views: Views, now: StepValues, rng: Rng): StepMetrics {
  return tf.tidy(() => {
    const { loss, grads, entropy, features, center } = batchGradients(state, views, now, rng);
    const { scales, norm } = clipScales(grads, now.clipNorm || Infinity);
    if (!Number.isFinite(norm)) throw nonFiniteGradient(grads);
    const { student, teacher, optimizer } = state;
    const { optimizer: name = "adamw", lr, weightDecay } = now;
    optimizerStep(name, student.weights, grads, optimizer, { lr, weightDecay, scales });
    emaUpdate(teacher.weights, student.weights, now.teacherMomentum);
    const old = state.center;
    state.center = tf.keep(center);
    old.dispose();
    return {
      loss,
      gradNorm: norm,
      centerNorm: length(center),
      ...teacherSignals(entropy, features, loss),
    };
  });
}

// These few numbers are read and worked out here: in tensor operations they would take longer than the loss.

function length(vector: tf.Tensor1D): number {
  return Math.sqrt(vector.dataSync<"float32">().reduce((sum, x) => sum + x * x, 0));
}

function teacherSignals(entropy: tf.Scalar, features: tf.Tensor2D, loss: number) {
  const teacherEntropy = entropy.dataSync()[0]!;
  return { teacherEntropy, kl: loss - teacherEntropy, featureStd: featureStd(features) };
}

/** Mean over the features of their spread over the rows, of rows made unit vectors, times √D. */
function featureStd(features: tf.Tensor2D): number {
  const [rows, D] = features.shape;
  const values = features.dataSync<"float32">();
  const [sums, squares] = [new Float64Array(D), new Float64Array(D)];
  for (let row = 0; row < values.length; row += D) {
    let square = 0;
    for (let d = 0; d < D; d++) square += values[row + d]! ** 2;
    const scale = 1 / Math.max(Math.sqrt(square), 1e-12);
    for (let d = 0; d < D; d++) {
      const unit = values[row + d]! * scale;
      sums[d]! += unit;
      squares[d]! += unit * unit;
    }
  }
  const spreads = sums.map((sum, d) =>
    Math.sqrt(Math.max(0, squares[d]! / rows - (sum / rows) ** 2))
  );
  return Math.sqrt(D) * spreads.reduce((sum, spread) => sum + spread, 0) / D;
}
