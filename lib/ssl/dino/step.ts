/**
 * One step of DINO (Caron et al. 2021, Algorithm 1; order of operations as the reference's `train_one_epoch`).
 *
 * T = 2 teacher views, V student views, B images, K prototypes.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { copyTree, disposeTree, parameters } from "lib/nn/parameters.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { clipEachByNorm } from "lib/train/clip.ts";
import { emaUpdate } from "lib/train/ema.ts";
import { type OptimizerName, optimizerStep } from "lib/train/optimizer.ts";
import { disposeOptimizer, type OptimizerState } from "lib/train/optimizer_state.ts";
import type { DinoHeadConfig } from "lib/ssl/dino/head.ts";
import { batchGradients, type DinoNetworks, type GradientOptions } from "lib/ssl/dino/gradients.ts";
import { createDinoNetwork } from "lib/ssl/dino/network.ts";
import { nonFiniteGradient } from "lib/ssl/dino/non_finite.ts";
import type { Views } from "lib/ssl/dino/views.ts";

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
    const { clipped, norm } = clipEachByNorm(grads, now.clipNorm || Infinity);
    if (!Number.isFinite(norm)) throw nonFiniteGradient(grads);
    const student = parameters(state.student.params);
    optimizerStep(now.optimizer ?? "adamw", student, clipped, state.optimizer, now);
    emaUpdate(parameters(state.teacher.params), student, now.teacherMomentum);
    const old = state.center;
    state.center = tf.keep(center);
    old.dispose();
    return {
      loss,
      gradNorm: norm,
      centerNorm: state.center.norm().dataSync()[0]!,
      ...teacherSignals(entropy, features, loss),
    };
  });
}

function teacherSignals(entropy: tf.Scalar, features: tf.Tensor2D, loss: number) {
  return tf.tidy(() => {
    const unit = features.div(features.norm(2, 1, true).maximum(1e-12)); // [2B, D]
    const spread = tf.moments(unit, 0).variance.sqrt().mean().mul(Math.sqrt(features.shape[1]));
    const [teacherEntropy, featureStd] = tf.stack([entropy, spread]).dataSync();
    return {
      teacherEntropy: teacherEntropy!,
      kl: loss - teacherEntropy!,
      featureStd: featureStd!,
    };
  });
}
