/**
 * Steps that hand their work to the device and read nothing, as on a GPU, compared with steps that
 * read their numbers at once.
 */
import { createRng } from "lib/rng.ts";
import type * as tf from "lib/tf.ts";
import {
  byolStart,
  deepClusterStart,
  esvitStart,
  iGptMaskedStart,
  iGptStart,
  mobyStart,
  mocoV3Start,
  simclrStart,
  swavStart,
} from "lib/experiments/configs/method_runs.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { firstWeights } from "lib/ssl/method/network.ts";
import type { Training } from "lib/ssl/method/step.ts";
import { trainByMethod, type TrainedStep, type ViewSource } from "lib/ssl/method/train.ts";
import { createMethod, type Recipe } from "lib/ssl/methods.ts";
import { withDeferredReads } from "lib/train/reading.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { formula } from "lib/testing/formula.ts";
import { disposeTraining, tinyRecipe, valuesOf } from "lib/testing/methods.ts";
import { countReads, type ReadCounter } from "lib/testing/leaks.ts";

const [batchSize, stepsPerEpoch, epochs] = [6, 3, 2];

/** The recipe of a config with a network and images of a test. */
function tiny({ recipe }: { readonly recipe: object }, changes: object = {}): Recipe {
  const { crops, method, model, lr, optimizer, ...others } = recipe as Recipe;
  const localSize = crops.localCrops > 0 ? { localSize: 8, localCrops: 2 } : {};
  return {
    ...others,
    ...(method && { method }),
    optimizer,
    model: method === "igpt"
      ? { ...model, imageSize: 16, depth: 2, embedDim: 16, numHeads: 2, featureBlock: 1 }
      : tinyRecipe.model,
    crops: { ...crops, globalSize: 16, ...localSize },
    lr,
    batchSize,
    epochs,
    ...changes,
  } as unknown as Recipe;
}

const head = { hiddenDim: 24, outDim: 12 };
const recipes: Readonly<Record<string, Recipe>> = {
  DINO: tiny(bcSslStart, {
    head: { ...bcSslStart.recipe.head, hiddenDim: 24, bottleneckDim: 12, outDim: 20 },
    clipNorm: 0.3,
  }),
  "DINO in micro-batches, by LARS": tiny(bcSslStart, {
    head: { ...bcSslStart.recipe.head, hiddenDim: 24, bottleneckDim: 12, outDim: 20 },
    accumulate: 2,
    optimizer: "lars",
  }),
  BYOL: tiny(byolStart, { head, optimizer: "lars_byol" }),
  SimCLR: tiny(simclrStart, { head: { ...simclrStart.recipe.head, ...head } }),
  // A queue of two batches, which is full from the fourth step on.
  SwAV: tiny(swavStart, {
    head: { ...head, prototypes: 10 },
    queueLength: 2 * batchSize,
    queueStartShare: 0,
    freezePrototypesShare: 0.3,
    optimizer: "sgd",
  }),
  "DeepCluster-v2": tiny(deepClusterStart, { head: { ...head, prototypes: [5, 7] } }),
  EsViT: tiny(esvitStart, {
    head: { ...esvitStart.recipe.head, hiddenDim: 24, bottleneckDim: 12, outDim: 20 },
  }),
  "MoCo v3": tiny(mocoV3Start, { head: { ...mocoV3Start.recipe.head, ...head } }),
  MoBY: tiny(mobyStart, { head, queueLength: 3 * batchSize, clipNorm: 0.5 }),
  iGPT: tiny(iGptStart),
  "masked iGPT": tiny(iGptMaskedStart),
};

/** Views by formula; those of one step may have a NaN. */
function viewsOf({ crops }: Recipe, { bad, begun = () => {} }: {
  readonly bad?: number;
  readonly begun?: (step: number) => void;
}): ViewSource {
  return {
    count: batchSize * stepsPerEpoch,
    prefetch() {},
    next(_, step) {
      const { globalSize: G, localSize: L, localCrops } = crops;
      const global = Float32Array.from(formula(`global ${step}`, 2 * batchSize * G * G * 3));
      const local = Float32Array.from(
        formula(`local ${step}`, localCrops * batchSize * L * L * 3),
      );
      if (step === bad) global[7] = NaN;
      begun(step);
      return Promise.resolve({ images: batchSize, global, local });
    },
  };
}

interface Trained {
  readonly training: Training;
  readonly steps: readonly TrainedStep[];
  readonly error?: Error;
}

async function train(
  recipe: Recipe,
  { until = Infinity, ...of }: Parameters<typeof viewsOf>[1] & { readonly until?: number },
): Promise<Trained> {
  const source = viewsOf(recipe, of);
  const method = createMethod(recipe, firstWeights(createRng(0)), source.count);
  const training: Training = { method, optimizer: new Map() };
  const steps: TrainedStep[] = [];
  try {
    for await (
      const step of trainByMethod(training, source, recipe, {
        rng: createRng(1),
        done: 0,
        readsAt: (step) => step === until,
      })
    ) {
      steps.push(step);
      if (step.step === until) break;
    }
  } catch (error) {
    return { training, steps, error: error as Error };
  }
  return { training, steps };
}

/** Values of all that a step changes but the optimiser's counts. */
function stateOf({ method, optimizer }: Training): Map<string, Float32Array> {
  const tensors = new Map<string, tf.Tensor>(method.state);
  for (const [name, slot] of optimizer) {
    for (const [role, tensor] of Object.entries(slot.tensors)) {
      tensors.set(`optimizer.${name}.${role}`, tensor);
    }
  }
  return valuesOf(tensors);
}

for (const [name, recipe] of Object.entries(recipes)) {
  Deno.test(`${name}: steps that read nothing have the numbers of steps that read at once`, async () => {
    const expected = await train(recipe, {});
    using counter: ReadCounter = countReads();
    // What a method does before the first step, and before an epoch, may read.
    let last = 0;
    let reads = 0;
    const actual = await withDeferredReads(() =>
      train(recipe, {
        begun(step) {
          if (step >= epochs * stepsPerEpoch) return; // other views, before an epoch
          if (step > last && step % stepsPerEpoch > 0) reads += counter.reads;
          last = step;
          counter.reads = 0;
        },
      })
    );
    assertEquals(reads, 0);
    assertEquals(counter.reads, 1); // at the end, of all steps together
    assertEquals(actual.error, undefined);
    assertEquals(actual.steps.map(({ step }) => step), expected.steps.map(({ step }) => step));
    actual.steps.forEach((step, i) => {
      assertEquals(Object.keys(step), Object.keys(expected.steps[i]!));
      for (const [key, value] of Object.entries(expected.steps[i]!)) {
        const gap = Math.abs(step[key]! - value);
        assertTrue(
          gap <= 1e-4 * Math.max(1, Math.abs(value)),
          `${key} ${i}: ${step[key]}, ${value}`,
        );
      }
    });
    const state = valuesOf(actual.training.method.state);
    for (const [name, values] of valuesOf(expected.training.method.state)) {
      // A BatchNorm follows: AdamW divides a gradient of rounding errors by its own size.
      if (/\b(norm|mlp\.\d|projection_head\.0)\.bias$/.test(name)) continue;
      const gap = Math.max(...values.map((value, i) => Math.abs(state.get(name)![i]! - value)));
      assertTrue(gap < 1e-4, `${name} differs by ${gap}`);
    }
    [expected, actual].forEach(({ training }) => disposeTraining(training));
  });

  if (recipe.method === "igpt") continue; // a NaN has a nearest colour too
  Deno.test(`${name}: from a step that is not finite on, nothing changes, and the error is the same`, async () => {
    const bad = stepsPerEpoch + 1;
    const before = await withDeferredReads(() => train(recipe, { until: bad }));
    const actual = await withDeferredReads(() => train(recipe, { bad }));
    const expected = await train(recipe, { bad });
    assertEquals(actual.error?.message, expected.error?.message);
    assertTrue(actual.error!.message.includes("is the global views"), actual.error!.message);
    assertEquals(actual.steps.length, bad);
    const kept = stateOf(before.training);
    for (const [name, values] of stateOf(actual.training)) {
      assertEquals(values, kept.get(name) ?? new Float32Array(values.length), name);
    }
    [before, actual, expected].forEach(({ training }) => disposeTraining(training));
  });
}
