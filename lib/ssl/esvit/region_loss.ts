/**
 * EsViT's region loss (Li et al. 2022, §3.2; the official code's `DDINOLoss`): DINO's loss for the
 * tokens of views. A token of the student learns the distribution of the teacher's token that is
 * most like it.
 *
 * T teacher views, V student views (the first T are the same crops), B images, N tokens of a
 * teacher view, n of a student view, D features, K prototypes.
 */
import * as tf from "lib/tf.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";
import { offTape } from "lib/train/gradients.ts";
import { prototypeLogits, type Prototypes } from "lib/ssl/distillation/head.ts";
import { checkPairs } from "lib/ssl/distillation/loss.ts";

/** The tokens of the teacher, which are constant for the loss. */
export interface TeacherRegions {
  /** Features of the tokens of each view, `[B, N, D]`. */
  readonly tokens: readonly tf.Tensor3D[];
  /** Their distributions over the prototypes, `[T, B·N, K]`. */
  readonly probabilities: tf.Tensor3D;
}

/** The tokens of the student. */
export interface StudentRegions {
  /** Features of the tokens of each view, `[B, n, D]`. They have no gradient from here. */
  readonly tokens: readonly tf.Tensor3D[];
  /** Unit bottlenecks of all tokens, `[Σ B·n, bottleneck]`, in the order of `tokens`. */
  readonly regions: tf.Tensor2D;
}

/** What the region loss is for each image, in nats. */
export interface RegionLosses {
  /** `[B]`, averaged over the T·V − T pairs of views, and over the student's tokens in each. */
  readonly losses: tf.Tensor1D;
  /** Entropies of the distributions that are learnt, averaged in the same way, `[B]`. */
  readonly entropies: tf.Tensor1D;
}

/**
 * The cross-entropy from the teacher's tokens to the student's, over all pairs of a teacher view
 * and another student view.
 *
 * @throws {RangeError} If there is no pair of distinct views.
 */
export function regionLosses(
  student: StudentRegions,
  prototypes: Prototypes,
  teacher: TeacherRegions,
  studentTemp: number,
): RegionLosses {
  const [V, T] = [student.tokens.length, teacher.tokens.length];
  checkPairs(V, T);
  return tf.tidy(() => {
    const logits = prototypeLogits(student.regions, prototypes);
    const logP = tf.logSoftmax(logits.div<tf.Tensor2D>(studentTemp)); // [Σ B·n, K]
    const matched = matchedTargets(student.tokens, teacher);
    const targets = tf.concat2d(matched.map((one) => one.targets), 0); // [Σ B·n, K]
    const rows = targets.mul(logP).sum<tf.Tensor1D>(-1).neg(); // [Σ B·n]
    const perView = tf.split(rows, student.tokens.map(({ shape: [B, n] }) => B * n));
    const perImage = (views: readonly tf.Tensor[]) => {
      const means = views.map((rows, v) =>
        rows.reshape(student.tokens[v]!.shape.slice(0, 2)).mean<tf.Tensor1D>(-1) // [B]
      );
      return tf.addN(means).div<tf.Tensor1D>(T * V - T);
    };
    return {
      losses: perImage(perView),
      entropies: perImage(matched.map(({ entropies }) => entropies)),
    } as unknown as tf.TensorContainer;
  }) as unknown as RegionLosses;
}

/** What the tokens of one student view learn. */
interface MatchedTargets {
  /** Sum of the distributions from all other teacher views, `[B·n, K]`. */
  readonly targets: tf.Tensor2D;
  /** Sum of the entropies of these distributions, `[B·n]`. */
  readonly entropies: tf.Tensor1D;
}

/** The targets of each student view. */
function matchedTargets(
  student: readonly tf.Tensor3D[],
  { tokens, probabilities }: TeacherRegions,
): MatchedTargets[] {
  const q = tf.unstack(probabilities) as tf.Tensor2D[]; // [B·N, K] each
  const entropies = q.map((one) => one.mul(one.maximum(1e-30).log()).sum<tf.Tensor1D>(-1).neg());
  return student.map((view, v) => {
    const others = [...tokens.keys()].filter((t) => t !== v);
    const rows = others.map((t) => nearestRows(view, tokens[t]!));
    const sum = <T extends tf.Tensor>(of: readonly T[]) =>
      tf.addN(others.map((t, i) => tf.gather(of[t]!, rows[i]!)));
    return { targets: sum(q), entropies: sum(entropies) };
  });
}

/**
 * For each token of the student, the teacher's token of the same image with the largest cosine.
 * No gradient goes through the choice.
 *
 * @param student `[B, n, D]`
 * @param teacher `[B, N, D]`
 * @returns Rows of the teacher's `[B·N, …]`; B·n of them, int32.
 */
export function nearestRows(student: tf.Tensor3D, teacher: tf.Tensor3D): tf.Tensor1D {
  const [B] = student.shape;
  const [, N] = teacher.shape;
  return offTape(() => {
    const cosines = tf.matMul(l2Normalize(student), l2Normalize(teacher), false, true);
    const firsts = tf.range(0, B, 1, "int32").mul(tf.scalar(N, "int32")); // [B], of each image
    return cosines.argMax(-1).add(firsts.reshape([B, 1])).flatten() as tf.Tensor1D; // from [B, n]
  });
}
