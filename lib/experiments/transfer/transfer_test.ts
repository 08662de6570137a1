import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { readFeatureBank } from "lib/eval/features/feature_source.ts";
import { pooledFeatures } from "lib/eval/features/features.ts";
import { neighbourProbe } from "lib/eval/transfer/neighbour_votes.ts";
import { honestPlan, honestProbe } from "lib/eval/transfer/probe_search.ts";
import {
  fewOfEachClass,
  selectFeatures,
  transferFeatures,
} from "lib/eval/transfer/transfer_features.ts";
import { override, recipeAt } from "lib/experiments/configs/config.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { bankOptions } from "lib/experiments/measure/feature_banks.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { runs } from "lib/experiments/runs/registry.ts";
import { planShipping, writeShipping } from "lib/experiments/ship/ship_runs.ts";
import { findSubject, loadSubject } from "lib/experiments/subjects/subject.ts";
import { finetuneId, lossBy } from "./finetune_transfer.ts";
import { drawStream, openTransferData, type TransferName } from "./transfer_data.ts";
import {
  transfer,
  type TransferOptions,
  type TransferProtocol,
  type TransferResult,
} from "./transfer.ts";
import { assertClose, assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { sharedOutputs, withVariables } from "lib/testing/outputs.ts";
import { drain } from "lib/testing/steps.ts";

const config = override(bcSslStart, {
  name: "test",
  recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
  scales: { smoke: { epochs: 1, monitorEvery: 8 } },
});
const key = { scale: "smoke", seed: 0 } as const;
const inOutputs = sharedOutputs();
const stopped = AbortSignal.abort(); // stops whatever still computes

/** Features of a set as the verb reads them. */
async function featuresOf(set: TransferName) {
  const run = { config, ...key };
  const { crops } = recipeAt(config, "smoke");
  const data = await openTransferData(set, { size: 32, trainCount: 64, testCount: 32 });
  using model = await loadSubject(run, "teacher", findSubject(run, "teacher"));
  const part = async (name: "train" | "test") =>
    transferFeatures(
      await readFeatureBank(pooledFeatures(model), data[name], {
        ...bankOptions(crops),
        whole: true,
      }),
      data.truth[name],
    );
  return { train: await part("train"), test: await part("test") };
}

Deno.test("transfer() by probe and k-NN is that of the features, and is loaded the second time", () =>
  inOutputs(async () => {
    await assertRejects(() => transfer(config, "digits", key), Error, "call pretrain()");
    const { run } = await pretrain(config, key);
    const { numTensors } = tf.memory();
    const probe = await transfer(config, "digits", key);
    assertEquals(tf.memory().numTensors, numTensors);
    const { train, test } = await featuresOf("digits");
    const plan = { ...honestPlan, epochs: 3, finalEpochs: 3 };
    const options = { metric: "accuracy", plan } as const;
    const rng = createRng(0).fork("transfer to digits");
    const { testScore } = await drain(honestProbe(train, test, options, rng));
    assertEquals(probe, {
      ...{ run, ...key, of: "teacher", set: "digits", protocol: "probe", metric: "accuracy" },
      ...{ scores: [testScore], mean: testScore, standardError: NaN, images: [64] },
    });
    const knn = await transfer(config, "digits", { ...key, protocol: "knn" });
    assertEquals(knn.scores, [await drain(neighbourProbe(train, test, { metric: "accuracy" }))]);
    assertEquals(await transfer(config, "digits", { ...key, signal: stopped }), probe);
  }));

Deno.test("transfer() with shots draws so many images of each class, and goes on where it was stopped", () =>
  inOutputs(async () => {
    const few = { ...key, protocol: "knn", shots: 3 } as const;
    const first = await transfer(config, "digits", { ...few, draws: [1] });
    // The score of draw 1 is there, that of draw 0 is not.
    assertEquals(await transfer(config, "digits", { ...few, draws: [1], signal: stopped }), first);
    const both = { ...few, draws: [0, 1] };
    await assertRejects(
      () => transfer(config, "digits", { ...both, signal: stopped }),
      Error,
      "Stopped the transfer of test-",
    );
    const result = await transfer(config, "digits", both);
    assertEquals([result.scores[1], result.shots], [first.scores[0], 3]);
    const { train, test } = await featuresOf("digits");
    const chosen = fewOfEachClass(train.truth, 3, drawStream(0));
    assertEquals(result.images[0], chosen.length);
    const own = selectFeatures(train, chosen);
    assertEquals(result.scores[0], await drain(neighbourProbe(own, test, { metric: "accuracy" })));
    assertClose(result.mean, (result.scores[0]! + result.scores[1]!) / 2, 1e-12);
    assertClose(result.standardError, Math.abs(result.scores[0]! - result.scores[1]!) / 2, 1e-12);
    const three = await transfer(config, "digits", few);
    assertEquals(three.scores.slice(0, 2), result.scores, "three draws by default");
  }));

for (
  const [set, metric] of [
    ["left_right", "rocAuc"],
    ["contents", "map11"],
    ["emoji_group", "meanPerClass"],
    ["garments", "accuracy"],
  ] as const
) {
  Deno.test(`transfer() scores ${set} by its own metric, in every protocol`, () =>
    inOutputs(async () => {
      const { numTensors } = tf.memory();
      const scoreBy = async (protocol: TransferProtocol) => {
        const result = await transfer(config, set, { ...key, protocol });
        assertEquals(result.metric, metric);
        assertTrue(result.mean > 0 && result.mean <= 1, `${protocol}: ${result.mean}`);
        return result;
      };
      const first = [];
      for (const protocol of ["knn", "probe", "elevater", "finetune"] as const) {
        first.push(await scoreBy(protocol));
      }
      assertEquals(tf.memory().numTensors, numTensors);
      assertEquals(await scoreBy("finetune"), first[3]);
    }));
}

Deno.test("transfer() by fine-tuning is a run of its own, resumed to the very numbers", () =>
  inOutputs(async (folder) => {
    const finetune = { ...key, protocol: "finetune" } as const;
    const straight = await transfer(config, "digits", finetune);
    const id = finetuneId({ config, ...key, set: "digits", of: "teacher" });
    const names = runs().getColumn("name").toArray();
    assertTrue(names.includes("test_to_digits"), `${names}`);
    Deno.removeSync(`${folder}/${id}`, { recursive: true });
    const stop = new AbortController();
    const onEvent = ({ step }: { step: number }) => step === 1 ? stop.abort() : undefined;
    await assertRejects(
      () => transfer(config, "digits", { ...finetune, signal: stop.signal, onEvent }),
      Error,
      "at step 1, saved: the same call goes on",
    );
    assertEquals(await transfer(config, "digits", finetune), straight);
    const ids = [
      { of: "teacher", shots: 2, draw: 0 },
      { of: "teacher", shots: 2, draw: 1 },
      { of: "init" },
    ] as const;
    const all = new Set([
      id,
      ...ids.map((own) => finetuneId({ config, ...key, set: "digits", ...own })),
    ]);
    assertEquals(all.size, 4);
    const scratch = await transfer(config, "digits", {
      ...finetune,
      of: "init",
      shots: 2,
      draws: [0],
    });
    assertEquals([scratch.of, scratch.images], ["init", [20]]);
  }));

Deno.test("transfer() names what it cannot do", () =>
  inOutputs(async () => {
    const fails = (set: string, options: object, type: typeof Error, text: string) =>
      assertRejects(() => transfer(config, set as "digits", { ...key, ...options }), type, text);
    await fails(
      "digit",
      {},
      RangeError,
      'Cannot transfer to "digit": the sets are emoji_identity,',
    );
    await fails(
      "digits",
      { protocol: "svm" },
      RangeError,
      'by "svm": the protocols are knn, probe',
    );
    await fails("digits", { draws: [0] }, RangeError, "need one or more, and shots with them");
    await fails("digits", { shots: 1.5 }, RangeError, "1.5 images of each class");
    await fails(
      "digits",
      { folder: "/tmp" },
      RangeError,
      '"digits" from a folder: it is made here',
    );
    await fails(
      "dtd",
      { folder: "/nowhere" },
      Error,
      "Cannot find DTD: there is no folder /nowhere",
    );
  }));

Deno.test("lossBy() is the cross-entropy with each image's class, or the mean of each class's own", () => {
  const logits = [[1, -2, 0.5], [0.3, 0.2, -1]];
  const loss = (truth: Parameters<typeof lossBy>[0], numbers: number[]) =>
    tf.tidy(() => lossBy(truth)(tf.tensor2d(logits), Int32Array.from(numbers)).dataSync()[0]!);
  const labels = Int32Array.of(0, 2, 1);
  const logSum = (row: readonly number[]) => Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
  const expected = (logSum(logits[0]!) - 0.5 + logSum(logits[1]!) - 0.3) / 2; // classes 2 and 0
  assertClose(loss({ numClasses: 3, labels }, [1, 0]), expected, 1e-6);
  const several = Int8Array.of(1, -1, 0, -1, -1, 1);
  const own = [[1, -1, 0], [-1, -1, 1]];
  const binary = own.flatMap((row, i) =>
    row.map((y, c) => y === 0 ? 0 : Math.log(1 + Math.exp(-y * logits[i]![c]!)))
  );
  const mean = binary.reduce((sum, x) => sum + x, 0) / 6;
  const truth = { numClasses: 3, labels: Int32Array.of(-1, -1), several };
  assertClose(loss(truth, [0, 1]), mean, 1e-6);
});

Deno.test("scores of a shipped run, and a shipped fine-tuning, are loaded; others are computed from the shipped weights", () =>
  inOutputs(async (folder) => {
    const protocols = ["knn", "finetune"] as const;
    const scoreBy = (options: Partial<TransferOptions>) =>
      transfer(config, "digits", { ...key, ...options });
    const trained: TransferResult[] = [];
    for (const protocol of protocols) trained.push(await scoreBy({ protocol }));
    const to = Deno.makeTempDirSync();
    const here = Deno.makeTempDirSync();
    try {
      writeShipping(planShipping({ outputs: folder, to, patterns: ["test*"], weights: ["test*"] }));
      await withVariables({ BCSSL_OUTPUTS: here, BCSSL_SHIPPED: to }, async () => {
        for (const [i, protocol] of protocols.entries()) {
          assertEquals(await scoreBy({ protocol, signal: stopped }), trained[i]);
        }
        assertEquals([...Deno.readDirSync(here)], [], "nothing was computed");
        const { run, scores } = await scoreBy({ protocol: "knn", shots: 2, draws: [0] });
        assertEquals([run, scores.length], [trained[0]!.run, 1]);
      });
    } finally {
      for (const path of [to, here]) Deno.removeSync(path, { recursive: true });
    }
  }));
