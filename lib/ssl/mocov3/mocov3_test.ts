import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { flipHorizontal, gaussianBlur, type Raster, raster } from "lib/augment/mod.ts";
import { countCosts } from "lib/nn/cost.ts";
import { namedVariables, parameters } from "lib/nn/parameters.ts";
import { optimizerNames } from "lib/train/optimizer_names.ts";
import type { Method } from "lib/ssl/method/method.ts";
import { backboneStream, firstWeights } from "lib/ssl/method/network.ts";
import { type Training, trainStep } from "lib/ssl/method/step.ts";
import { createModel } from "lib/models/mod.ts";
import { loadWeights, saveWeights } from "lib/weights/weights.ts";
import { mocoV3Crops } from "./crops.ts";
import { chanceLoss, contrastAccuracy, contrastiveLoss } from "./loss.ts";
import { createMocoV3 } from "./mocov3.ts";
import { createMocoV3Networks, mocoV3HeadCost } from "./networks.ts";
import { encoderMomentum, type MocoV3Recipe, mocoV3Values } from "./recipe.ts";
import { numberOf } from "lib/train/reading.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import {
  assertKeepsNoTensor,
  assertNamesBadWeights,
  assertResumes,
  colouredPairs,
  disposeTraining,
  fewWeights,
  momentAt,
  tinyRecipe,
  tinyViews,
  valuesOf,
} from "lib/testing/methods.ts";

const recipe: MocoV3Recipe = {
  method: "mocov3",
  ...tinyRecipe,
  head: { form: "resnet", hiddenDim: 12, outDim: 6 },
  crops: { ...mocoV3Crops, globalSize: 16 },
  batchSize: 6,
  temperature: 0.2,
  encoderMomentum: 0.9,
};
const vit: Partial<MocoV3Recipe> = {
  model: {
    arch: "vit",
    embedDim: 12,
    depth: 2,
    numHeads: 3,
    patchSize: 4,
    imageSize: 16,
    norm: "layer",
    dropPathRate: 0,
    variant: "mocov3",
  },
  head: { form: "vit", hiddenDim: 12, outDim: 6 },
};

function newTraining(changes: Partial<MocoV3Recipe> = {}): Training {
  const method = createMocoV3({ ...recipe, ...changes }, firstWeights(createRng(0)));
  return { method, optimizer: new Map() };
}

// ---------------------------------------------------------------- loss

const cosine = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0) / (Math.hypot(...a) * Math.hypot(...b));

/** Eq. 1 of the paper for each query, written out; the mean, times 2T. */
function writtenOut(queries: number[][], keys: number[][], temperature: number): number {
  const losses = queries.map((query, i) => {
    const weights = keys.map((key) => Math.exp(cosine(query, key) / temperature));
    return -Math.log(weights[i]! / weights.reduce((sum, weight) => sum + weight));
  });
  return 2 * temperature * losses.reduce((sum, loss) => sum + loss) / losses.length;
}

for (const [batch, temperature] of [[2, 0.1], [5, 0.2], [9, 1]] as const) {
  Deno.test(`contrastiveLoss() equals the written-out loss of ${batch} queries at temperature ${temperature}`, () => {
    const [q, k] = [1, 2].map((seed) =>
      tf.randomNormal<tf.Rank.R2>([batch, 7], 0.3, 2, "float32", seed)
    ) as [tf.Tensor2D, tf.Tensor2D];
    const expected = writtenOut(q.arraySync(), k.arraySync(), temperature);
    assertClose(contrastiveLoss(q, k, temperature), expected, 1e-5);
  });
}

Deno.test("contrastiveLoss() has the gradient of the written-out loss", () => {
  const [q, k] = [1, 2].map((seed) =>
    tf.randomNormal<tf.Rank.R2>([4, 3], 0.3, 2, "float32", seed)
  ) as [tf.Tensor2D, tf.Tensor2D];
  const gradient = tf.grad((x) => contrastiveLoss(x as tf.Tensor2D, k, 0.4))(q).dataSync();
  const [rows, keys] = [q.arraySync(), k.arraySync()];
  const h = 1e-4;
  const slopes = rows.flatMap((row, i) =>
    row.map((_, j) => {
      const moved = (by: number) => rows.with(i, row.with(j, row[j]! + by));
      return (writtenOut(moved(h), keys, 0.4) - writtenOut(moved(-h), keys, 0.4)) / (2 * h);
    })
  );
  slopes.forEach((slope, i) => assertTrue(Math.abs(slope - gradient[i]!) < 1e-4, `element ${i}`));
});

Deno.test("chanceLoss() is the loss of both views where all keys are the same", () => {
  const same = tf.ones<tf.Rank.R2>([6, 3]);
  const loss = contrastiveLoss(same.mul(4), same, 0.3);
  assertClose(loss.mul(2), chanceLoss(6, 0.3), 1e-5);
});

Deno.test("contrastAccuracy() counts the queries that find their own key among those of its view", () => {
  const keys = [[1, 0], [0, 1], [-1, 0], [0, -1]]; // two images in one view, and in the other
  const queries = [[5, 1], [2, 1], [-1, 0.5], [0, -3]]; // the second finds the first image's key
  assertEquals(numberOf(contrastAccuracy(tf.tensor2d(queries), tf.tensor2d(keys))), 0.75);
});

// ---------------------------------------------------------------- networks and schedules

Deno.test("both encoders of MoCo v3 start from the same weights, the backbone from the run's own", () => {
  const { method } = newTraining();
  const expected = namedVariables(createModel(recipe.model, backboneStream(0)).params);
  for (const [name, weight] of namedVariables(method.evaluated.params)) {
    assertEquals(weight.dataSync(), expected.get(name)!.dataSync(), name);
    assertTrue(method.state.get(`base_encoder.${name}`) === weight, `${name} is in the state`);
  }
  const pairs = [...method.state].filter(([name]) => name.startsWith("momentum_encoder."));
  for (const [name, average] of pairs) {
    const base = method.state.get(name.replace("momentum_", "base_"))!;
    assertEquals(average.dataSync(), base.dataSync(), name);
  }
  assertEquals(pairs.length, expected.size + 8); // the projector's weights and statistics
});

for (
  const [form, projector, predictor] of [
    [
      "resnet",
      ["0.weight 16,12", "1.weight 12", "1.bias 12", "3.weight 12,6"],
      ["0.weight 6,12", "1.weight 12", "1.bias 12", "3.weight 12,6"],
    ],
    [
      "vit",
      [
        ...["0.weight 16,12", "1.weight 12", "1.bias 12"],
        ...["3.weight 12,12", "4.weight 12", "4.bias 12", "6.weight 12,6"],
      ],
      ["0.weight 6,12", "1.weight 12", "1.bias 12", "3.weight 12,6"],
    ],
  ] as const
) {
  Deno.test(`heads in the form for ${form} have no bias in linear layers and no weights in the last BatchNorm`, () => {
    const head = { form, hiddenDim: 12, outDim: 6 };
    const { base, predictor: heads } = createMocoV3Networks(recipe.model, head, createRng(0));
    const shapes = (tree: object) =>
      [...parameters(tree)].map(([name, { shape }]) => `${name} ${shape}`);
    assertEquals(shapes(base.projector), projector);
    assertEquals(shapes(heads), predictor);
    const ends = [base.projector, heads].map((layers) => Object.keys(layers.at(-1)!));
    const norm = ["running_mean", "running_var"];
    assertEquals(ends, [norm, form === "vit" ? norm : ["weight"]]);
    const { weight } = heads[0] as { weight: tf.Variable };
    const largest = weight.abs().max().dataSync()[0]!;
    assertTrue(largest <= 1 / Math.sqrt(6) && largest > 0.9 / Math.sqrt(6), `up to ${largest}`);
  });
}

Deno.test("schedules are the official code's: the peak comes after the warm-up, the momentum rises to 1", () => {
  const changed = { ...recipe, batchSize: 512, lr: 0.2, warmupShare: 0.1 };
  const lr = (step: number) => mocoV3Values(changed, { step, totalSteps: 100 }).lr;
  assertClose([0, 1, 9, 10].map(lr), [0, 0.04, 0.36, 0.4]);
  assertClose(lr(55), 0.2); // half-way after the warm-up
  const momentum = (step: number) => encoderMomentum(recipe, { step, totalSteps: 100 });
  assertClose([0, 50].map(momentum), [0.9, 0.95]);
  assertClose(momentum(99), 1 - 0.1 * 0.5 * (1 + Math.cos(Math.PI * 0.99)));
});

Deno.test("mocoV3HeadCost() counts what the heads report as they run", () => {
  for (const changes of [{}, { head: { ...recipe.head, form: "vit" as const } }]) {
    const { method } = newTraining(changes);
    const global = tf.zeros<tf.Rank.R4>([4, 16, 16, 3]);
    const costOf = (run: () => void) =>
      countCosts(run).reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
    const backbone = costOf(() => void method.evaluated.forward(global, { training: false }));
    let pass: ReturnType<Method["pass"]> | undefined;
    const constant = costOf(() => pass = method.pass({ global, local: null }, momentAt(0))) -
      backbone;
    const onTape = costOf(() => void pass!.loss()) - backbone;
    const expected = { onTape: onTape / 4, constant: constant / 4 };
    assertEquals(mocoV3HeadCost(16, { ...recipe.head, ...changes.head }), expected);
  }
});

/** A picture of random colours. */
function noise(side: number): Raster {
  const rng = createRng(0);
  const data = Uint8Array.from({ length: side * side * 3 }, () => rng.int(256));
  return raster(side, side, 3, data);
}

Deno.test("a mirrored picture blurs to the mirror image, so it does not matter when it is flipped", () => {
  for (const radius of [0.1, 0.8, 2]) {
    const [first, last] = [noise(32), noise(32)];
    flipHorizontal(first);
    gaussianBlur(first, radius);
    gaussianBlur(last, radius);
    flipHorizontal(last);
    const gap = Math.max(...first.data.map((value, i) => Math.abs(value - last.data[i]!)));
    assertTrue(gap <= 1, `radius ${radius}: they differ by ${gap} of 255`);
  }
});

// ---------------------------------------------------------------- step

for (const [what, changes] of [["BC-SSL", {}], ["ViT", vit]] as const) {
  for (const optimizer of optimizerNames) {
    Deno.test(`a step of MoCo v3 on ${what} under ${optimizer} moves the average first, then the weights`, () => {
      const training = newTraining({ ...changes, batchSize: 256, lr: 0.01 });
      const { method } = training;
      trainStep(training, tinyViews(), { ...recipe, optimizer }, momentAt(0)); // the encoders now differ
      const before = valuesOf(method.state);
      const metrics = trainStep(training, tinyViews(), { ...recipe, optimizer }, momentAt(3));
      const names = ["loss", "gradNorm", "featureStd", "projectionStd", "contrastAccuracy"];
      assertEquals(Object.keys(metrics), names);
      assertTrue(Object.values(metrics).every(Number.isFinite), "finite metrics");
      const m = encoderMomentum(recipe, momentAt(3));
      for (const [name, weight] of method.weights) {
        const moved = weight.dataSync().some((x, i) => x !== before.get(name)![i]);
        assertTrue(moved, `${name} has not moved`);
        const average = method.state.get(name.replace("base_", "momentum_"));
        if (!name.startsWith("base_")) continue; // the predictor
        const old = before.get(name.replace("base_", "momentum_"))!;
        // Of the weight before this step.
        assertClose(average!, old.map((x, i) => m * x + (1 - m) * before.get(name)![i]!), 1e-5);
      }
      disposeTraining(training);
    });
  }
}

Deno.test("MoCo v3 moves neither positions nor patch projection of a ViT", () => {
  const training = newTraining(vit);
  const before = valuesOf(training.method.state);
  for (const step of [0, 1]) trainStep(training, tinyViews(), recipe, momentAt(step));
  const still = [...valuesOf(training.method.state)]
    .filter(([name, values]) => values.every((x, i) => x === before.get(name)![i]))
    .map(([name]) => name);
  const fixed = ["pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias"];
  const ofBase = still.filter((name) => name.startsWith("base_"));
  assertEquals(ofBase, fixed.map((name) => `base_encoder.${name}`));
  assertTrue(still.includes("momentum_encoder.patch_embed.proj.weight"), "nor its average");
  disposeTraining(training);
});

Deno.test("each view has batch statistics of its own, and each encoder running ones", () => {
  const statistic = "fc.1.running_mean";
  const meanAfter = (order: readonly tf.Tensor[], encoder: "base" | "momentum") => {
    const model = { ...recipe.model, dropPathRate: 0 } as MocoV3Recipe["model"];
    const { method } = newTraining({ model });
    const pass = method.pass(
      { global: tf.concat([...order]) as tf.Tensor4D, local: null },
      momentAt(0),
    );
    const ofBase = method.state.get(`base_encoder.${statistic}`)!.dataSync();
    assertTrue(ofBase.every((x) => x === 0), "keys do not move the base encoder's");
    if (encoder === "base") pass.loss();
    return method.state.get(`${encoder}_encoder.${statistic}`)!.dataSync<"float32">();
  };
  const [first, second] = tf.split(tinyViews().global, 2) as [tf.Tensor, tf.Tensor];
  for (const encoder of ["base", "momentum"] as const) {
    const [one, other] = [first, second.add(3)].map((view) =>
      Array.from(meanAfter([view, view], encoder), (value) => value / 0.19) // 1 − 0.9²
    );
    const expected = one!.map((value, i) => 0.9 * 0.1 * value + 0.1 * other![i]!);
    assertClose(meanAfter([first, second.add(3)], encoder), expected, 1e-4);
  }
});

Deno.test("a step of MoCo v3 keeps no tensor, and disposing frees everything", () => {
  for (const changes of [{}, vit]) assertKeepsNoTensor(() => newTraining(changes), [1]);
});

Deno.test("a loss of MoCo v3 that is not finite names the first bad tensor, and changes no weight", () => {
  const moving = /running_|^momentum_/;
  assertNamesBadWeights(newTraining(), "momentum_encoder.fc.3.weight", moving);
});
Deno.test("MoCo v3 learns: forty steps on the same views tell each image from the others", () => {
  const training = newTraining({
    ...fewWeights,
    head: { form: "resnet", hiddenDim: 8, outDim: 4 },
    lr: 0.02,
  });
  const same = colouredPairs(0);
  const losses = Array.from(
    { length: 40 },
    () => trainStep(training, same, { clipNorm: 0 }, momentAt(0)).loss,
  );
  const [first, last] = [losses[0]!, losses.at(-1)!];
  assertTrue(last < 0.6 * first, `the loss went from ${first} to ${last}`);
  disposeTraining(training);
});

// ---------------------------------------------------------------- checkpoint

for (const optimizer of ["adamw_all", "lars_mocov3"] as const) {
  Deno.test(`a run of MoCo v3 saved and loaded under ${optimizer} goes on with the same bits`, () =>
    assertResumes(newTraining, optimizer));
}

Deno.test("a file with the official names loads whole, and a backbone from it is the trained one", async () => {
  const path = Deno.makeTempFileSync({ suffix: ".safetensors" });
  try {
    const [theirs, ours] = [newTraining(vit).method, newTraining(vit).method];
    const trees = [theirs, ours].map(({ state }) => Object.fromEntries(state));
    for (const [i, weight] of [...theirs.state.values()].entries()) {
      weight.assign(tf.randomNormal(weight.shape, 0, 1, "float32", i + 1));
    }
    const named = Object.entries(trees[0]!).map(([name, weight]) => [`module.${name}`, weight]);
    await saveWeights({ params: Object.fromEntries(named) }, path);
    const { missing, unexpected } = await loadWeights({ params: trees[1]! }, path);
    assertEquals([missing, unexpected], [[], []]);
    assertEquals(valuesOf(ours.state), valuesOf(theirs.state));
    using transformer = createModel(vit.model!, createRng(0));
    const { prefix } = await loadWeights(transformer, path, { strict: false });
    assertEquals(prefix, "module.base_encoder.");
    const loaded = namedVariables(transformer.params).get("cls_token")!;
    assertEquals(loaded.dataSync(), theirs.state.get("base_encoder.cls_token")!.dataSync());
  } finally {
    Deno.removeSync(path);
  }
});

// ---------------------------------------------------------------- wrong options

Deno.test("createMocoV3() refuses what it cannot follow, and names the value", () => {
  const { head } = recipe;
  for (
    const [changes, text] of [
      [{ head: { ...head, form: "bert" as "vit" } }, 'recipe.head.form "bert": need "resnet" or'],
      [{ head: { ...head, hiddenDim: 0 } }, "recipe.head.hiddenDim 0: need a whole number"],
      [{ head: { ...head, outDim: 2.5 } }, "recipe.head.outDim 2.5"],
      [{ temperature: 0 }, "recipe.temperature 0: need a number above 0"],
      [{ encoderMomentum: 1.5 }, "recipe.encoderMomentum 1.5: need a number from 0 to 1"],
      [{ encoderMomentum: NaN }, "recipe.encoderMomentum"],
      [{ crops: { ...recipe.crops, localCrops: 2 } }, "recipe.crops.localCrops 2: need 0"],
      [{ accumulate: 2 }, "recipe.accumulate 2: need 1: the loss compares each query with the"],
      [{ batchSize: 1 }, "recipe.batchSize 1: need 2 images"],
    ] as const
  ) {
    const create = () => createMocoV3({ ...recipe, ...changes }, createRng(0));
    assertThrows(create, RangeError, text);
  }
});
