/**
 * The head's last layer and the loss in one computation: with tens of thousands of prototypes,
 * their time depends on how often the logits are read and written. The result is that of `loss.ts`
 * on the logits of `head.ts`, and those compute it where there are no native kernels.
 *
 * T teacher views, V student views, B images, D bottleneck, K prototypes.
 */
import * as tf from "lib/tf.ts";
import { fused, hasFamily } from "lib/nn/fused.ts";
import { prototypeLogits, type Prototypes } from "./head.ts";
import { checkPairs, dinoLoss, nextCenter, teacherProbabilities } from "./loss.ts";

/** The teacher's output for a batch; the caller owns the tensors. */
export interface Targets {
  /** Distributions over the prototypes, `[T, B, K]`. */
  readonly probabilities: tf.Tensor3D;
  /** Mean entropy of the distributions, in nats. */
  readonly entropy: tf.Scalar;
  /** The centre to use for the next batch, `[K]`. */
  readonly center: tf.Tensor1D;
}

export interface TeachOptions {
  /** T. */
  readonly views: number;
  readonly teacherTemp: number;
  readonly centerMomentum: number;
}

/**
 * Computes the teacher's distributions (`teacherProbabilities`) and the next centre (`nextCenter`).
 *
 * @param z Unit bottlenecks `[T·B, D]`: all images of the first view, then all of the second.
 * @param center Running mean of the teacher's logits, `[K]`
 */
export function teach(
  z: tf.Tensor2D,
  prototypes: Prototypes,
  center: tf.Tensor1D,
  options: TeachOptions,
): Targets {
  const K = center.size;
  const [probabilities, entropy, next] = tf.tidy(() =>
    hasFamily("dinoTeacher")
      ? fusedTeach(z, prototypes, center, options)
      : plainTeach(z, prototypes, center, options)
  ) as [tf.Tensor, tf.Scalar, tf.Tensor1D];
  const byView = probabilities.reshape<tf.Tensor3D>([options.views, -1, K]);
  probabilities.dispose();
  return { probabilities: byView, entropy, center: next };
}

function fusedTeach(
  z: tf.Tensor2D,
  { weight_g, weight_v }: Prototypes,
  center: tf.Tensor1D,
  { teacherTemp, centerMomentum }: TeachOptions,
): tf.Tensor[] {
  const [, scales] = fused("PrototypeScales", [weight_v, weight_g])!;
  const numbers = tf.tensor1d([teacherTemp, centerMomentum]);
  return fused("DinoTeacher", [tf.matMul(z, weight_v), scales!, center, numbers])!;
}

function plainTeach(
  z: tf.Tensor2D,
  prototypes: Prototypes,
  center: tf.Tensor1D,
  { views, teacherTemp, centerMomentum }: TeachOptions,
): tf.Tensor[] {
  const logits = prototypeLogits(z, prototypes).reshape<tf.Tensor3D>([views, -1, center.size]);
  const q = teacherProbabilities(logits, center, teacherTemp);
  const entropies = q.mul(q.maximum(1e-30).log()).sum(-1).neg(); // [T, B]
  return [q, entropies.mean(), nextCenter(center, logits, centerMomentum)];
}

export interface PrototypeLossOptions {
  readonly studentTemp: number;
  /** Whether the prototypes are constants, whose gradient is not computed. */
  readonly frozen: boolean;
}

/**
 * The DINO loss (`dinoLoss`) of the student's bottlenecks.
 *
 * @param z Unit bottlenecks `[V·B, D]`: all images of the first view, then of the second, …; the
 *   first T views are those that the teacher sees.
 * @param teacher Probabilities `[T, B, K]`, a constant.
 * @returns Scalar in nats, with gradients for `z` and, unless frozen, for the prototypes.
 * @throws {RangeError} If there is no pair of distinct views.
 */
export function prototypeLoss(
  z: tf.Tensor2D,
  prototypes: Prototypes,
  teacher: tf.Tensor3D,
  options: PrototypeLossOptions,
): tf.Scalar {
  const [T, B, K] = teacher.shape;
  checkPairs(z.shape[0] / B, T);
  return tf.tidy(() => {
    if (hasFamily("dinoLoss")) return fusedLoss(z, prototypes, teacher, options);
    const logits = prototypeLogits(z, prototypes).reshape<tf.Tensor3D>([-1, B, K]);
    return dinoLoss(logits, teacher, options.studentTemp);
  });
}

function fusedLoss(
  z: tf.Tensor2D,
  { weight_g, weight_v }: Prototypes,
  teacher: tf.Tensor3D,
  { studentTemp, frozen }: PrototypeLossOptions,
): tf.Scalar {
  const temp = { temp: studentTemp };
  const op = tf.customGrad((...args) => {
    const z = args[0] as tf.Tensor2D;
    const save = args.at(-1) as unknown as tf.GradSaveFunc;
    const [norms, scales] = fused("PrototypeScales", [weight_v, weight_g])!;
    const products = tf.matMul(z, weight_v as tf.Tensor2D); // [V·B, K], cosines times ‖v‖
    const [loss, ...sums] = fused("DinoLoss", [products, scales!, teacher], temp)!;
    save([products, scales!, teacher, ...sums, z, norms!]);
    return {
      value: loss!,
      gradFunc: (dloss: tf.Tensor, saved: tf.Tensor[]) => {
        const [z, norms] = saved.slice(5) as [tf.Tensor2D, tf.Tensor];
        const [dproducts, u] = fused("DinoLossGrad", [dloss, ...saved.slice(0, 5)], temp)!;
        const dz = tf.matMul(dproducts as tf.Tensor2D, weight_v as tf.Tensor2D, false, true);
        if (frozen) return [dz];
        const dv = tf.matMul(z, dproducts as tf.Tensor2D, true); // [D, K]
        const own = [dv, weight_v, u!, norms!, saved[1]!];
        return [dz, ...fused("PrototypeGrad", own)!];
      },
    };
  });
  return (frozen ? op(z) : op(z, weight_v, weight_g)) as tf.Scalar;
}
