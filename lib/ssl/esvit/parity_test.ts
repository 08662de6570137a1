/**
 * Compares twenty steps with PyTorch: `golden/parity.py` implements the official code's training
 * once more and runs it in double precision, with weights and crops from the same formulas as here.
 * The learning rate, the weight decay, the temperature, the teacher's momentum and the freezing of
 * both last layers all change during these steps.
 */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import type { DinoHeadConfig } from "lib/ssl/distillation/head.ts";
import { trainByMethod } from "lib/ssl/method/train.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import { disposeOptimizer, type OptimizerState } from "lib/train/optimizer_state.ts";
import { esvit } from "./esvit.ts";
import { createEsvitNetworks, type EsvitNetworks } from "./networks.ts";
import type { EsvitRecipe } from "./recipe.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
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
  readonly viewLoss: number;
  readonly regionLoss: number;
  readonly gradNorm: number;
  readonly center: readonly number[];
  readonly centerGrid: readonly number[];
  /** Probes of how far each weight has come, in the order of `weights`. */
  readonly student: readonly number[];
  readonly teacher: readonly number[];
}

function recipeOf(golden: Golden): EsvitRecipe {
  const { epochs, batch, weightDecay: [weightDecay, weightDecayEnd] } = golden;
  return {
    method: "esvit",
    model: golden.model,
    head: { ...golden.head, normLastLayer: golden.normLastLayer },
    crops: {
      ...dinoCrops,
      globalSize: golden.global,
      localSize: golden.local,
      localCrops: golden.locals,
    },
    optimizer: "adamw",
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

/** Networks with the script's weights. */
function formulaNetworks({ model, head, normLastLayer }: Golden): EsvitNetworks {
  const networks = createEsvitNetworks(model, { ...head, normLastLayer }, createRng(0));
  for (const { params } of [networks.student, networks.teacher]) {
    fillByFormula(params);
    for (const { last_layer } of [params.head, params.head_dense]) {
      last_layer.weight_g.assign(tf.ones([1, head.outDim]));
    }
  }
  return networks;
}

const cases: Golden[] = JSON.parse(
  Deno.readTextFileSync(new URL("golden/parity.json", import.meta.url)),
);

for (const golden of cases) {
  Deno.test(`twenty steps of EsViT on ${golden.name} are the official code's`, async () => {
    const networks = formulaNetworks(golden);
    const first = torchValues(networks.student.params);
    const recipe = recipeOf(golden);
    const optimizer: OptimizerState = new Map();
    using method = esvit(networks, recipe);
    const run = { rng: createRng(0), done: 0, readsAt: eachStep };
    const source = formulaCropViews(golden);
    let steps = 0;
    for await (const actual of trainByMethod({ method, optimizer }, source, recipe, run)) {
      const expected = golden.steps[steps++]!;
      for (const metric of ["loss", "viewLoss", "regionLoss", "gradNorm"] as const) {
        assertClose(actual[metric]!, expected[metric], 1e-4);
      }
      assertClose(networks.center, expected.center, 1e-4);
      assertClose(networks.center_grid, expected.centerGrid, 1e-4);
      for (const who of ["student", "teacher"] as const) {
        assertWays(networks[who].params, first, golden.weights, expected[who], {
          step: `${who} at step ${steps}`,
        });
      }
    }
    assertEquals(steps, 20);
    assertKept(networks.student.params, optimizer, golden.kept);
    for (const who of ["student", "teacher"] as const) {
      assertStatistics(networks[who].params, golden.statistics[who], undefined, `${who}'s`);
    }
    disposeOptimizer(optimizer);
  });
}
