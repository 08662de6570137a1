/**
 * Thirty steps beside PyTorch: `golden/parity.py` writes the reference's training again and runs it
 * in double precision, from the weights and crops that the formulas here give too. Learning rate
 * and weight decay, temperature, the teacher's momentum and the frozen last layer all change on the
 * way.
 *
 * Measured, native kernels and plain ops: losses differ by 3e-6 at most, norms of gradients by
 * 1.3e-5, centres by 8e-7, weights by 2.6e-6 of their length. A ResNet is as near only as long as
 * no ReLU falls on the other side of its kink: see the script.
 */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import type { OptimizerName } from "lib/train/optimizer.ts";
import { dinoCrops } from "./crops.ts";
import type { CropBatch } from "lib/ssl/views/batch.ts";
import type { DinoHeadConfig } from "./head.ts";
import type { DinoRecipe } from "./recipe.ts";
import { trainByMethod, type ViewSource } from "lib/ssl/method/train.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
import { createDinoState, type DinoState, trainingOf } from "lib/testing/dino.ts";
import { fillByFormula, formula } from "lib/testing/formula.ts";
import { assertProbes, assertWays, type Probes, torchValues } from "lib/testing/parity.ts";

/** One case of parity.json. */
interface Golden {
  readonly name: string;
  /** Before the names of their arrays. */
  readonly images: string;
  readonly model: ModelConfig;
  readonly head: Omit<DinoHeadConfig, "normLastLayer">;
  readonly normLastLayer: boolean;
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly minLr: number;
  readonly clip: number;
  readonly momentum: number;
  readonly weightDecay: readonly [number, number];
  readonly batch: number;
  /** Pixels a side. */
  readonly global: number;
  readonly local: number;
  readonly locals: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** In epochs, as the two below. */
  readonly warmup: number;
  readonly tempWarmup: number;
  readonly freeze: number;
  readonly weights: readonly string[];
  readonly steps: readonly GoldenStep[];
  /** Of each weight by the optimiser, at the end. */
  readonly kept: Readonly<Record<string, Probes>>;
  /** BatchNorm's running ones, at the end. */
  readonly statistics: { readonly student: Probes; readonly teacher: Probes };
}

interface GoldenStep {
  readonly loss: number;
  readonly gradNorm: number;
  readonly center: readonly number[];
  /** Of how far each weight has come, in the order of `weights`. */
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

/** The crops that the script makes: those of an image share a colour. */
function formulaViews({ images, batch, stepsPerEpoch, global, local, locals }: Golden): ViewSource {
  const crops = (kind: string, step: number, size: number, count: number) => {
    const colours = formula(`${images} colour ${step}`, batch * 3);
    const noise = formula(`${images} ${kind} ${step}`, count * batch * size * size * 3);
    return noise.map((value, i) => {
      const image = Math.floor(i / (size * size * 3)) % batch;
      return colours[image * 3 + i % 3]! + 0.5 * value;
    });
  };
  return {
    count: batch * stepsPerEpoch,
    prefetch: () => {},
    next: (_, step): Promise<CropBatch> =>
      Promise.resolve({
        images: batch,
        global: crops("global", step, global, 2),
        local: crops("local", step, local, locals),
      }),
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
 * The biases before a BatchNorm, which takes them away again: they have no gradient but a rounding
 * error.
 */
function isIdle({ head: { batchNorm } }: Golden, name: string): boolean {
  return batchNorm && /^head\.mlp\.[03]\.bias$/.test(name);
}

/** What the optimiser has kept of each weight, and BatchNorm's running statistics. */
function assertEnd(golden: Golden, { student, teacher, optimizer }: DinoState): void {
  const weights = namedVariables(student.params);
  assertEquals([...optimizer.keys()].sort(), Object.keys(golden.kept).sort());
  for (const [name, { tensors }] of optimizer) {
    assertEquals(Object.keys(tensors), Object.keys(golden.kept[name]!));
    for (const [role, tensor] of Object.entries(tensors)) {
      if (isIdle(golden, name)) continue;
      assertProbes(name, tensor, weights.get(name)!, golden.kept[name]![role]!, role);
    }
  }
  for (const [who, { params }] of Object.entries({ student, teacher })) {
    const variables = namedVariables(params);
    const expected = golden.statistics[who as "student" | "teacher"];
    for (const [name, value] of Object.entries(expected)) {
      assertProbes(name, variables.get(name)!, variables.get(name)!, value, `${who}'s`);
    }
  }
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
    const source = formulaViews(golden);
    const run = { rng: createRng(0), done: 0 };
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
    assertEnd(golden, state);
  });
}
