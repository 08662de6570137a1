/**
 * Compares twenty steps with PyTorch: `golden/parity.py` implements the official code's training
 * once more and runs it in double precision, with weights and views from the same formulas as here.
 * The learning rate and the target's momentum change from step to step.
 *
 * A network with ReLUs agrees as closely only while no input of a ReLU has another sign here than
 * there: see the script.
 */
import { createRng } from "lib/rng.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import type { OptimizerName } from "lib/train/optimizer.ts";
import type { OptimizerState } from "lib/train/optimizer_state.ts";
import { trainByMethod } from "lib/ssl/method/train.ts";
import { byol } from "./byol.ts";
import { byolCrops } from "./crops.ts";
import { createByolNetworks } from "./networks.ts";
import type { ByolHeadConfig, ByolRecipe } from "./recipe.ts";
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
  readonly head: ByolHeadConfig;
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly epochs: number;
  /** Length of the warm-up, in steps. */
  readonly warmup: number;
  readonly weights: Readonly<Record<"online" | "target", readonly string[]>>;
  readonly steps: readonly GoldenStep[];
  /** The optimiser's state of each weight at the end. */
  readonly kept: Readonly<Record<string, Probes>>;
  /** BatchNorm's running statistics at the end. */
  readonly statistics: Readonly<Record<"online" | "target", Probes>>;
}

interface GoldenStep {
  readonly loss: number;
  readonly gradNorm: number;
  /** Probes of how far each weight has come, in the order of `weights`. */
  readonly online: readonly number[];
  readonly target: readonly number[];
}

function recipeOf(golden: Golden): ByolRecipe {
  const { model, head, optimizer, lr, epochs, stepsPerEpoch, weightDecay, size } = golden;
  return {
    method: "byol",
    model,
    head,
    crops: { ...byolCrops, globalSize: size },
    optimizer,
    batchSize: golden.batch,
    epochs,
    lr,
    minLr: 0,
    warmupShare: golden.warmup / (epochs * stepsPerEpoch),
    weightDecay,
    weightDecayEnd: weightDecay,
    clipNorm: 0,
    targetMomentum: golden.momentum,
  };
}

/**
 * Whether a weight has a gradient of 0, up to rounding, because a BatchNorm after it subtracts the
 * mean: the bias of the layer before it, and the bias of a norm at the end of the backbone. AdamW
 * divides such a rounding error by its own size, so these weights are not compared, and neither are
 * the running means after them.
 */
function isIdle(name: string): boolean {
  return /^(projector|predictor)\.(0\.bias|1\.running_mean)$/.test(name) ||
    name === "backbone.norm.bias";
}

const cases: Golden[] = JSON.parse(
  Deno.readTextFileSync(new URL("golden/parity.json", import.meta.url)),
);
const networks = ["online", "target"] as const;

for (const golden of cases) {
  Deno.test(`twenty steps of BYOL on ${golden.name} are the official code's`, async () => {
    const recipe = recipeOf(golden);
    const state = createByolNetworks(golden.model, golden.head, createRng(0));
    for (const who of networks) fillByFormula({ [who]: state[who].params });
    const [first, firstOfTarget] = networks.map((who) => torchValues(state[who].params));
    const before = { online: first!, target: firstOfTarget! };
    const optimizer: OptimizerState = new Map();
    using method = byol(state, recipe);
    const run = { rng: createRng(0), done: 0, readsAt: eachStep };
    let steps = 0;
    const source = formulaViews(golden);
    for await (const actual of trainByMethod({ method, optimizer }, source, recipe, run)) {
      const expected = golden.steps[steps++]!;
      assertClose(actual.loss, expected.loss, 1e-4);
      assertClose(actual.gradNorm, expected.gradNorm, 1e-4);
      for (const who of networks) {
        const step = `${who} at step ${steps}`;
        const names = golden.weights[who];
        assertWaysButIdle(state[who].params, before[who], names, expected[who], { step, isIdle });
      }
    }
    assertEquals(steps, 20);
    assertKept(state.online.params, optimizer, golden.kept, isIdle);
    for (const who of networks) {
      assertStatistics(state[who].params, golden.statistics[who], isIdle, `${who}'s`);
    }
  });
}
