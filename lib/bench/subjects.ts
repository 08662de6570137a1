/** Makes our side of each case: the inputs, and the call to time. */
import * as tf from "lib/tf.ts";
import { normalizeTable } from "lib/augment/mod.ts";
import { decodePicture } from "lib/datasets/pictures/decode_picture.ts";
import { createRng } from "lib/rng.ts";
import { createModel } from "lib/models/mod.ts";
import { convNeXtBlock, createConvNeXtBlock } from "lib/models/convnext/convnext.ts";
import { attention } from "lib/nn/attention.ts";
import { depthwiseConv2d, type DepthwiseConv2dParams } from "lib/nn/conv.ts";
import { fused } from "lib/nn/fused.ts";
import { parameters } from "lib/nn/parameters.ts";
import type { Precision } from "lib/nn/linear.ts";
import { corrupt, severities } from "lib/robustness/mod.ts";
import { emptyCropBatch, multiCrop } from "lib/ssl/views/batch.ts";
import { sampleViews } from "lib/ssl/views/sample.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import { createDino } from "lib/ssl/dino/dino.ts";
import type { DinoRecipe } from "lib/ssl/dino/recipe.ts";
import type { Method, Moment } from "lib/ssl/method/method.ts";
import { issueStep, type StepOptions, trainStep } from "lib/ssl/method/step.ts";
import { createMethod } from "lib/ssl/methods.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { readsAtOnce } from "lib/train/reading.ts";
import { StepGuard } from "lib/train/step_guard.ts";
import type {
  AttentionCase,
  AugmentCase,
  BenchCase,
  BlockCase,
  CorruptionCase,
  DepthwiseCase,
  InferenceCase,
  MapSize,
  MethodCase,
  StepCase,
} from "./cases.ts";

/** The call to time. It frees all its tensors but those that training itself keeps. */
export type Workload = () => void | Promise<void>;

/**
 * Makes a case's inputs, which live as long as the process.
 *
 * @param precision Precision of blocks, training steps and networks; the other cases are always
 *   computed in fp32.
 */
export function createSubject(subject: BenchCase, precision?: Precision): Workload {
  switch (subject.kind) {
    case "depthwise":
      return depthwise(subject);
    case "block":
      return block(subject, precision);
    case "attention":
      return attend(subject);
    case "step":
      return dinoStep(subject, { precision });
    case "method":
      return methodStep(subject, precision);
    case "inference":
      return inference(subject, precision);
    case "augment":
      return augment(subject);
    case "corruption":
      return corruption(subject);
  }
}

/** Standard normal numbers. (Arithmetic on zeros can be faster, and would flatter the result.) */
function random<R extends tf.Rank>(shape: number[], seed: number): tf.Tensor<R> {
  return tf.randomNormal(shape as tf.ShapeMap[R], 0, 1, "float32", seed) as tf.Tensor<R>;
}

function mapOf({ batch, side, channels }: MapSize, seed: number): tf.Tensor4D {
  return random([batch, side, side, channels], seed);
}

function depthwise(subject: DepthwiseCase): Workload {
  const { kernelSize, channels, pass } = subject;
  const [x, dy] = [mapOf(subject, 1), mapOf(subject, 2)];
  const weight = tf.variable(random<tf.Rank.R4>([kernelSize, kernelSize, channels, 1], 3));
  const convolve = (x: tf.Tensor, weight: tf.Tensor) =>
    depthwiseConv2d(x as tf.Tensor4D, { weight } as unknown as DepthwiseConv2dParams);
  const one = (kernel: string, plain: () => tf.Tensor): Workload => () =>
    tf.dispose(fused(kernel, [dy, x, weight], { stride: 1 }) ?? plain());
  switch (pass) {
    case "forward":
      return () => convolve(x, weight).dispose();
    case "dX":
      return one("DepthwiseGradInput", () => tf.grad((x) => convolve(x, weight))(x, dy));
    case "dW":
      return one("DepthwiseGradWeight", () => tf.grad((weight) => convolve(x, weight))(weight, dy));
  }
}

function block(subject: BlockCase, precision?: Precision): Workload {
  const { kernelSize, channels, batchNorm } = subject;
  const config = { batchNorm, dwconvBias: !batchNorm, layerScaleInit: 1 };
  const params = createConvNeXtBlock(channels, kernelSize, config, createRng(0));
  const [x, dy] = [mapOf(subject, 1), mapOf(subject, 2)];
  const inputs = [x, ...parameters(params).values()];
  const run = () => convNeXtBlock(x, params, { training: true, dropPathRate: 0, precision });
  return () => tf.dispose(tf.grads(run)(inputs, dy));
}

function attend({ batch, tokens, heads: numHeads, headDim, biases }: AttentionCase): Workload {
  const width = numHeads * headDim;
  const qkv = random<tf.Rank.R3>([batch, tokens, 3 * width], 1);
  const dy = random<tf.Rank.R3>([batch, tokens, width], 2);
  const bias = random<tf.Rank.R4>([biases, numHeads, tokens, tokens], 3);
  const run = (qkv: tf.Tensor, bias?: tf.Tensor) =>
    attention(qkv as tf.Tensor3D, { numHeads, bias: bias as tf.Tensor4D | undefined });
  const gradients = tf.grads(run as (...inputs: tf.Tensor[]) => tf.Tensor);
  return () => tf.dispose(gradients(biases > 0 ? [qkv, bias] : [qkv], dy));
}

/** DINO's settings, with a constant learning rate: the time of a step does not depend on it. */
const recipe: Omit<DinoRecipe, "model" | "head"> = {
  crops: dinoCrops,
  batchSize: 256,
  epochs: 1,
  lr: 1e-4,
  minLr: 1e-4,
  warmupShare: 0,
  weightDecay: 0.04,
  weightDecayEnd: 0.04,
  clipNorm: 3,
  freezeLastLayerShare: 0,
  studentTemp: 0.1,
  teacherTemp: 0.04,
  warmupTeacherTemp: 0.04,
  warmupTeacherTempShare: 0,
  teacherMomentum: 0.996,
  centerMomentum: 0.9,
};

/**
 * A whole step of DINO, on views that are made once.
 *
 * @param how.world The processes that take the step together. The case's batch is then this process's
 *   part. By default, this process alone.
 */
export function dinoStep(
  { model, head, batch, globalSize, localSize, localCrops }: StepCase,
  how: Pick<Moment, "precision" | "world" | "gradients"> = {},
): Workload {
  const crops = { globalSize, localSize, localCrops };
  const method = createDino({ ...recipe, model, head }, createRng(0).fork("init"));
  return steps(method, recipe, viewsOf(batch, crops), how);
}

/** A whole step of another method, in the middle of a run: nothing warms up or is frozen any more. */
function methodStep({ recipe, batch }: MethodCase, precision?: Precision): Workload {
  const method = createMethod(recipe, createRng(0).fork("init"), batch);
  return steps(method, recipe, viewsOf(batch, recipe.crops), { precision });
}

function viewsOf(
  batch: number,
  { globalSize, localSize, localCrops }: Pick<
    CropRecipe,
    "globalSize" | "localSize" | "localCrops"
  >,
): Views {
  const global = random<tf.Rank.R4>([2 * batch, globalSize, globalSize, 3], 1);
  if (localCrops === 0) return { global, local: null };
  return { global, local: random([localCrops * batch, localSize, localSize, 3], 2) };
}

/** One step after the other, on the same views. */
function steps(
  method: Method,
  recipe: StepOptions,
  views: Views,
  how: Pick<Moment, "precision" | "world" | "gradients">,
): Workload {
  const rng = createRng(0);
  const training = { method, optimizer: new Map() };
  const where = { step: 500, stepsPerEpoch: 10, totalSteps: 1000, ...how };
  const guard = new StepGuard();
  let taken = 0;
  return () => {
    const now = { ...where, rng: rng.fork("drop path").fork(taken++) };
    if (readsAtOnce()) trainStep(training, views, recipe, now);
    else issueStep(training, views, recipe, now, guard).values.dispose();
  };
}

function inference({ model, batch, size }: InferenceCase, precision?: Precision): Workload {
  const network = createModel(model, createRng(0));
  const x = random<tf.Rank.R4>([batch, size, size, 3], 1);
  return () =>
    tf.tidy(() => {
      network.forward(x, { training: false, precision });
    });
}

/**
 * Works like a thread of the cropper, except that it decodes no picture ahead: that would use a
 * second core.
 */
function augment({ pictures, recipe }: AugmentCase): Workload {
  const files = pictures.map((picture) => Uint8Array.fromBase64(picture));
  const values = normalizeTable(recipe.stats);
  const out = emptyCropBatch(files.length, recipe);
  const rng = createRng(0);
  let calls = 0;
  return async () => {
    const stream = rng.fork(calls++);
    for (const [position, file] of files.entries()) {
      const image = await decodePicture(file);
      const views = sampleViews(stream.fork(position), recipe, image);
      multiCrop(image, views, recipe, out, position, values);
    }
  };
}

/** Decodes the picture once, outside the call: the reference too starts from pixels. */
function corruption({ pictures, corruption }: CorruptionCase): Workload {
  const image = decodePicture(Uint8Array.fromBase64(pictures[0]!));
  const rng = createRng(0);
  let calls = 0;
  return async () => {
    const stream = rng.fork(calls++);
    for (const severity of severities) {
      await corrupt(await image, corruption, severity, stream.fork(severity));
    }
  };
}
