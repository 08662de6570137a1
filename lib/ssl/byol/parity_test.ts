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
import { namedVariables } from "lib/nn/parameters.ts";
import type { OptimizerName } from "lib/train/optimizer.ts";
import type { OptimizerState } from "lib/train/optimizer_state.ts";
import { trainByMethod, type ViewSource } from "lib/ssl/method/train.ts";
import { byol } from "./byol.ts";
import { byolCrops } from "./crops.ts";
import { createByolNetworks } from "./networks.ts";
import type { ByolHeadConfig, ByolRecipe } from "./recipe.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
import { fillByFormula, formula } from "lib/testing/formula.ts";
import { assertProbes, assertWays, type Probes, torchValues } from "lib/testing/parity.ts";

/** One case of parity.json. */
interface Golden {
  readonly name: string;
  /** Prefix of the names from which the formula makes the images. */
  readonly images: string;
  readonly model: ModelConfig;
  readonly head: ByolHeadConfig;
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly batch: number;
  /** Pixels a side. */
  readonly size: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
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

/** The views that the script makes: all views of an image have one colour in common. */
function formulaViews({ images, batch, stepsPerEpoch, size }: Golden): ViewSource {
  return {
    count: batch * stepsPerEpoch,
    prefetch() {},
    next(_, step) {
      const colours = formula(`${images} colour ${step}`, batch * 3);
      const noise = formula(`${images} view ${step}`, 2 * batch * size * size * 3);
      const global = noise.map((value, i) => {
        const image = Math.floor(i / (size * size * 3)) % batch;
        return colours[image * 3 + i % 3]! + 0.5 * value;
      });
      return Promise.resolve({ images: batch, global, local: new Float32Array(0) });
    },
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
    const run = { rng: createRng(0), done: 0 };
    let steps = 0;
    const source = formulaViews(golden);
    for await (const actual of trainByMethod({ method, optimizer }, source, recipe, run)) {
      const expected = golden.steps[steps++]!;
      assertClose(actual.loss, expected.loss, 1e-4);
      assertClose(actual.gradNorm, expected.gradNorm, 1e-4);
      for (const who of networks) {
        const step = `${who} at step ${steps}`;
        const compared = golden.weights[who].map((name, i) => ({ name, way: expected[who][i]! }))
          .filter(({ name }) => !isIdle(name));
        const [names, ways] = [compared.map(({ name }) => name), compared.map(({ way }) => way)];
        assertWays(state[who].params, before[who], names, ways, { step });
      }
    }
    assertEquals(steps, 20);
    assertEnd(golden, state, optimizer);
  });
}

/** Compares the optimiser's state of each weight, and BatchNorm's running statistics. */
function assertEnd(
  golden: Golden,
  state: ReturnType<typeof createByolNetworks>,
  optimizer: OptimizerState,
): void {
  const weights = namedVariables(state.online.params);
  assertEquals([...optimizer.keys()].sort(), Object.keys(golden.kept).sort());
  for (const [name, { tensors }] of optimizer) {
    assertEquals(Object.keys(tensors), Object.keys(golden.kept[name]!));
    for (const [role, tensor] of Object.entries(tensors)) {
      if (isIdle(name)) continue;
      assertProbes(name, tensor, weights.get(name)!, golden.kept[name]![role]!, role);
    }
  }
  for (const who of networks) {
    const variables = namedVariables(state[who].params);
    for (const [name, value] of Object.entries(golden.statistics[who])) {
      if (isIdle(name)) continue;
      assertProbes(name, variables.get(name)!, variables.get(name)!, value, `${who}'s`);
    }
  }
}
