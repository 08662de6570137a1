/**
 * Loss and gradients of a batch: the networks' part of a step, which changes nothing but the running statistics of
 * BatchNorm. A batch can go through the networks in micro-batches, for the memory of one.
 *
 * B images in the batch, b in a micro-batch, V views, D features, K prototypes.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import type { Precision } from "lib/nn/pointwise.ts";
import { lossAndGradients } from "lib/train/gradients.ts";
import { type DinoNetwork, forwardViews } from "./network.ts";
import { nonFiniteLoss } from "./non_finite.ts";
import { prototypeLoss, type Targets, teach } from "./prototypes.ts";
import { imagesIn, microBatches, type Views, viewsOf } from "lib/ssl/views/views.ts";

/** What the loss of a batch depends on, but its views. */
export interface DinoNetworks {
  readonly student: DinoNetwork;
  readonly teacher: DinoNetwork;
  readonly center: tf.Tensor1D; // [K]
}

export interface GradientOptions {
  readonly teacherTemp: number;
  readonly studentTemp: number;
  readonly centerMomentum: number;
  /** True in the first epochs: the prototypes keep their values, and no time goes into their gradient. */
  readonly freezeLastLayer: boolean;
  /** Whether stochastic depth is active in the teacher too, at the student's rate. By default, no. */
  readonly teacherDropPath?: boolean;
  /** Micro-batches that the batch goes through the networks in. By default, 1. */
  readonly accumulate?: number;
  /** Of both networks' blocks, {@linkcode Precision}. By default, fp32. */
  readonly precision?: Precision;
}

/** What a batch says, all means over its B images; the caller owns the tensors. */
export interface BatchGradients {
  /** In nats. */
  readonly loss: number;
  /** By the names of the student's weights; frozen ones have none. */
  readonly grads: ReadonlyMap<string, tf.Tensor>;
  /** Of the teacher's distributions, in nats. */
  readonly entropy: tf.Scalar;
  /** The centre after this batch, `[K]`. */
  readonly center: tf.Tensor1D;
  /** The teacher's, `[2·B, D]`; of a batch in parts, part by part. */
  readonly features: tf.Tensor2D;
}

/**
 * Teacher, student, loss and gradients.
 *
 * With `accumulate`, loss, gradients, entropy and the next centre are those of the whole batch: means over the images of a
 * micro-batch count by its share of the images, all micro-batches meet the centre from before the batch, and the centre moves
 * once. Two things only tell the parts: BatchNorm takes its statistics from a micro-batch and moves its running ones by each (the
 * reference's SyncBatchNorm sees the whole batch), and stochastic depth draws anew for each.
 *
 * @param rng The step's stream, for stochastic depth.
 * @throws {RangeError} If the loss is not finite; the message names the first bad tensor. Or if there are more micro-batches than
 *   images.
 */
export function batchGradients(
  networks: DinoNetworks,
  views: Views,
  options: GradientOptions,
  rng: Rng,
): BatchGradients {
  const images = imagesIn(views);
  const parts = microBatches(images, options.accumulate ?? 1);
  const features: tf.Tensor2D[] = [];
  let [names, loss, sums]: [string[], number, tf.Tensor[]] = [[], 0, []];
  parts.forEach((part, i) => {
    const share = part.count / images;
    const before = sums;
    const [ofPart, ...after] = tf.tidy(() => {
      const stream = parts.length === 1 ? rng : rng.fork(`part ${i}`);
      const { loss: value, grads, ...means } = pass(
        networks,
        viewsOf(views, part),
        options,
        stream,
      );
      loss += share * value;
      names = [...grads.keys()];
      const added = [means.entropy, means.center, ...grads.values()].map((mean, j) => {
        const scaled = share === 1 ? mean : mean.mul(share);
        return i === 0 ? scaled : before[j]!.add(scaled);
      });
      return [means.features, ...added];
    });
    tf.dispose(before);
    features.push(ofPart as tf.Tensor2D);
    sums = after;
  });
  const [entropy, center, ...grads] = sums as [tf.Scalar, tf.Tensor1D, ...tf.Tensor[]];
  return {
    loss,
    grads: new Map(names.map((name, i) => [name, grads[i]!])),
    entropy,
    center,
    features: joined(features),
  };
}

/** One pass through both networks. */
function pass(
  networks: DinoNetworks,
  views: Views,
  options: GradientOptions,
  rng: Rng,
): BatchGradients {
  const { features, targets } = teacherPass(networks, views, options, rng);
  const { value, grads } = studentPass(networks.student, views, targets, options, rng);
  const loss = value.dataSync()[0]!;
  if (!Number.isFinite(loss)) throw nonFiniteLoss(loss, { ...networks, ...views });
  return { loss, grads, entropy: targets.entropy, center: targets.center, features };
}

/** In training mode, as the reference: BatchNorm's statistics are the batch's, its running ones the teacher's own. */
function teacherPass(
  { teacher, center }: DinoNetworks,
  { global }: Views,
  options: GradientOptions,
  rng: Rng,
): { features: tf.Tensor2D; targets: Targets } {
  const { features, bottleneck } = forwardViews(teacher, [global], {
    training: true,
    precision: options.precision,
    rng: options.teacherDropPath ? rng.fork("teacher") : undefined,
  });
  const { last_layer } = teacher.params.head;
  return { features, targets: teach(bottleneck, last_layer, center, { views: 2, ...options }) };
}

function studentPass(
  student: DinoNetwork,
  { global, local }: Views,
  { probabilities }: Targets,
  { studentTemp, freezeLastLayer, precision }: GradientOptions,
  rng: Rng,
): { value: tf.Scalar; grads: Map<string, tf.Tensor> } {
  const weights = [...student.weights]
    .filter(([name]) => !(freezeLastLayer && name.startsWith("head.last_layer.")));
  return lossAndGradients(() => {
    const groups = local === null ? [global] : [global, local];
    const { bottleneck } = forwardViews(student, groups, { training: true, precision, rng });
    const { last_layer } = student.params.head;
    const frozen = freezeLastLayer;
    return prototypeLoss(bottleneck, last_layer, probabilities, { studentTemp, frozen });
  }, new Map(weights));
}

function joined(parts: readonly tf.Tensor2D[]): tf.Tensor2D {
  if (parts.length === 1) return parts[0]!;
  const whole = tf.concat([...parts]);
  tf.dispose([...parts]);
  return whole;
}
