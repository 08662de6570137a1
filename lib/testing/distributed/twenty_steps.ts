/**
 * Twenty steps of some methods, by one process or several: prints the metrics of every step and a
 * checksum of all weights, as a line of JSON for each method. The arguments are the methods;
 * `dino/2` is DINO in two micro-batches, `dino:8` ends after eight of the twenty steps, and
 * `dino_bf16` sends gradients in bf16.
 */
import { createHash } from "node:crypto";
import process from "node:process";
import { createRng } from "lib/rng.ts";
import { peersIn } from "lib/distributed/peers.ts";
import { joinWorld } from "lib/distributed/tensorflow_world.ts";
import { alone } from "lib/distributed/world.ts";
import { firstWeights } from "lib/ssl/method/network.ts";
import { placesOf, trainByMethod, type TrainedStep } from "lib/ssl/method/train.ts";
import { createMethod, type Recipe } from "lib/ssl/methods.ts";
import { createCropper } from "lib/ssl/views/cropper.ts";
import { imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import { override, recipeAt } from "lib/experiments/configs/config.ts";
import {
  byolStart,
  esvitStart,
  mobyStart,
  mocoV3Start,
  simclrStart,
  swavStart,
} from "lib/experiments/configs/method_runs.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";

const model = {
  depths: [1, 1, 2],
  dims: [8, 12, 16],
  kernelSize: 3,
  dropPathRate: 0.3,
} as const;
const sizes = { smoke: { imageSize: 16, batchSize: 12, epochs: 5 } };
const head = { hiddenDim: 24, bottleneckDim: 8, outDim: 32 };

/** Small networks with BatchNorm in backbone and head, and with stochastic depth. */
const recipes: Readonly<Record<string, () => Recipe>> = {
  dino: () =>
    recipeAt(
      override(bcSslStart, { recipe: { model, head, teacherDropPath: true }, scales: sizes }),
      "smoke",
    ),
  dino_bf16: () => ({ ...recipes.dino!(), gradients: "bf16" }),
  byol: () =>
    recipeAt(
      override(byolStart, {
        recipe: { model, head: { hiddenDim: 24, outDim: 8 } },
        scales: sizes,
      }),
      "smoke",
    ),
  simclr: () =>
    recipeAt(
      override(simclrStart, { recipe: { model, head: { outDim: 8 } }, scales: sizes }),
      "smoke",
    ),
  mocov3: () =>
    recipeAt(
      override(mocoV3Start, {
        recipe: { model, head: { hiddenDim: 24, outDim: 8 } },
        scales: sizes,
      }),
      "smoke",
    ),
  // The queue is full, and used, after ten steps.
  swav: () =>
    recipeAt(
      override(swavStart, {
        recipe: {
          model,
          head: { hiddenDim: 24, outDim: 8, prototypes: 20 },
          queueLength: 24,
          queueStartShare: 0.25,
        },
        scales: sizes,
      }),
      "smoke",
    ),
  // At its own rate, differences in the last digits grow tenfold every few steps.
  moby: () =>
    recipeAt(
      override(mobyStart, {
        recipe: { model, head: { hiddenDim: 24, outDim: 8 }, lr: 0.001, queueLength: 48 },
        scales: sizes,
      }),
      "smoke",
    ),
  esvit: () => recipeAt(override(esvitStart, { recipe: { model, head }, scales: sizes }), "smoke"),
  // Nothing fused: BatchNorm is a layer by itself, here of a ResNet.
  resnet: () => ({
    ...recipes.dino!(),
    model: {
      arch: "resnet",
      block: "basic",
      depths: [1, 1],
      dims: [8, 12],
      selectiveKernels: false,
    },
  } as Recipe),
};

/** Patches of noise, dark ones and bright ones: no two images are alike. */
function noise(count: number, side: number): ImageSet {
  const rng = createRng(5);
  const pixels = Uint8Array.from(
    { length: count * side * side * 3 },
    (_, i) => rng.int(256) * (1 + (i >> 8) % 7) / 7,
  );
  return {
    name: "noise",
    height: side,
    width: side,
    pixels,
    labels: new Int32Array(count).fill(-1),
    classNames: [],
    ids: Array.from({ length: count }, (_, i) => `noise/${i}`),
  };
}

const peers = peersIn(process.env)!;
const world = peers.addresses.length === 1
  ? undefined
  : await joinWorld(peers, { startSeconds: 120 });
for (const name of Deno.args) console.log(JSON.stringify(await train(name)));
await world?.leave();
Deno.exit(0);

async function train(name: string) {
  const [, method, accumulate = "1", until = "20"] = /^(\w+)(?:\/(\d+))?(?::(\d+))?$/.exec(name)!;
  const recipe = { ...recipes[method!]!(), accumulate: Number(accumulate) };
  const rng = createRng(3);
  const data = noise(48, 24);
  const training = {
    method: createMethod(recipe, firstWeights(rng), imageCount(data)),
    optimizer: new Map(),
  };
  const places = placesOf(recipe, world ?? alone);
  using source = createCropper(data, recipe.crops, { rng: rng.fork("crops"), places });
  const steps: TrainedStep[] = [];
  const options = { rng, done: 0, world };
  for await (const step of trainByMethod(training, source, recipe, options)) {
    steps.push(step);
    if (step.step === Number(until)) break;
  }
  const hash = createHash("sha256");
  for (const [name, x] of training.method.state) {
    hash.update(name).update(new Uint8Array(x.dataSync().buffer));
  }
  return { steps, state: hash.digest("hex") };
}
