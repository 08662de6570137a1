/**
 * Compares twenty steps with PyTorch: `golden/parity.py` implements the official code's training
 * once more and runs it in double precision, with weights, crops and random orders from the same
 * formulas as here. They are four epochs, so the memory is filled, clustered and overwritten.
 *
 * A network with ReLUs agrees as closely only while no input of a ReLU has another sign here than
 * there, and k-means only while no vector is as near to two centroids: see the script.
 */
import { createRng, type Rng } from "lib/rng.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import type { OptimizerName } from "lib/train/optimizer.ts";
import type { OptimizerState } from "lib/train/optimizer_state.ts";
import { officialWeights } from "lib/ssl/method/embedding_network.ts";
import type { Method } from "lib/ssl/method/method.ts";
import { trainByMethod, type ViewSource } from "lib/ssl/method/train.ts";
import { swavCrops } from "lib/ssl/views/swav_crops.ts";
import * as tf from "lib/tf.ts";
import { readWeights } from "lib/weights/read_weights.ts";
import { writeSafetensors } from "lib/weights/safetensors.ts";
import { loadWeights, saveWeights } from "lib/weights/weights.ts";
import { deepCluster } from "./deepcluster.ts";
import { createDeepClusterNetwork, type DeepClusterNetwork } from "./networks.ts";
import type { DeepClusterHeadConfig, DeepClusterRecipe } from "./recipe.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";
import { fillByFormula, formula, type FormulaCrops, formulaCrops } from "lib/testing/formula.ts";
import {
  assertKept,
  assertProbes,
  assertStatistics,
  assertWaysButIdle,
  type Probes,
  torchValues,
} from "lib/testing/parity.ts";
import { eachStep } from "lib/testing/steps.ts";
import { isIdle } from "lib/testing/swav_recipe.ts";

/** One case of parity.json. */
interface Golden extends FormulaCrops {
  readonly name: string;
  readonly model: ModelConfig;
  readonly head: DeepClusterHeadConfig;
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly startLr: number;
  readonly minLr: number;
  readonly weightDecay: number;
  readonly temperature: number;
  /** Number of images in the data set, two more than an epoch has. */
  readonly count: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Length of the warm-up, in steps. */
  readonly warmup: number;
  readonly weights: readonly string[];
  /** Names in a checkpoint of the official code. */
  readonly officialNames: readonly string[];
  readonly steps: readonly {
    readonly loss: number;
    readonly gradNorm: number;
    /** Images of the batch without a cluster. */
    readonly unassigned: number;
    /** Probes of the two banks after the step. */
    readonly memory: readonly number[];
    /** Probes of how far each weight has come, in the order of `weights`. */
    readonly network: readonly number[];
  }[];
  /** What k-means gave before each epoch. */
  readonly clusterings: readonly {
    /** The cluster of each image, −100 for none, by each clustering. */
    readonly assignments: readonly (readonly number[])[];
    /** Probes of the centroids. */
    readonly prototypes: readonly number[];
  }[];
  /** The optimiser's state of each weight at the end. */
  readonly kept: Readonly<Record<string, Probes>>;
  /** BatchNorm's running statistics at the end. */
  readonly statistics: Probes;
}

function recipeOf(golden: Golden): DeepClusterRecipe {
  const { model, head, optimizer, epochs, stepsPerEpoch, weightDecay, temperature } = golden;
  const { lr, startLr, minLr, global: globalSize, local: localSize, locals: localCrops } = golden;
  return {
    method: "deepcluster_v2",
    model,
    head,
    crops: { ...swavCrops, globalSize, localSize, localCrops },
    optimizer,
    batchSize: golden.batch,
    epochs,
    lr,
    startLr,
    minLr,
    warmupShare: golden.warmup / (epochs * stepsPerEpoch),
    weightDecay,
    weightDecayEnd: weightDecay,
    clipNorm: 0,
    temperature,
  };
}

/** The views that the script makes: an image has the same colour at all steps. */
function formulaViews(golden: Golden): ViewSource {
  const colours = formula(`${golden.images} colours`, golden.count * 3);
  return {
    count: golden.count,
    prefetch() {},
    next(indices, step) {
      const own = Float32Array.from({ length: 3 * indices.length }, (_, i) => {
        return colours[3 * indices[Math.floor(i / 3)]! + i % 3]!;
      });
      return Promise.resolve(formulaCrops(golden, step, own));
    },
  };
}

/** A stream whose orders are those of the script. */
function formulaRng(path: string): Rng {
  return {
    ...createRng(0),
    path,
    fork: (name) => formulaRng(`${path}/${name}`),
    permutation(count) {
      const values = formula(path, count);
      return Uint32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!);
    },
  };
}

function formulaNetwork({ model, head }: Golden): DeepClusterNetwork {
  const network = createDeepClusterNetwork(model, head, createRng(0));
  fillByFormula({ network: network.params });
  return network;
}

const cases: Golden[] = JSON.parse(
  Deno.readTextFileSync(new URL("golden/parity.json", import.meta.url)),
);

for (const golden of cases) {
  Deno.test(`twenty steps of DeepCluster-v2 on ${golden.name} are the official code's`, async () => {
    const recipe = recipeOf(golden);
    const network = formulaNetwork(golden);
    const optimizer: OptimizerState = new Map();
    const idle = (name: string) => isIdle(golden.optimizer, name);
    using method = deepCluster(network, recipe, golden.count);
    const before = torchValues(network.params);
    const run = { rng: formulaRng("0"), done: 0, readsAt: eachStep };
    let steps = 0;
    const source = formulaViews(golden);
    for await (const actual of trainByMethod({ method, optimizer }, source, recipe, run)) {
      if (steps % golden.stepsPerEpoch === 0) {
        assertClustering(golden, steps / golden.stepsPerEpoch, method, network);
      }
      const expected = golden.steps[steps++]!;
      assertClose(actual.loss, expected.loss, 1e-4);
      assertClose(actual.gradNorm, expected.gradNorm, 1e-4);
      assertMemory(method, expected.memory, `step ${steps}`);
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

/** Compares the clusters and the prototypes, which stay the same during an epoch. */
function assertClustering(
  { clusterings }: Golden,
  epoch: number,
  { state }: Method,
  network: DeepClusterNetwork,
): void {
  const expected = clusterings[epoch]!;
  expected.assignments.forEach((clusters, i) => {
    const actual = [...state.get(`clusters.${i}`)!.dataSync()];
    assertEquals(actual, clusters.map((cluster) => cluster === -100 ? -1 : cluster));
  });
  Object.entries(network.params.prototypes).forEach(([name, { weight }], i) => {
    assertProbes(`${name}.weight`, weight, weight, expected.prototypes[i]!, `epoch ${epoch}`);
  });
}

function assertMemory({ state }: Method, expected: readonly number[], step: string): void {
  const batches = [0, 1, 2, 3, 4].map((i) => state.get(`memory.embeddings.${i}`)!);
  tf.tidy(() => {
    expected.forEach((value, crop) => {
      const bank = tf.variable(
        tf.concat(batches.map((x) => x.slice([crop, 0, 0], [1, -1, -1])), 1),
      );
      assertProbes(`bank ${crop}`, bank, bank, value, step);
      bank.dispose();
    });
  });
}

Deno.test("the twenty steps have images without a cluster, and clusters that change", () => {
  for (const { steps, clusterings } of cases) {
    assertTrue(steps.slice(5).some(({ unassigned }) => unassigned > 0), "some have no cluster");
    const first = clusterings.map(({ assignments }) => assignments[0]!.join());
    assertEquals(new Set(first).size, 4);
  }
});

Deno.test("a ResNet of DeepCluster-v2 goes to the official code's names and comes back from them", async () => {
  const golden = cases[0]!;
  const network = formulaNetwork(golden);
  const fresh = createDeepClusterNetwork(golden.model, golden.head, createRng(1));
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
    const values = (of: DeepClusterNetwork) =>
      [...namedVariables(of.params)].map(([name, x]) => [name, x.dataSync()]);
    assertEquals(values(fresh), values(network));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
