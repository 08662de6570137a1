/**
 * Compares thirty steps with PyTorch: `golden/parity.py` implements the reference's training once
 * more and runs it in double precision, with weights and crops from the same formulas as here. The
 * learning rate, the weight decay, the temperature, the teacher's momentum and the freezing of the
 * last layer all change during these steps.
 *
 * Measured differences, with native kernels and with plain ops, are at most 3e-6 for losses, 1.3e-5
 * for norms of gradients, 8e-7 for centres, and 2.6e-6 of their length for weights. A ResNet agrees
 * as closely only while no input of a ReLU has another sign here than there: see the script.
 */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import type { OptimizerName } from "lib/train/optimizer.ts";
import { dinoCrops } from "./crops.ts";
import type { DinoHeadConfig } from "lib/ssl/distillation/head.ts";
import type { DinoRecipe } from "./recipe.ts";
import { trainByMethod } from "lib/ssl/method/train.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
import { createDinoState, type DinoState, trainingOf } from "lib/testing/dino.ts";
import { fillByFormula, type FormulaCrops } from "lib/testing/formula.ts";
import {
  assertKept,
  assertStatistics,
  assertWays,
  formulaCropViews,
  type Probes,
  torchValues,
} from "lib/testing/parity.ts";
import { eachStep } from "lib/testing/steps.ts";

/** One case of parity.json. */
interface Golden extends FormulaCrops {
  readonly name: string;
  readonly model: ModelConfig;
  readonly head: Omit<DinoHeadConfig, "normLastLayer">;
  readonly normLastLayer: boolean;
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly minLr: number;
  readonly clip: number;
  readonly momentum: number;
  readonly weightDecay: readonly [number, number];
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Length of the warm-up, in epochs, as are the next two. */
  readonly warmup: number;
  readonly tempWarmup: number;
  readonly freeze: number;
  readonly weights: readonly string[];
  readonly steps: readonly GoldenStep[];
  /** The optimiser's state of each weight at the end. */
  readonly kept: Readonly<Record<string, Probes>>;
  /** BatchNorm's running statistics at the end. */
  readonly statistics: { readonly student: Probes; readonly teacher: Probes };
}

interface GoldenStep {
  readonly loss: number;
  readonly gradNorm: number;
  readonly center: readonly number[];
  /** Probes of how far each weight has come, in the order of `weights`. */
  readonly student: readonly number[];
  readonly teacher: readonly number[];
}

function recipeOf(golden: Golden): DinoRecipe {
  const { epochs, batch, weightDecay: [weightDecay, weightDecayEnd] } = golden;
  return {
    model: golden.model,
    head: { ...golden.head, normLastLayer: golden.normLastLayer },
    crops: {
      ...dinoCrops,
      globalSize: golden.global,
      localSize: golden.local,
      localCrops: golden.locals,
    },
    optimizer: golden.optimizer,
    batchSize: batch,
    epochs,
    lr: golden.lr,
    minLr: golden.minLr,
    warmupShare: golden.warmup / epochs,
    weightDecay,
    weightDecayEnd,
    clipNorm: golden.clip,
    freezeLastLayerShare: golden.freeze / epochs,
    studentTemp: 0.1,
    teacherTemp: 0.07,
    warmupTeacherTemp: 0.04,
    warmupTeacherTempShare: golden.tempWarmup / epochs,
    teacherMomentum: golden.momentum,
    centerMomentum: 0.9,
  };
}

function stateOf({ model, head, normLastLayer }: Golden): DinoState {
  const state = createDinoState(model, { ...head, normLastLayer }, createRng(0));
  for (const { params } of [state.student, state.teacher]) {
    fillByFormula(params);
    params.head.last_layer.weight_g.assign(tf.ones([1, head.outDim]));
  }
  return state;
}

/**
 * Whether a weight is a bias before a BatchNorm. The BatchNorm subtracts the mean, so the gradient
 * of such a bias is 0, up to rounding.
 */
function isIdle({ head: { batchNorm } }: Golden, name: string): boolean {
  return batchNorm && /^head\.mlp\.[03]\.bias$/.test(name);
}

const cases: Golden[] = JSON.parse(
  Deno.readTextFileSync(new URL("golden/parity.json", import.meta.url)),
);

for (const golden of cases) {
  Deno.test(`thirty steps of ${golden.name} are the reference's`, async () => {
    const state = stateOf(golden);
    const first = torchValues(state.student.params);
    const recipe = recipeOf(golden);
    using training = trainingOf(state, recipe);
    const source = formulaCropViews(golden);
    const run = { rng: createRng(0), done: 0, readsAt: eachStep };
    let steps = 0;
    for await (const actual of trainByMethod(training, source, recipe, run)) {
      const expected = golden.steps[steps++]!;
      assertEquals(actual.step, steps);
      assertClose(actual.loss, expected.loss, 1e-4);
      assertClose(actual.gradNorm, expected.gradNorm, 1e-4);
      assertClose(state.center, expected.center, 1e-4);
      for (const who of ["student", "teacher"] as const) {
        assertWays(state[who].params, first, golden.weights, expected[who], {
          step: `${who} at step ${steps}`,
          isIdle: (name) => isIdle(golden, name),
        });
      }
    }
    assertEquals(steps, 30);
    const idle = (name: string) => isIdle(golden, name);
    assertKept(state.student.params, state.optimizer, golden.kept, idle);
    for (const who of ["student", "teacher"] as const) {
      assertStatistics(state[who].params, golden.statistics[who], undefined, `${who}'s`);
    }
  });
}
