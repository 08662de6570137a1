/**
 * The DINO loss and its centre (Caron et al. 2021, §3.1; the reference's `DINOLoss`).
 *
 * T teacher views, V student views (the first T are the same crops), B images, K prototypes.
 */
import * as tf from "lib/tf.ts";

export interface DinoLossOptions {
  readonly studentTemp: number;
  readonly teacherTemp: number;
}

/**
 * The teacher's distribution over the prototypes: centred, then sharpened.
 *
 * @param logits `[T, B, K]`
 * @param center Running mean of the teacher's logits, `[K]`
 * @returns Probabilities `[T, B, K]`
 */
export function teacherProbabilities(
  logits: tf.Tensor3D,
  center: tf.Tensor1D,
  teacherTemp: number,
): tf.Tensor3D {
  return tf.tidy(() => tf.softmax<tf.Tensor3D>(logits.sub(center).div(teacherTemp)));
}

/**
 * Cross-entropy from each teacher view to every *other* student view (Eq. 3). It leaves the centre
 * as it is; {@linkcode nextCenter} updates that.
 *
 * @param student Logits `[V, B, K]`
 * @param teacher Probabilities `[T, B, K]`, a constant: they are computed outside the tape.
 * @returns Scalar in nats, averaged over images and over the T·V − T pairs.
 * @throws {RangeError} If there is no pair of distinct views.
 */
export function dinoLoss(
  student: tf.Tensor3D,
  teacher: tf.Tensor3D,
  studentTemp: number,
): tf.Scalar {
  const [V, B] = student.shape;
  const [T] = teacher.shape;
  checkPairs(V, T);
  return tf.tidy(() => {
    const logP = tf.logSoftmax(student.div(studentTemp)); // [V, B, K]
    const pairs = tf.matMul(teacher.reshape([T, -1]), logP.reshape([V, -1]), false, true); // [T, V]
    const otherView = tf.sub(1, tf.eye(T, V));
    return pairs.mul(otherView).sum().div(-B * (T * V - T)).asScalar();
  });
}

/** @throws {RangeError} If there is no pair of distinct views. */
export function checkPairs(V: number, T: number): void {
  if (V >= T && V >= 2) return;
  throw new RangeError(
    `Cannot pair views: need V >= T and V >= 2, current V is ${V} and T is ${T}`,
  );
}

/**
 * The next centre: `m · center + (1 − m) · mean of the teacher's raw logits` (Eq. 4). The loss of
 * the same step still uses the old one.
 *
 * @param logits `[T, B, K]`
 * @returns `[K]`; the caller owns it.
 */
export function nextCenter(
  center: tf.Tensor1D,
  logits: tf.Tensor3D,
  momentum: number,
): tf.Tensor1D {
  return tf.tidy(() => center.mul(momentum).add(logits.mean([0, 1]).mul(1 - momentum)));
}
