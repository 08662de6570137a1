/**
 * Steps of DINO made of the parts of `lib/ssl` and `lib/train`, without a loop, schedules, or
 * reading a number: for tests that run them on another backend.
 */
import * as tf from "lib/tf.ts";
import { createModel, type Model, type ModelConfig } from "lib/models/mod.ts";
import { parameters } from "lib/nn/parameters.ts";
import { createRng } from "lib/rng.ts";
import {
  createDinoHead,
  dinoBottleneck,
  type DinoHeadConfig,
  type DinoHeadParams,
} from "lib/ssl/distillation/head.ts";
import { featuresOf } from "lib/ssl/method/network.ts";
import { prototypeLoss, teach } from "lib/ssl/distillation/prototypes.ts";
import { adamWStep } from "lib/train/adamw.ts";
import { emaUpdate } from "lib/train/ema.ts";
import { lossAndGradients } from "lib/train/gradients.ts";
import type { OptimizerState } from "lib/train/optimizer_state.ts";

interface Half {
  readonly model: Model;
  readonly head: DinoHeadParams;
  readonly weights: ReadonlyMap<string, tf.Variable>;
}

/** Everything that a step changes. */
export interface PlainDino {
  readonly student: Half;
  readonly teacher: Half;
  readonly center: tf.Variable<tf.Rank.R1>;
  readonly optimizer: OptimizerState;
}

/** Student and teacher with the same weights. */
export function createPlainDino(model: ModelConfig, head: DinoHeadConfig): PlainDino {
  const half = (): Half => {
    const network = createModel(model, createRng(1));
    const heads = createDinoHead(network.featureDim, head, createRng(2));
    const weights = parameters({ backbone: network.params, head: heads });
    return { model: network, head: heads, weights };
  };
  const center = tf.variable(tf.zeros<tf.Rank.R1>([head.outDim]), false);
  return { student: half(), teacher: half(), center, optimizer: new Map() };
}

/**
 * One step on groups of views, each of one resolution: all images of a view, then of the next. The
 * teacher sees the first group, which has two views.
 *
 * @param groups Each `[n, H, W, 3]`
 * @returns The loss; the caller owns it.
 */
export function plainDinoStep(dino: PlainDino, groups: readonly tf.Tensor4D[]): tf.Scalar {
  const { student, teacher, center, optimizer } = dino;
  const options = { training: true };
  const through = ({ model, head }: Half, views: readonly tf.Tensor4D[]) =>
    dinoBottleneck(featuresOf(model, views, options), head, options);
  return tf.tidy(() => {
    const { probabilities, entropy, center: next } = teach(
      through(teacher, groups.slice(0, 1)),
      teacher.head.last_layer,
      center,
      { views: 2, teacherTemp: 0.04, centerMomentum: 0.9 },
    );
    const loss = () => {
      const z = through(student, groups);
      const { last_layer } = student.head;
      return prototypeLoss(z, last_layer, probabilities, { studentTemp: 0.1, frozen: false });
    };
    const { value, grads } = lossAndGradients(loss, student.weights);
    adamWStep(student.weights, grads, optimizer, { lr: 1e-3, weightDecay: 0.04 });
    emaUpdate(teacher.weights, student.weights, 0.9);
    center.assign(next);
    tf.dispose([entropy, ...grads.values()]);
    return value;
  });
}

/** All weights and moments of a state, by their names. */
export function tensorsOf(
  { student, teacher, center, optimizer }: PlainDino,
): Map<string, tf.Tensor> {
  const moments = [...optimizer].flatMap(([name, { tensors }]) =>
    Object.entries(tensors).map(([role, moment]) => [`${name} ${role}`, moment] as const)
  );
  return new Map<string, tf.Tensor>([
    ...student.weights,
    ...[...teacher.weights].map(([name, weight]) => [`teacher ${name}`, weight] as const),
    ...moments,
    ["center", center],
  ]);
}
