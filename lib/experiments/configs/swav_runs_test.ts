import { pretrainLength } from "lib/ssl/method/recipe.ts";
import {
  checkSwav,
  freezesPrototypes,
  isQueueing,
  queueRows,
  swavValues,
} from "lib/ssl/swav/recipe.ts";
import { recipeAt, scaleNames } from "./config.ts";
import { trainingCost } from "lib/experiments/measure/training_cost.ts";
import { bcSslStart } from "./notebook_runs.ts";
import { swavStart } from "./method_runs.ts";
import { swavRuns } from "./swav_runs.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

/** What the scripts say of a run. */
interface Facts {
  readonly linear: number;
  readonly batch: number;
  /** Learning rates at the first step, at the peak and, nearly, at the end. */
  readonly rates: readonly [number, number, number];
  /** Epochs of warm-up. */
  readonly warmup: number;
  /** Steps in which the prototypes are frozen. */
  readonly frozen: number;
  readonly hidden: number;
  readonly locals: number;
  /** Rows of the queue, and the epoch in which it begins. */
  readonly queue?: readonly [rows: number, epoch: number];
}

const large = { batch: 4096, rates: [0.3, 4.8, 0.0048], warmup: 10, frozen: 313 } as const;
const rn50 = { ...large, hidden: 2048, locals: 6 } as const;
const small = {
  ...rn50,
  batch: 256,
  rates: [0.6, 0.6, 0.0006],
  warmup: 0,
  frozen: 5005,
  queue: [3840, 15],
} as const;

const scripts: Readonly<Record<string, Facts>> = {
  swav_rn50_100ep: { ...rn50, linear: 0.721 },
  swav_rn50_200ep: { ...rn50, linear: 0.739 },
  swav_rn50_400ep: { ...rn50, linear: 0.746 },
  swav_rn50_800ep: { ...rn50, linear: 0.753 },
  swav_rn50_b256_200ep: { ...small, linear: 0.727 },
  swav_rn50_b256_400ep: { ...small, linear: 0.743 },
  swav_rn50_2x224_400ep: { ...rn50, linear: 0.701, locals: 0 },
  swav_rn50w2_400ep: { ...large, linear: 0.773, hidden: 4096, locals: 4 },
  swav_rn50w4_400ep: {
    ...{ ...large, linear: 0.779, batch: 2560, hidden: 8192, locals: 4 },
    queue: [2560, 0],
  },
  swav_rn50w5_400ep: {
    ...{ ...large, linear: 0.785, batch: 1536, hidden: 10_240, locals: 4 },
    ...{ rates: [0.1875, 4.8, 0], queue: [1536, 0] },
  },
};

Deno.test("swavRuns are all runs of the README, and each has its printed result", () => {
  const results = swavRuns.map(({ config, linear }) => [config.name, linear]);
  assertEquals(results, Object.entries(scripts).map(([name, { linear }]) => [name, linear]));
  const quoted = swavRuns.filter(({ source }) => source.includes("Table 3"));
  assertEquals(quoted.map(({ config }) => config.name), ["swav_rn50_800ep", "swav_rn50w5_400ep"]);
  assertClose(quoted.map(({ knn }) => knn!), [0.657, 0.671]);
});

for (const { config } of swavRuns) {
  Deno.test(`${config.name} has the sizes and schedules of its script`, () => {
    const { linear: _, ...facts } = scripts[config.name]!;
    const recipe = recipeAt(config, "paper");
    const length = pretrainLength(recipe, config.scales.paper.trainCount);
    const { stepsPerEpoch, totalSteps } = length;
    const first = Array.from({ length: 20 }, (_, epoch) => epoch)
      .find((epoch) => isQueueing(recipe, { ...length, step: epoch * stepsPerEpoch }));
    const warmup = facts.warmup * stepsPerEpoch;
    const lr = (step: number) => swavValues(recipe, { step, totalSteps }).lr;
    const frozen = Array.from({ length: 6000 }, (_, step) => step)
      .filter((step) => freezesPrototypes(recipe, { step, totalSteps })).length;
    assertEquals({
      batch: recipe.batchSize,
      frozen,
      hidden: recipe.head.hiddenDim,
      locals: recipe.crops.localCrops,
      queue: first === undefined ? undefined : [queueRows(recipe), first],
    }, {
      batch: facts.batch,
      frozen: facts.frozen,
      hidden: facts.hidden,
      locals: facts.locals,
      queue: facts.queue && [...facts.queue],
    });
    const [start, peak, end] = facts.rates;
    assertClose([lr(0), lr(warmup)], [start, peak], 1e-9);
    assertTrue(Math.abs(lr(totalSteps - 1) - end) < 1e-6, `${lr(totalSteps - 1)}`);
    assertTrue(
      facts.warmup === 0 || lr(warmup - 1) === peak,
      "the warm-up's last step has the peak",
    );
  });
}

Deno.test("swavRuns can be followed at each scale", () => {
  for (const { config } of swavRuns) {
    for (const scale of scaleNames) {
      const recipe = recipeAt(config, scale);
      checkSwav(recipe);
      pretrainLength(recipe, config.scales[scale].trainCount);
    }
  }
});

Deno.test("a run of SwAV costs less than DINO's with as many views: it has no second network", () => {
  const [swav, dino] = [
    trainingCost(recipeAt(swavStart, "smoke"), 256),
    trainingCost(recipeAt(bcSslStart, "smoke"), 256),
  ];
  const share = swav.exaFlops / dino.exaFlops; // 3 passes over each of 4 views, and 2 more over 2 of them in DINO
  assertTrue(share > 0.75 && share < 0.95, `${share}`);
});
