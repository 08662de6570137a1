/**
 * Compares twenty steps with PyTorch: `golden/parity.py` implements the official code's training
 * once more and runs it in double precision, with weights and crops from the same formulas as here.
 * In these steps the learning rate rises and falls, the prototypes thaw, and the queue begins, fills
 * and is used.
 *
 * A network with ReLUs agrees as closely only while no input of a ReLU has another sign here than
 * there: see BYOL's script.
 */
import { createRng } from "lib/rng.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import type { OptimizerName } from "lib/train/optimizer.ts";
import type { OptimizerState } from "lib/train/optimizer_state.ts";
import { officialWeights } from "lib/ssl/method/embedding_network.ts";
import { trainByMethod } from "lib/ssl/method/train.ts";
import { swavCrops } from "lib/ssl/views/swav_crops.ts";
import { writeSafetensors } from "lib/weights/safetensors.ts";
import { readWeights } from "lib/weights/read_weights.ts";
import { loadWeights, saveWeights } from "lib/weights/weights.ts";
import { createSwavNetwork, type SwavNetwork } from "./networks.ts";
import { isFull, type Queue } from "./queue.ts";
import { isQueueing, type SwavHeadConfig, type SwavRecipe } from "./recipe.ts";
import { swav } from "./swav.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
import { fillByFormula, type FormulaCrops } from "lib/testing/formula.ts";
import {
  assertKept,
  assertProbes,
  assertStatistics,
  assertWaysButIdle,
  formulaCropViews,
  type Probes,
  torchValues,
} from "lib/testing/parity.ts";
import { eachStep } from "lib/testing/steps.ts";
import { isIdle } from "lib/testing/swav_recipe.ts";

/** One case of parity.json. */
interface Golden extends FormulaCrops {
  readonly name: string;
  readonly model: ModelConfig;
  readonly head: SwavHeadConfig;
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly startLr: number;
  readonly minLr: number;
  readonly weightDecay: number;
  readonly temperature: number;
  readonly epsilon: number;
  readonly iterations: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Lengths of the warm-up and of the time in which prototypes are frozen, in steps. */
  readonly warmup: number;
  readonly freeze: number;
  /** Not a multiple of the batch. */
  readonly queueLength: number;
  /** The epoch, from 0, in which the queue begins to fill. */
  readonly queueStart: number;
  readonly weights: readonly string[];
  /** Names in a checkpoint of the official code. */
  readonly officialNames: readonly string[];
  readonly steps: readonly {
    readonly loss: number;
    readonly gradNorm: number;
    /** Probe of the queue after the step. */
    readonly queue: number;
    /** Whether the step used the queue. */
    readonly inUse: boolean;
    /** Probes of how far each weight has come, in the order of `weights`. */
    readonly network: readonly number[];
  }[];
  /** The optimiser's state of each weight at the end. */
  readonly kept: Readonly<Record<string, Probes>>;
  /** BatchNorm's running statistics at the end. */
  readonly statistics: Probes;
}

function recipeOf(golden: Golden): SwavRecipe {
  const { model, head, optimizer, epochs, stepsPerEpoch, weightDecay, queueLength } = golden;
  const { lr, startLr, minLr, temperature, epsilon } = golden;
  const totalSteps = epochs * stepsPerEpoch;
  const { global: globalSize, local: localSize, locals: localCrops } = golden;
  return {
    method: "swav",
    model,
    head,
    crops: { ...swavCrops, globalSize, localSize, localCrops },
    optimizer,
    batchSize: golden.batch,
    epochs,
    lr,
    startLr,
    minLr,
    warmupShare: golden.warmup / totalSteps,
    weightDecay,
    weightDecayEnd: weightDecay,
    clipNorm: 0,
    temperature,
    epsilon,
    sinkhornIterations: golden.iterations,
    queueLength,
    queueStartShare: golden.queueStart / epochs,
    freezePrototypesShare: golden.freeze / totalSteps,
  };
}

function formulaNetwork({ model, head }: Golden): SwavNetwork {
  const network = createSwavNetwork(model, head, createRng(0));
  fillByFormula({ network: network.params });
  return network;
}

const cases: Golden[] = JSON.parse(
  Deno.readTextFileSync(new URL("golden/parity.json", import.meta.url)),
);

for (const golden of cases) {
  Deno.test(`twenty steps of SwAV on ${golden.name} are the official code's`, async () => {
    const recipe = recipeOf(golden);
    const network = formulaNetwork(golden);
    const optimizer: OptimizerState = new Map();
    const idle = (name: string) => isIdle(golden.optimizer, name);
    using method = swav(network, recipe);
    const before = torchValues(network.params); // with prototypes of length 1
    const queue = method.state.get("queue") as Queue;
    const run = { rng: createRng(0), done: 0, readsAt: eachStep };
    let [steps, wasFull] = [0, false];
    const source = formulaCropViews(golden);
    for await (const actual of trainByMethod({ method, optimizer }, source, recipe, run)) {
      const expected = golden.steps[steps++]!;
      assertEquals(wasFull, expected.inUse, `the queue in step ${steps}`);
      wasFull = isFull(queue);
      assertClose(actual.loss, expected.loss, 1e-4);
      assertClose(actual.gradNorm, expected.gradNorm, 1e-4);
      assertProbes("queue", queue, queue, expected.queue, `step ${steps}`);
      assertWaysButIdle(network.params, before, golden.weights, expected.network, {
        step: `step ${steps}`,
        isIdle: idle,
      });
    }
    assertEquals(steps, 20);
    assertKept(network.params, optimizer, golden.kept, idle);
    assertStatistics(network.params, golden.statistics, idle);
  });
}

Deno.test("the twenty steps have all schedules of SwAV: the queue begins, fills and is used", () => {
  for (const golden of cases) {
    const inUse = golden.steps.map(({ inUse }) => inUse);
    assertEquals(inUse.indexOf(true), 12); // two batches fill it, from step 10 on
    const at = (step: number) =>
      isQueueing(recipeOf(golden), { step, stepsPerEpoch: 5, totalSteps: 20 });
    assertEquals([at(9), at(10)], [false, true]);
  }
});

Deno.test("a ResNet of SwAV goes to the official code's names and comes back from them", async () => {
  const golden = cases[0]!;
  const network = formulaNetwork(golden);
  const fresh = createSwavNetwork(golden.model, golden.head, createRng(1));
  const folder = Deno.makeTempDirSync();
  try {
    const [plain, theirs] = ["plain", "theirs"].map((name) => `${folder}/${name}.safetensors`);
    await saveWeights(officialWeights(network), plain!);
    const { arrays } = await readWeights(plain!);
    const wrapped = new Map([...arrays].map(([name, array]) => [`module.${name}`, array]));
    assertEquals([...wrapped.keys()].sort(), [...golden.officialNames].sort());
    writeSafetensors(theirs!, { arrays: wrapped, metadata: {} });
    const report = await loadWeights(officialWeights(fresh), theirs!);
    assertEquals([report.prefix, report.missing, report.unexpected], ["module.", [], []]);
    const values = (of: SwavNetwork) =>
      [...namedVariables(of.params)].map(([name, x]) => [name, x.dataSync()]);
    assertEquals(values(fresh), values(network));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
