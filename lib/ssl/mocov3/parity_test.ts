/**
 * Compares twenty steps with PyTorch: `golden/parity.py` implements the official code's training
 * once more and runs it in double precision, with weights and views from the same formulas as here.
 * The learning rate and the momentum of the average change from step to step.
 *
 * A network with ReLUs agrees as closely only while no input of a ReLU has another sign here than
 * there: see BYOL's script.
 */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import type { OptimizerName } from "lib/train/optimizer.ts";
import type { OptimizerState } from "lib/train/optimizer_state.ts";
import { trainByMethod } from "lib/ssl/method/train.ts";
import { mocoV3Crops } from "./crops.ts";
import { mocoV3 } from "./mocov3.ts";
import { createMocoV3Networks, type MocoV3Networks } from "./networks.ts";
import type { MocoV3HeadConfig, MocoV3Recipe } from "./recipe.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";
import { fillByFormula } from "lib/testing/formula.ts";
import {
  assertKept,
  assertStatistics,
  assertWaysButIdle,
  formulaViews,
  type GoldenBatches,
  type Probes,
  torchValues,
} from "lib/testing/parity.ts";
import { eachStep } from "lib/testing/steps.ts";

/** One case of parity.json. */
interface Golden extends GoldenBatches {
  readonly name: string;
  readonly model: ModelConfig;
  readonly head: MocoV3HeadConfig;
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly temperature: number;
  readonly epochs: number;
  readonly warmupEpochs: number;
  readonly weights: readonly string[];
  /** Names of everything in a checkpoint of the script's networks. */
  readonly names: readonly string[];
  readonly steps: readonly {
    readonly loss: number;
    readonly gradNorm: number;
    /** Probes of how far each weight has come, in the order of `weights`. */
    readonly ways: readonly number[];
  }[];
  /** The optimiser's state of each trained weight at the end. */
  readonly kept: Readonly<Record<string, Probes>>;
  /** BatchNorm's running statistics at the end. */
  readonly statistics: Probes;
}

function recipeOf(golden: Golden): MocoV3Recipe {
  const { model, head, optimizer, lr, epochs, weightDecay, temperature } = golden;
  return {
    method: "mocov3",
    model,
    head,
    crops: { ...mocoV3Crops, globalSize: golden.size },
    optimizer,
    batchSize: golden.batch,
    epochs,
    lr,
    minLr: 0,
    warmupShare: golden.warmupEpochs / epochs,
    weightDecay,
    weightDecayEnd: weightDecay,
    clipNorm: 0,
    temperature,
    encoderMomentum: golden.momentum,
  };
}

/** The tree of all variables, as a checkpoint names them. */
function treeOf({ base, momentum, predictor }: MocoV3Networks): object {
  return { base_encoder: base.params, momentum_encoder: momentum.params, predictor };
}

/**
 * Networks with the script's weights, which are the same in both encoders. Each has running
 * statistics of its own, and a ViT keeps its fixed positions.
 */
function formulaNetworks({ model, head }: Golden): MocoV3Networks {
  const networks = createMocoV3Networks(model, head, createRng(0));
  const fixed = new Map(
    [...namedVariables(treeOf(networks))].filter(([name]) => name.endsWith("pos_embed"))
      .map(([name, table]) => [name, table.clone()]),
  );
  fillByFormula(treeOf(networks));
  const all = namedVariables(treeOf(networks));
  for (const [name, table] of fixed) all.get(name)!.assign(table);
  for (const [name, weight] of all) {
    if (!name.startsWith("momentum_encoder.") || /running_(mean|var)$/.test(name)) continue;
    tf.tidy(() => weight.assign(all.get(name.replace("momentum_", "base_"))!.clone()));
  }
  return networks;
}

/**
 * Whether a weight has a gradient of 0, up to rounding, because a BatchNorm after it subtracts the
 * mean: the bias of the last norm of a ViT, which adds the same to all features. AdamW divides such
 * a rounding error by its own size, so this weight is not compared, and neither is the running mean
 * after it.
 */
function isIdle(name: string): boolean {
  return /_encoder\.(norm\.bias|head\.1\.running_mean)$/.test(name);
}

const cases: Golden[] = JSON.parse(
  Deno.readTextFileSync(new URL("golden/parity.json", import.meta.url)),
);

for (const golden of cases) {
  Deno.test(`twenty steps of MoCo v3 on ${golden.name} are the official code's`, async () => {
    const recipe = recipeOf(golden);
    const networks = formulaNetworks(golden);
    const tree = treeOf(networks);
    const before = torchValues(tree);
    const optimizer: OptimizerState = new Map();
    using method = mocoV3(networks, recipe);
    const run = { rng: createRng(0), done: 0, readsAt: eachStep };
    let steps = 0;
    const source = formulaViews(golden);
    for await (const actual of trainByMethod({ method, optimizer }, source, recipe, run)) {
      const expected = golden.steps[steps++]!;
      assertClose(actual.loss, expected.loss, 1e-4);
      assertClose(actual.gradNorm, expected.gradNorm, 1e-4);
      const options = { step: `step ${steps}`, isIdle };
      assertWaysButIdle(tree, before, golden.weights, expected.ways, options);
    }
    assertEquals(steps, 20);
    assertKept(tree, optimizer, golden.kept, isIdle);
    assertStatistics(tree, golden.statistics, isIdle);
  });

  Deno.test(`a checkpoint of MoCo v3 has the names of the official code's for ${golden.name}`, () => {
    const networks = createMocoV3Networks(golden.model, golden.head, createRng(0));
    using method = mocoV3(networks, recipeOf(golden));
    const counted = golden.names.filter((name) => !name.endsWith("num_batches_tracked"));
    assertEquals([...method.state.keys()].sort(), counted.toSorted());
  });
}

Deno.test("the script's ViT keeps positions and patch projection, as ours does", () => {
  const golden = cases.find(({ model }) => model.arch === "vit")!;
  const fixed = golden.weights.filter((name) => !(name in golden.kept));
  assertTrue(fixed.includes("base_encoder.pos_embed"), `${fixed}`);
  assertTrue(fixed.includes("base_encoder.patch_embed.proj.weight"), `${fixed}`);
  const last = golden.steps.at(-1)!.ways; // averages of equal numbers, up to rounding
  for (const name of fixed.filter((name) => /pos_embed|patch_embed/.test(name))) {
    assertTrue(Math.abs(last[golden.weights.indexOf(name)]!) < 1e-12, name);
  }
});
