/** What training adds to networks: DINO's loss, the optimiser, and twenty steps of DINO. */
import * as tf from "lib/tf.ts";
import { bcSslConfig, type ModelConfig } from "lib/models/mod.ts";
import { fused } from "lib/nn/fused.ts";
import { createRng } from "lib/rng.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import { createDino } from "lib/ssl/dino/dino.ts";
import type { DinoRecipe } from "lib/ssl/dino/recipe.ts";
import type { DinoHeadConfig, Prototypes } from "lib/ssl/distillation/head.ts";
import { prototypeLoss, teach } from "lib/ssl/distillation/prototypes.ts";
import type { Training } from "lib/ssl/method/step.ts";
import { trainByMethod, type TrainedStep, type ViewSource } from "lib/ssl/method/train.ts";
import { adamWStep } from "lib/train/adamw.ts";
import { emaUpdate } from "lib/train/ema.ts";
import { optimizerStep } from "lib/train/optimizer.ts";
import { disposeOptimizer, type OptimizerState } from "lib/train/optimizer_state.ts";
import { type CaseTensors, type CheckCase, randomTensor, type Sizes } from "./check_case.ts";

const part = "training";

/** The cases of training. */
export function trainingCases(sizes: Sizes): CheckCase[] {
  return [
    {
      part,
      name: "DINO's teacher and loss",
      kernels: ["PrototypeScales", "PrototypeGrad", "DinoTeacher", "DinoLoss", "DinoLossGrad"],
      tolerance: 1e-4,
      compute: () => dinoHead(sizes === "small" ? 1003 : 65_536),
    },
    {
      part,
      name: "AdamW and the moving average, three steps",
      kernels: ["AdamW", "MovingAverage", "SquaredNorms"],
      tolerance: 1e-4,
      compute: updates,
    },
    {
      part,
      name: "SGD and LARS, three steps",
      kernels: ["Momentum"],
      tolerance: 1e-4,
      compute: momentumUpdates,
    },
    {
      part,
      name: "20 steps of DINO: loss and length of the gradient",
      tolerance: 1e-3,
      compute: () => dinoSteps(sizes),
    },
  ];
}

/** Two teacher views of three images, and three student views besides. */
const [teacherViews, views, images, bottleneck] = [2, 5, 3, 24];

function dinoHead(K: number): CaseTensors {
  return tf.tidy(() => {
    const z = randomTensor<tf.Rank.R2>([views * images, bottleneck], 1, { std: 0.2 });
    const v = randomTensor([bottleneck, K], 2);
    const g = randomTensor([1, K], 3, { mean: 1, std: 0.1 });
    const prototypesOf = (weight_v: tf.Tensor, weight_g: tf.Tensor) =>
      ({ weight_v, weight_g }) as unknown as Prototypes;
    const seen = z.slice([0, 0], [teacherViews * images, bottleneck]) as tf.Tensor2D;
    const center = randomTensor<tf.Rank.R1>([K], 4, { std: 0.1 });
    const options = { views: teacherViews, teacherTemp: 0.04, centerMomentum: 0.9 };
    const { probabilities, entropy, center: next } = teach(
      seen,
      prototypesOf(v, g),
      center,
      options,
    );
    const loss = (z: tf.Tensor, v: tf.Tensor, g: tf.Tensor) =>
      prototypeLoss(z as tf.Tensor2D, prototypesOf(v, g), probabilities, {
        studentTemp: 0.1,
        frozen: false,
      });
    const [dz, dv, dg] = tf.grads(loss as (...args: tf.Tensor[]) => tf.Tensor)([z, v, g]);
    return { probabilities, entropy, center: next, loss: loss(z, v, g), dz, dv, dg };
  }) as CaseTensors;
}

/** Variables of all sizes, from one number to more than a pack of lib/webgpu/packs.ts holds. */
function variables(seed: number): Map<string, tf.Variable> {
  const shapes = {
    a: [1],
    b: [3, 17],
    "c.bias": [33],
    d: [40_001],
    e: [7, 7, 5, 1],
    f: [520, 513],
  };
  return new Map(
    Object.entries(shapes).map(([name, shape], i) => {
      const values = randomTensor(shape, seed + i);
      const variable = tf.variable(values);
      values.dispose();
      return [name, variable];
    }),
  );
}

function updates(): CaseTensors {
  const [weights, averages] = [variables(1), variables(50)];
  const state: OptimizerState = new Map();
  for (const step of [1, 2, 3]) {
    const grads = variables(10 * step);
    adamWStep(weights, grads, state, { lr: 0.1 * step, weightDecay: 0.2 });
    emaUpdate(averages, weights, 0.9);
    tf.dispose([...grads.values()]);
  }
  const results = tf.tidy(() => {
    const all = [...weights.values()];
    const flat = (map: ReadonlyMap<string, tf.Tensor>) =>
      tf.concat1d([...map.values()].map((x) => x.flatten() as tf.Tensor1D));
    const squares = fused("SquaredNorms", all)?.[0] ?? tf.stack(all.map((x) => x.square().sum()));
    return { weights: flat(weights), averages: flat(averages), squares };
  }) as CaseTensors;
  tf.dispose([...weights.values(), ...averages.values()]);
  disposeOptimizer(state);
  return results;
}

function momentumUpdates(): CaseTensors {
  return Object.fromEntries((["sgd", "lars", "lars_swav"] as const).map((name) => {
    const [weights, state]: [Map<string, tf.Variable>, OptimizerState] = [variables(1), new Map()];
    for (const step of [1, 2, 3]) {
      const grads = variables(10 * step);
      optimizerStep(name, weights, grads, state, { lr: 0.1 * step, weightDecay: 0.2 });
      tf.dispose([...grads.values()]);
    }
    const moved = tf.tidy(() =>
      tf.concat1d([...weights.values()].map((x) => x.flatten() as tf.Tensor1D))
    );
    tf.dispose([...weights.values()]);
    disposeOptimizer(state);
    return [name, moved];
  }));
}

/** The network and the head of the steps, and the sizes of their views. */
interface StepSizes {
  readonly model: ModelConfig;
  readonly head: DinoHeadConfig;
  readonly batchSize: number;
  readonly globalSize: number;
  readonly localSize: number;
}

/** The sizes of the twenty steps. */
function stepSizes(sizes: Sizes): StepSizes {
  const head = { batchNorm: false, normLastLayer: true };
  return sizes === "small"
    ? {
      model: { ...bcSslConfig("atto"), depths: [1], dims: [8], kernelSize: 3, layerScaleInit: 0.5 },
      head: { ...head, hiddenDim: 12, bottleneckDim: 6, outDim: 16 },
      batchSize: 4,
      globalSize: 16,
      localSize: 8,
    }
    : {
      model: { ...bcSslConfig("atto"), layerScaleInit: 0.5 },
      head: { ...head, hiddenDim: 512, bottleneckDim: 128, outDim: 4096 },
      batchSize: 16,
      globalSize: 64,
      localSize: 32,
    };
}

const localCrops = 2;

/** A run of DINO of so many steps; its pictures are random numbers that depend on the step. */
export async function* dinoRun(sizes: Sizes, steps: number): AsyncGenerator<TrainedStep> {
  const recipe = recipeOf(sizes);
  const training: Training = { method: createDino(recipe, createRng(1)), optimizer: new Map() };
  const source = randomImages(recipe, recipe.batchSize * steps);
  try {
    yield* trainByMethod(training, source, recipe, { rng: createRng(2), done: 0 });
  } finally {
    training.method[Symbol.dispose]();
    disposeOptimizer(training.optimizer);
  }
}

function recipeOf(sizes: Sizes): DinoRecipe {
  const { model, head, batchSize, globalSize, localSize } = stepSizes(sizes);
  return {
    model,
    head,
    crops: { ...dinoCrops, globalSize, localSize, localCrops },
    batchSize,
    epochs: 1,
    lr: 1e-3,
    minLr: 1e-4,
    warmupShare: 0.25,
    weightDecay: 0.04,
    weightDecayEnd: 0.4,
    clipNorm: 3,
    freezeLastLayerShare: 0.1,
    studentTemp: 0.1,
    teacherTemp: 0.04,
    warmupTeacherTemp: 0.04,
    warmupTeacherTempShare: 0,
    teacherMomentum: 0.99,
    centerMomentum: 0.9,
  };
}

/** Random pictures, five batches of them in turn. */
function randomImages({ crops, batchSize }: DinoRecipe, count: number): ViewSource {
  const numbers = (name: string, step: number, length: number) => {
    const rng = createRng(3).fork(name).fork(step % 5);
    return Float32Array.from({ length }, () => rng.normal(0, 1));
  };
  return {
    count,
    prefetch() {},
    next: (_, step) =>
      Promise.resolve({
        images: batchSize,
        global: numbers("global", step, 2 * batchSize * crops.globalSize ** 2 * 3),
        local: numbers("local", step, localCrops * batchSize * crops.localSize ** 2 * 3),
      }),
  };
}

async function dinoSteps(sizes: Sizes): Promise<CaseTensors> {
  const taken: TrainedStep[] = [];
  for await (const step of dinoRun(sizes, 20)) taken.push(step);
  return {
    loss: tf.tensor1d(taken.map(({ loss }) => loss)),
    "length of the gradient": tf.tensor1d(taken.map(({ gradNorm }) => gradNorm)),
  };
}
