/**
 * What the tests of all methods share: a tiny network, recipes and batches for it, and assertions
 * that hold for every method.
 */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { type AlarmRule, alarmWatch } from "lib/ssl/method/alarms.ts";
import { loadTraining, saveTraining } from "lib/ssl/method/checkpoint.ts";
import type { Method, Moment } from "lib/ssl/method/method.ts";
import type { CommonRecipe } from "lib/ssl/method/recipe.ts";
import { type StepOptions, type Training, trainStep } from "lib/ssl/method/step.ts";
import type { Views } from "lib/ssl/views/views.ts";
import type { OptimizerName } from "lib/train/optimizer_names.ts";
import { disposeOptimizer } from "lib/train/optimizer_state.ts";
import { assertEquals, assertThrows, assertTrue } from "./assert.ts";
import { assertNoLeak } from "./leaks.ts";

/** A network with two stages, for images of 16 pixels a side. */
const tinyModel = {
  arch: "convnext",
  depths: [1, 1],
  dims: [8, 16],
  kernelSize: 3,
  batchNorm: true,
  dwconvBias: false,
  patchSize: 4,
  dropPathRate: 0.2,
  layerScaleInit: 0.1,
} as const satisfies ModelConfig;

/** The fields of a recipe that all methods share, but for its crops and the size of a batch. */
export const tinyRecipe = {
  model: tinyModel,
  epochs: 1,
  lr: 0.64,
  minLr: 0,
  warmupShare: 0,
  weightDecay: 0.1,
  weightDecayEnd: 0.1,
  clipNorm: 0,
} as const satisfies Partial<CommonRecipe>;

/**
 * What makes a run of hundreds of steps fast: a network of a few weights, for images of 8 pixels a
 * side, without weight decay. With the batch of 256, methods train at the given learning rate.
 */
export const fewWeights = {
  model: { ...tinyModel, dims: [4, 8], patchSize: 2, dropPathRate: 0 },
  batchSize: 256,
  weightDecay: 0,
  weightDecayEnd: 0,
} as const satisfies Partial<CommonRecipe>;

/** The tiny network without stochastic depth. */
export const tinyModelOfAllPaths = { ...tinyModel, dropPathRate: 0 } as const;

/** Images in {@linkcode tinyViews}. */
export const tinyImages = 6;

/** Two views of each of six images, the same at every call. */
export function tinyViews(): Views {
  const global = tf.randomNormal([2 * tinyImages, 16, 16, 3], 0, 1, "float32", 1);
  return { global: global as tf.Tensor4D, local: null };
}

/**
 * Two views of each of some images of 8 pixels a side. Every image has a colour of its own, and the
 * views differ in noise. The same seed gives the same images.
 */
export function colouredPairs(seed: number, count = 8): Views {
  const draw = (shape: number[], std: number, seed: number) =>
    tf.randomNormal(shape, 0, std, "float32", seed + 1); // tfjs takes 0 for no seed
  const image = draw([count, 1, 1, 3], 1, seed);
  const noise = [1000, 2000].map((more) => draw([count, 8, 8, 3], 0.5, seed + more));
  return { global: tf.concat(noise.map((x) => x.add(image))) as tf.Tensor4D, local: null };
}

/** A step of a run of one epoch. */
export function momentAt(step: number, totalSteps = 10): Moment {
  return { step, stepsPerEpoch: totalSteps, totalSteps, rng: createRng(step) };
}

/** Frees all tensors of a method in training. */
export function disposeTraining({ method, optimizer }: Training): void {
  method[Symbol.dispose]();
  disposeOptimizer(optimizer);
}

/** A copy of the values of each tensor. */
export function valuesOf(tensors: ReadonlyMap<string, tf.Tensor>): Map<string, Float32Array> {
  return new Map([...tensors].map(([name, x]) => [name, x.dataSync<"float32">().slice()]));
}

/** All numbers of a run: the state of the method and that of the optimiser. */
export function numbersOf({ method, optimizer }: Training): Map<string, unknown> {
  const slots = [...optimizer].map(([name, { tensors, steps }]) =>
    [name, [steps, ...Object.values(tensors).map((tensor) => tensor.dataSync().slice())]] as const
  );
  return new Map<string, unknown>([...valuesOf(method.state), ...slots]);
}

/** Fails if a value of a step's metrics is not finite. */
export function assertFinite(metrics: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(metrics)) {
    assertTrue(Number.isFinite(value), `${name} is ${value}`);
  }
}

/** Fails if a weight has the values that it had. */
export function assertMoved(
  weights: ReadonlyMap<string, tf.Tensor>,
  before: ReadonlyMap<string, Float32Array>,
): void {
  for (const [name, weight] of weights) {
    const moved = weight.dataSync().some((x, i) => x !== before.get(name)![i]);
    assertTrue(moved, `${name} has not moved`);
  }
}

/**
 * Fails unless forty steps, in all of which the views are the same, bring the loss to less than
 * half. Disposes of the training.
 */
export function assertLearns(
  training: Training,
  views: Views,
  at: (step: number) => Moment,
): void {
  const losses = Array.from(
    { length: 40 },
    (_, step) => trainStep(training, views, { clipNorm: 0 }, at(step)).loss,
  );
  const [first, last] = [losses[0]!, losses.at(-1)!];
  assertTrue(last < 0.5 * first, `the loss went from ${first} to ${last}`);
  disposeTraining(training);
}

/**
 * Fails if a step keeps a tensor, or if one is left when the training is disposed of.
 *
 * @param accumulates Numbers of micro-batches, each of which is tried.
 */
export function assertKeepsNoTensor(
  newTraining: () => Training,
  accumulates: readonly number[],
): void {
  const before = tf.memory().numTensors;
  const given = tinyViews();
  for (const accumulate of accumulates) {
    const training = newTraining();
    assertNoLeak(() => void trainStep(training, given, { clipNorm: 1, accumulate }, momentAt(0)));
    disposeTraining(training);
  }
  given.global.dispose();
  assertEquals(tf.memory().numTensors, before);
}

/**
 * Fails unless a step throws if the weights of this name are NaN, names them, and changes nothing
 * else.
 *
 * @param moving Names of what a forward pass changes: running statistics, and in some methods an
 *   average that moves before the step.
 */
export function assertNamesBadWeights(
  training: Training,
  name: string,
  moving = /running_/,
): void {
  const weight = training.method.state.get(name)!;
  (weight as tf.Variable).assign(tf.fill(weight.shape, NaN));
  const numbers = () => [...numbersOf(training)].filter(([name]) => !moving.test(name));
  const before = numbers();
  const step = () => trainStep(training, tinyViews(), { clipNorm: 0 }, momentAt(0));
  assertThrows(step, RangeError, `the first tensor that is not finite is ${name}`);
  assertEquals(numbers(), before);
}

/**
 * Fails unless a run that is saved after two steps, and loaded into another that has taken a step
 * of its own, goes on with the same bits.
 */
export async function assertResumes(
  newTraining: () => Training,
  optimizer: OptimizerName,
  clipNorm = 0,
): Promise<void> {
  const path = Deno.makeTempFileSync();
  try {
    const [straight, resumed] = [newTraining(), newTraining()];
    const step = (training: Training, i: number) =>
      void trainStep(training, tinyViews(), { clipNorm, optimizer }, momentAt(i));
    [0, 1].forEach((i) => step(straight, i));
    await saveTraining(path, straight, 2);
    [2, 3].forEach((i) => step(straight, i));
    step(resumed, 7);
    assertEquals(loadTraining(path, resumed), 2);
    [2, 3].forEach((i) => step(resumed, i));
    assertEquals(numbersOf(resumed), numbersOf(straight));
  } finally {
    Deno.removeSync(path);
  }
}

/**
 * Trains until the first alarm, for at most so many steps, all with the schedules of the first.
 * Disposes of the optimiser, not of the method.
 *
 * @param views Makes the batch of a step, from 1.
 * @returns The alarms of the step that had some: `alarmChance at 103: Collapse …`.
 */
export function firstAlarms(
  method: Method,
  { rules, steps, views, options }: {
    readonly rules: readonly AlarmRule[];
    readonly steps: number;
    readonly views: (step: number) => Views;
    readonly options: StepOptions;
  },
): string[] {
  const training: Training = { method, optimizer: new Map() };
  const watch = alarmWatch(rules, 0);
  let raised: readonly AlarmRule[] = [];
  let step = 0;
  while (step < steps && raised.length === 0) {
    step++;
    const metrics = tf.tidy(() => trainStep(training, views(step), options, momentAt(0)));
    raised = watch({ step, metrics });
  }
  disposeOptimizer(training.optimizer);
  return raised.map(({ name, message }) => `${name} at ${step}: ${message}`);
}

/** Names of the alarms that such metrics show, if they last. */
export function shownAlarms(
  rules: readonly AlarmRule[],
  metrics: Readonly<Record<string, number>>,
): string[] {
  return rules.filter((alarm) => alarm.shows(metrics)).map(({ name }) => name);
}
