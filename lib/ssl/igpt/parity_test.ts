/**
 * Compares twenty steps of each objective with PyTorch: `golden/parity.py` implements the official
 * code's network and loss once more and trains it in double precision, with weights, images and
 * masks from the same formulas as here. The learning rate and the weight decay change from step to
 * step.
 */
import * as tf from "lib/tf.ts";
import { createRng, type Rng } from "lib/rng.ts";
import type { IGptConfig } from "lib/models/igpt/igpt_configs.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { trainStep } from "lib/ssl/method/step.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { disposeOptimizer, type OptimizerState } from "lib/train/optimizer_state.ts";
import { iGptCrops } from "./crops.ts";
import { createIGptNetwork, iGpt } from "./igpt.ts";
import type { IGptRecipe } from "./recipe.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
import { fillByFormula, formula } from "lib/testing/formula.ts";
import { assertProbes, assertWays, type Probes, torchValues } from "lib/testing/parity.ts";

/** One case of parity.json. */
interface Golden {
  readonly name: string;
  /** Prefix of the names from which the formula makes images and masks. */
  readonly images: string;
  readonly model: IGptConfig;
  readonly maskShare: number;
  readonly lr: number;
  readonly minLr: number;
  readonly weightDecay: readonly [number, number];
  readonly batch: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Length of the warm-up, in epochs. */
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
}

function recipeOf({ model, maskShare, batch, epochs, lr, minLr, ...golden }: Golden): IGptRecipe {
  const [weightDecay, weightDecayEnd] = golden.weightDecay;
  return {
    method: "igpt",
    model,
    head: { maskShare },
    crops: { ...iGptCrops, globalSize: model.imageSize },
    batchSize: batch,
    epochs,
    lr,
    minLr,
    warmupShare: golden.warmup / epochs,
    weightDecay,
    weightDecayEnd,
    clipNorm: 0,
  };
}

/** The images that the script makes, as first views; the second views are never read. */
function viewsOf({ images, batch, model: { imageSize: side } }: Golden, step: number): Views {
  const colours = formula(`${images} colour ${step}`, batch * 3);
  const noise = formula(`${images} view ${step}`, batch * side * side * 3);
  const first = noise.map((value, i) => {
    const image = Math.floor(i / (side * side * 3));
    return 0.5 * colours[image * 3 + i % 3]! + 0.5 * value;
  });
  const shape: [number, number, number, number] = [batch, side, side, 3];
  const views = [tf.tensor4d(first, shape), tf.fill(shape, NaN) as tf.Tensor4D];
  return { global: tf.concat4d(views, 0), local: null };
}

/** A stream whose every fork draws the script's mask. */
function maskStream({ images, batch, model }: Golden, step: number): Rng {
  const positions = (model.imageSize / model.patchSize) ** 2;
  const values = formula(`${images} mask ${step}`, batch * positions);
  let i = 0;
  const rng: Rng = {
    ...createRng(0),
    fork: () => rng,
    bernoulli: (share) => (values[i++]! + 1) / 2 < share,
  };
  return rng;
}

const cases: Golden[] = JSON.parse(
  Deno.readTextFileSync(new URL("golden/parity.json", import.meta.url)),
);

for (const golden of cases) {
  Deno.test(`twenty steps of iGPT that predicts ${golden.name} are the official code's`, () => {
    const recipe = recipeOf(golden);
    const network = createIGptNetwork(golden.model, createRng(0));
    fillByFormula(network.params);
    const first = torchValues(network.params);
    const optimizer: OptimizerState = new Map();
    using method = iGpt(network, recipe);
    const { stepsPerEpoch, epochs } = golden;
    const totalSteps = stepsPerEpoch * epochs;
    for (let step = 0; step < totalSteps; step++) {
      const expected = golden.steps[step]!;
      const now = { step, stepsPerEpoch, totalSteps, rng: maskStream(golden, step) };
      const actual = tf.tidy(() =>
        trainStep({ method, optimizer }, viewsOf(golden, step), recipe, now)
      );
      assertClose(actual.loss, expected.loss, 1e-4);
      assertClose(actual.gradNorm, expected.gradNorm, 1e-4);
      assertWays(network.params, first, golden.weights, expected.network, {
        step: `step ${step + 1}`,
      });
    }
    assertEquals(golden.steps.length, totalSteps);
    assertEquals([...optimizer.keys()].sort(), Object.keys(golden.kept).sort());
    const weights = namedVariables(network.params);
    for (const [name, { tensors }] of optimizer) {
      for (const [role, tensor] of Object.entries(tensors)) {
        assertProbes(name, tensor, weights.get(name)!, golden.kept[name]![role]!, role);
      }
    }
    disposeOptimizer(optimizer);
  });
}
