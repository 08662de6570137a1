/**
 * One step of DINO (Caron et al. 2021, Algorithm 1; order of operations as the reference's `train_one_epoch`).
 *
 * T = 2 teacher views, V student views, B images, K prototypes.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { copyTree, disposeTree, parameters } from "lib/nn/parameters.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { type AdamWState, adamWStep, disposeAdamW } from "lib/train/adamw.ts";
import { clipEachByNorm } from "lib/train/clip.ts";
import { emaUpdate } from "lib/train/ema.ts";
import { lossAndGradients } from "lib/train/gradients.ts";
import type { DinoHeadConfig } from "lib/ssl/dino/head.ts";
import { createDinoNetwork, type DinoNetwork, forwardViews } from "lib/ssl/dino/network.ts";
import { nonFiniteGradient, nonFiniteLoss } from "lib/ssl/dino/non_finite.ts";
import { prototypeLoss, teach } from "lib/ssl/dino/prototypes.ts";

/** Everything that a step changes, and so everything that a checkpoint holds. */
export interface DinoState {
  readonly student: DinoNetwork;
  readonly teacher: DinoNetwork;
  readonly optimizer: AdamWState;
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
  disposeAdamW(state.optimizer);
  state.center.dispose();
}

/** The views of B images, view-major: all images of view 0, then of view 1. */
export interface Views {
  readonly global: tf.Tensor4D; // [2·B, G, G, 3]
  readonly local: tf.Tensor4D | null; // [(V−2)·B, L, L, 3]
}

/** The values of all schedules at one step. */
export interface StepValues {
  readonly lr: number;
  readonly weightDecay: number;
  readonly teacherMomentum: number;
  readonly teacherTemp: number;
  readonly studentTemp: number;
  readonly centerMomentum: number;
  /** L2 norm above which a gradient tensor is scaled down. */
  readonly clipNorm: number;
  /** True in the first epochs: the prototypes keep their values. */
  readonly freezeLastLayer: boolean;
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
 * @param rng The step's stream, for stochastic depth in the student; the teacher drops nothing.
 * @throws {RangeError} If the loss or a gradient is not finite; the message names the first bad tensor. Weights, moments and centre
 *   are then unchanged; the running statistics of BatchNorm are not.
 */
export function dinoStep(state: DinoState, views: Views, now: StepValues, rng: Rng): StepMetrics {
  return tf.tidy(() => {
    const { features, bottleneck } = forwardViews(state.teacher, [views.global], {
      training: true,
    });
    const { last_layer } = state.teacher.params.head;
    const targets = teach(bottleneck, last_layer, state.center, { views: 2, ...now });
    const { loss, grads } = studentGradients(state.student, views, targets.probabilities, now, rng);
    if (!Number.isFinite(loss)) throw nonFiniteLoss(loss, { ...state, ...views });
    const { clipped, norm } = clipEachByNorm(grads, now.clipNorm);
    if (!Number.isFinite(norm)) throw nonFiniteGradient(grads);
    adamWStep(parameters(state.student.params), clipped, state.optimizer, now);
    emaUpdate(
      parameters(state.teacher.params),
      parameters(state.student.params),
      now.teacherMomentum,
    );
    const old = state.center;
    state.center = tf.keep(targets.center);
    old.dispose();
    return {
      loss,
      gradNorm: norm,
      centerNorm: state.center.norm().dataSync()[0]!,
      ...teacherSignals(targets.entropy, features, loss),
    };
  });
}

function studentGradients(
  student: DinoNetwork,
  { global, local }: Views,
  q: tf.Tensor3D,
  { studentTemp, freezeLastLayer }: StepValues,
  rng: Rng,
): { loss: number; grads: Map<string, tf.Tensor> } {
  const weights = [...parameters(student.params)]
    .filter(([name]) => !(freezeLastLayer && name.startsWith("head.last_layer.")));
  const { value, grads } = lossAndGradients(() => {
    const groups = local === null ? [global] : [global, local];
    const { bottleneck } = forwardViews(student, groups, { training: true, rng });
    const { last_layer } = student.params.head;
    return prototypeLoss(bottleneck, last_layer, q, { studentTemp, frozen: freezeLastLayer });
  }, new Map(weights));
  return { loss: value.dataSync()[0]!, grads };
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
