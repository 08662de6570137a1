/**
 * Builds the paper's networks: they have as many weights as in the official code, and their cost is
 * as stated.
 */
import { constantRng } from "lib/rng.ts";
import { createModel, type ModelConfig } from "lib/models/mod.ts";
import { parameters } from "lib/nn/parameters.ts";
import { withShapesOnly } from "lib/models/parts/shapes_only.ts";
import { recipeAt } from "./config.ts";
import { deepClusterRuns } from "./deepcluster_runs.ts";
import { esvitRuns } from "./esvit_runs.ts";
import { mobyRuns } from "./moby_runs.ts";
import { mocoV3Runs } from "./mocov3_runs.ts";
import type { Recipe } from "lib/ssl/methods.ts";
import { type PaperRun, paperRuns } from "./paper_runs.ts";
import { simclrRuns } from "./simclr_runs.ts";
import { swavRuns } from "./swav_runs.ts";
import { trainingCost } from "lib/experiments/measure/training_cost.ts";
import { table3, table5 } from "lib/paper/mod.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

/** Weights at one position of all depthwise kernels: the sum of the channels over all blocks. */
const taps = { tiny: 6_624, small: 13_536 } as const;

/**
 * Number of weights with a classifier of 1,000 classes, derived from the official networks, which
 * have kernels of 7 with biases: 28,589,128 for ConvNeXt-T and 50,223,688 for -S.
 */
function convNeXtWeights(size: keyof typeof taps, kernelSize: number, batchNorm: boolean): number {
  const official = { tiny: 28_589_128, small: 50_223_688 }[size];
  return official + taps[size] * (kernelSize ** 2 - 49 - 1 + (batchNorm ? 2 : 0));
}

const official: Readonly<Record<string, number>> = {
  resnet50: 25_557_032, // torchvision
  vit_s: 22_050_664, // timm's vit_small_patch16_224
  swin_t: 28_288_354, // microsoft/Swin-Transformer
  swin_s: 49_606_258,
};

function expectedWeights(name: string, model: ModelConfig): number {
  if (model.arch !== "convnext") return official[name.replace(/_\d+ep$/, "")]!;
  const size = model.depths[2] === 27 ? "small" : "tiny";
  return convNeXtWeights(size, model.kernelSize as number, model.batchNorm);
}

/**
 * Millions of weights as the paper prints them: some with a classifier, some without, some rounded
 * up, some down.
 */
const printed: readonly (readonly [string, number])[] = [
  [
    "bcssl_t_k3_100ep",
    table5.rows.find((row) => row.kernelSize === 3 && row.arch === "BC-SSL-T")!.millionParameters,
  ],
  ["bcssl_t_k15_100ep", table5.rows.find((row) => row.kernelSize === 15)!.millionParameters],
  ...([
    ["bcssl_t_k9_300ep", "BC-SSL-T"],
    ["bcssl_s_k9_300ep", "BC-SSL-S"],
    ["resnet50_300ep", "RN50"],
    ["vit_s_300ep", "ViT-S"],
    ["swin_t_300ep", "Swin-T"],
    ["swin_s_300ep", "Swin-S"],
  ] as const).map(([name, arch]) =>
    [
      name,
      table3.rows.find((row) => row.method === "DINO" && row.arch === arch)!.millionParameters,
    ] as const
  ),
];

Deno.test("paperRuns' networks have the official numbers of weights, which are the paper's", () => {
  for (const { config: { name, recipe } } of paperRuns) {
    using model = withShapesOnly(() =>
      createModel(recipe.model, constantRng(), { numClasses: 1000 })
    );
    const weights = [...parameters(model.params).values()].reduce((sum, w) => sum + w.size, 0);
    assertEquals(weights, expectedWeights(name, recipe.model), name);
    const [, millions] = printed.find(([of]) => of === name) ?? [];
    if (millions === undefined) continue;
    const [less, more] = [weights - 1000 * (model.featureDim + 1), weights].map((n) => n / 1e6);
    assertTrue(
      less! < millions + 1 && more! > millions - 0.5,
      `${name}: ${less} to ${more} million`,
    );
  }
});

Deno.test("paperRuns cost what they state", () => {
  for (const { config, exaFlops, v100Days } of paperRuns) {
    if (/^convnext_t/.test(config.name)) continue; // BatchNorm counts nothing: as bcssl_t
    const { exaFlops: counted, steps } = trainingCost(recipeAt(config, "paper"), 1_281_167);
    assertClose(exaFlops, counted, 1e-3);
    assertEquals(steps % 2502, 0);
    assertTrue(v100Days > 12 && v100Days < 90, `${v100Days} days`);
  }
});

Deno.test("the runs of other methods cost what they state", () => {
  const runs: readonly PaperRun<Recipe>[] = [
    ...simclrRuns,
    ...swavRuns,
    ...esvitRuns,
    ...mocoV3Runs,
    ...deepClusterRuns,
    ...mobyRuns,
  ];
  for (const { config, exaFlops } of runs) {
    const { exaFlops: counted } = trainingCost(recipeAt(config, "paper"), 1_281_167);
    assertClose(exaFlops, counted, 1e-3);
  }
});
