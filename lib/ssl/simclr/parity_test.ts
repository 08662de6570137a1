/**
 * Compares twenty steps with PyTorch: `golden/parity.py` implements the official code's training
 * once more and runs it in double precision, with weights and views from the same formulas as here.
 * The learning rate changes from step to step.
 *
 * A network with ReLUs agrees as closely only while no input of a ReLU has another sign here than
 * there: see BYOL's script.
 */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import type { OptimizerName } from "lib/train/optimizer.ts";
import type { OptimizerState } from "lib/train/optimizer_state.ts";
import { trainByMethod } from "lib/ssl/method/train.ts";
import { simclrCrops } from "./crops.ts";
import { createSimclrNetwork, type SimclrNetwork } from "./networks.ts";
import type { SimclrHeadConfig, SimclrRecipe } from "./recipe.ts";
import { simclr } from "./simclr.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
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
  readonly head: SimclrHeadConfig;
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly weightDecay: number;
  readonly temperature: number;
  readonly epochs: number;
  /** Length of the warm-up, in steps. */
  readonly warmup: number;
  readonly weights: readonly string[];
  readonly steps: readonly {
    readonly loss: number;
    readonly gradNorm: number;
    /** Probes of how far each weight has come, in the order of `weights`. */
    readonly network: readonly number[];
  }[];
  /** The optimiser's state of each weight at the end. */
  readonly kept: Readonly<Record<string, Probes>>;
  /** BatchNorm's running statistics at the end. */
  readonly statistics: Probes;
}

function recipeOf(golden: Golden): SimclrRecipe {
  const { model, head, optimizer, lr, epochs, stepsPerEpoch, weightDecay, temperature } = golden;
  return {
    method: "simclr",
    model,
    head,
    crops: { ...simclrCrops, globalSize: golden.size },
    optimizer,
    batchSize: golden.batch,
    epochs,
    lr,
    minLr: 0,
    warmupShare: golden.warmup / (epochs * stepsPerEpoch),
    weightDecay,
    weightDecayEnd: weightDecay,
    clipNorm: 0,
    temperature,
  };
}

/** A network with the script's weights. The last BatchNorm of the head has no offset. */
function formulaNetwork({ model, head }: Golden): SimclrNetwork {
  const network = createSimclrNetwork(model, head, createRng(0));
  fillByFormula({ network: network.params });
  const { bias } = network.params.projector.at(-1) as { bias: tf.Variable };
  bias.assign(tf.zeros(bias.shape));
  return network;
}

/**
 * Whether a weight has a gradient of 0, up to rounding, because a BatchNorm after it subtracts the
 * mean: the bias of a norm at the end of the backbone. AdamW divides such a rounding error by its
 * own size, so this weight is not compared, and neither is the running mean after it.
 */
function isIdle(name: string): boolean {
  return name === "backbone.norm.bias" || name === "projector.1.running_mean";
}

const cases: Golden[] = JSON.parse(
  Deno.readTextFileSync(new URL("golden/parity.json", import.meta.url)),
);

for (const golden of cases) {
  Deno.test(`twenty steps of SimCLR on ${golden.name} are the official code's`, async () => {
    const recipe = recipeOf(golden);
    const network = formulaNetwork(golden);
    const before = torchValues(network.params);
    const optimizer: OptimizerState = new Map();
    using method = simclr(network, recipe);
    const run = { rng: createRng(0), done: 0, readsAt: eachStep };
    let steps = 0;
    const source = formulaViews(golden);
    for await (const actual of trainByMethod({ method, optimizer }, source, recipe, run)) {
      const expected = golden.steps[steps++]!;
      assertClose(actual.loss, expected.loss, 1e-4);
      assertClose(actual.gradNorm, expected.gradNorm, 1e-4);
      const step = `step ${steps}`;
      assertWaysButIdle(network.params, before, golden.weights, expected.network, { step, isIdle });
    }
    assertEquals(steps, 20);
    assertKept(network.params, optimizer, golden.kept, isIdle);
    assertStatistics(network.params, golden.statistics, isIdle);
  });
}
