import { dinoCrops } from "lib/ssl/dino/crops.ts";
import type { DinoRecipe } from "lib/ssl/dino/recipe.ts";
import { distillationValues } from "lib/ssl/distillation/recipe.ts";
import { cosineValues, pretrainLength } from "lib/ssl/method/recipe.ts";
import type { RunLength } from "lib/train/loop.ts";
import { recipeAt, runId, scaleNames } from "./config.ts";
import { type PaperRun, paperRuns } from "./paper_runs.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

const imageNet = 1_281_167;

/** The values of all schedules before a step. */
function stepValues(recipe: DinoRecipe, step: number, length: RunLength) {
  const now = { ...length, step };
  return { ...cosineValues(recipe, now), ...distillationValues(recipe, now) };
}

function named(name: string): PaperRun {
  return paperRuns.find(({ config }) => config.name === name)!;
}

Deno.test("paperRuns have names and ids of their own, and recipes that each scale can run", () => {
  const keys = paperRuns.map(({ config }) => ({ config, scale: "paper", seed: 0 } as const));
  assertEquals(new Set(keys.map(({ config }) => config.name)).size, 23);
  assertEquals(new Set(keys.map((key) => runId(key).split("-")[1])).size, 23);
  for (const { config } of paperRuns) {
    for (const scale of scaleNames) {
      pretrainLength(recipeAt(config, scale), config.scales[scale].trainCount);
    }
    const smallest = recipeAt(config, "smoke").crops.localSize;
    assertTrue(smallest >= 32, `${config.name}: the last map of ${smallest} pixels is empty`);
  }
});

Deno.test("paperRuns at paper scale take 2,502 steps an epoch of 224 and 96 pixels, and are monitored every 20 epochs", () => {
  for (const { config } of paperRuns) {
    const recipe = recipeAt(config, "paper");
    const epochs = config.name.endsWith("_300ep") ? 300 : 100;
    const length = pretrainLength(recipe, imageNet);
    assertEquals(length, { stepsPerEpoch: 2502, totalSteps: 2502 * epochs });
    const { globalSize, localSize, localCrops } = recipe.crops;
    assertEquals([recipe.batchSize, globalSize, localSize, localCrops], [512, 224, 96, 8]);
    assertEquals(config.scales.paper.monitorEvery, 20 * 2502);
    assertEquals(config.scales.paper.testCount, 50_000);
  }
});

Deno.test("a run of 100 epochs has DINO's default values on its way", () => {
  const recipe = recipeAt(named("bcssl_t_k9_100ep").config, "paper");
  const length = pretrainLength(recipe, imageNet);
  const at = (epoch: number) => stepValues(recipe, 2502 * epoch, length);
  // The rate rises linearly to 0.0005 · 512 / 256 in ten epochs.
  assertClose([at(5).lr, at(10).lr], [5e-4, 1e-3], 1e-3);
  const last = stepValues(recipe, length.totalSteps - 1, length);
  assertClose([last.lr, last.weightDecay, last.teacherMomentum], [1e-6, 0.4, 1], 1e-4);
  assertClose([at(0).weightDecay, at(0).teacherMomentum], [0.04, 0.996]);
  assertEquals([at(0), at(40)].map(({ teacherTemp }) => teacherTemp), [0.04, 0.04]);
  assertEquals([0, 0.999, 1].map((epoch) => at(epoch).freezeLastLayer), [true, true, false]);
  const { clipNorm, studentTemp, centerMomentum, teacherDropPath, optimizer } = recipe;
  assertEquals([clipNorm, studentTemp, centerMomentum], [3, 0.1, 0.9]);
  assertEquals([teacherDropPath, optimizer], [true, "adamw"]);
  assertEquals(recipe.head, {
    hiddenDim: 2048,
    bottleneckDim: 256,
    outDim: 65536,
    batchNorm: false,
    normLastLayer: true,
  });
  assertEquals(recipe.crops, dinoCrops);
});

Deno.test("a run of 300 epochs warms the teacher's temperature for thirty, and learns the prototypes' lengths", () => {
  const recipe = recipeAt(named("bcssl_s_k9_300ep").config, "paper");
  const length = pretrainLength(recipe, imageNet);
  const temp = (epoch: number) => stepValues(recipe, 2502 * epoch, length).teacherTemp;
  assertClose([temp(0), temp(29), temp(30), temp(299)], [0.04, 0.07, 0.07, 0.07]);
  assertTrue(temp(15) > 0.054 && temp(15) < 0.057, `${temp(15)} half-way`);
  assertEquals(recipe.head.normLastLayer, false);
  assertClose(stepValues(recipe, 25_020, length).lr, 1e-3, 1e-6);
  assertEquals(stepValues(recipe, 2501, length).freezeLastLayer, true);
  assertEquals(stepValues(recipe, 2502, length).freezeLastLayer, false);
});

Deno.test("ResNet-50 has SGD and crops of its own; teachers drop paths in the authors' networks alone", () => {
  const { recipe } = named("resnet50_100ep").config;
  assertEquals([recipe.optimizer, recipe.lr, recipe.weightDecayEnd], ["sgd", 0.03, 1e-4]);
  assertEquals([recipe.crops.globalScale, recipe.crops.localScale], [[0.14, 1], [0.05, 0.14]]);
  for (const { config: { name, recipe } } of paperRuns) {
    assertEquals(recipe.teacherDropPath, /^(convnext|bcssl)/.test(name), name);
  }
});

Deno.test("paperRuns quote the paper where it has them", () => {
  const quotes = (name: string, linear: number, knn: number) =>
    assertClose([named(name).linear!, named(name).knn!], [linear, knn], 1e-9);
  quotes("convnext_t_k7_100ep", 0.741, 0.68654);
  quotes("convnext_t_k15_100ep", 0.7428, 0.69398);
  quotes("bcssl_t_k9_100ep", 0.7501, 0.70324);
  quotes("resnet50_100ep", 0.6714, 0.5888);
  quotes("bcssl_s_k9_300ep", 0.79, 0.766);
  quotes("swin_s_300ep", 0.792, 0.768);
  assertEquals(named("bcssl_t_k13_100ep").linear, null);
  assertTrue(named("vit_s_300ep").source.includes("Table 3"), "source");
});
