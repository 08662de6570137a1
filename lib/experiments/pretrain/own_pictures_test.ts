/**
 * Tests the verbs on a person's own folders: with all that people put into them, and with changes
 * after training.
 */
import sharp from "sharp";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { override, type PretrainConfig, runId } from "lib/experiments/configs/config.ts";
import { knn } from "lib/experiments/measure/knn_scores.ts";
import { linearProbe } from "lib/experiments/measure/linear_probe.ts";
import { nearestImages } from "lib/experiments/measure/nearest_images.ts";
import { baselineScores } from "./baseline_scores.ts";
import { pretrain } from "./pretrain.ts";
import { supervised } from "./supervised.ts";
import { imageCount } from "lib/datasets/pictures/images.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { inOutputs } from "lib/testing/outputs.ts";

const options = { scale: "smoke", seed: 0 } as const;
const small = override(bcSslStart, {
  name: "mine",
  recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
  scales: { smoke: { trainCount: 24, testCount: 12, batchSize: 4, epochs: 1, monitorEvery: 3 } },
});

const colours: Readonly<Record<string, string>> = {
  blue: "#2030d0",
  green: "#20a030",
  red: "#d02020",
  white: "#f0f0f0",
};

async function paint(path: string, colour: string): Promise<void> {
  await sharp({ create: { width: 24, height: 24, channels: 3, background: colour } })
    .png().toFile(path);
}

/**
 * Makes pictures of one colour each, in a folder for each of `classes`. Pictures without classes
 * lie in the folder itself.
 */
async function folderOf(path: string, classes: readonly string[] | "flat"): Promise<void> {
  for (const name of classes === "flat" ? Object.keys(colours) : classes) {
    const inside = classes === "flat" ? path : `${path}/${name}`;
    await Deno.mkdir(inside, { recursive: true });
    for (let i = 0; i < 4; i++) await paint(`${inside}/${name}${i}.png`, colours[name]!);
  }
}

type Classes = Parameters<typeof folderOf>[1];

function inFolders(
  train: Classes,
  test: Classes,
  run: (config: PretrainConfig, folder: string) => Promise<void>,
): Promise<void> {
  return inOutputs(async (outputs) => {
    const folder = await Deno.makeTempDir();
    try {
      await folderOf(`${folder}/train`, train);
      await folderOf(`${folder}/test`, test);
      const data = { kind: "folder", train: `${folder}/train`, test: `${folder}/test` } as const;
      await run({ ...small, data }, outputs);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

function foldersOf({ data }: PretrainConfig): { readonly train: string; readonly test: string } {
  return data as PretrainConfig["data"] & { readonly kind: "folder" };
}

Deno.test("test pictures that lack a class of the training pictures are scored against the right ones", () =>
  inFolders(Object.keys(colours), ["green", "red", "white"], async (config) => {
    await Deno.mkdir(`${foldersOf(config).train}/__MACOSX`);
    await Deno.mkdir(`${foldersOf(config).test}/aardvark`); // no picture, so no class
    const { accuracies } = await knn(config, { ...options, of: "pixels" });
    assertEquals(accuracies[0]!.top1, 1);
  }));

Deno.test("a class that only the test pictures have is refused before the first step", () =>
  inFolders(["green", "red"], ["green", "red", "white"], async (config) => {
    const onEvent = () => {
      throw new Error("a step was taken");
    };
    const run = () => pretrain(config, { ...options, onEvent });
    await assertRejects(run, Error, "its class white is not among the 2 of");
  }));

Deno.test("pictures without classes train to the end without a monitor; what needs classes says so", () =>
  inFolders("flat", "flat", async (config, outputs) => {
    const scoring = () => baselineScores(config, { scale: "smoke", seeds: [0] });
    await assertRejects(scoring, RangeError, "Cannot score baselines: the pictures of");
    assertTrue(
      ![...Deno.readDirSync(outputs)].some(({ name }) => name.startsWith("mine")),
      "trained",
    );
    const said: string[] = [];
    const onWarning = (line: string) => void said.push(line);
    const trained = await pretrain(config, { ...options, onWarning });
    assertEquals([trained.step, trained.finished], [4, true]);
    assertTrue(trained.history.every(({ metrics }) => !("knn20Top1" in metrics)), "measured");
    assertEquals(
      said.filter((line) => line.startsWith("No k-NN is measured on the way")).length,
      1,
    );
    let steps = 0;
    assertEquals(await pretrain(config, { ...options, onEvent: () => void steps++ }), trained);
    assertEquals(steps, 0);
    const need = "have no classes; sort them into one subfolder for each class";
    await assertRejects(
      () => knn(config, options),
      RangeError,
      "Cannot score a k-NN: the pictures of",
    );
    for (const verb of [knn, linearProbe, supervised] as const) {
      await assertRejects(() => verb(config, options), RangeError, need);
    }
    const { images, columns } = await nearestImages(config, { ...options, k: 2 });
    assertEquals([imageCount(images), columns], [24, 3]);
  }));

Deno.test("pictures of one class train without a monitor", () =>
  inFolders(["red"], ["red"], async (config) => {
    const said: string[] = [];
    const onWarning = (line: string) => void said.push(line);
    const { finished } = await pretrain(config, { ...options, onWarning });
    assertEquals(finished, true);
    assertTrue(
      said.some((line) => line.endsWith("has one class, red; two or more are needed")),
      "said",
    );
    await assertRejects(() => linearProbe(config, options), RangeError, "has one class, red");
  }));

Deno.test("a fresh start that was interrupted goes on only with the same pictures", () =>
  inFolders(["green", "red"], ["green", "red"], async (config) => {
    const steps: number[] = [];
    const fresh = (stopAt = Infinity) => {
      const stop = new AbortController();
      const onEvent = ({ step }: { step: number }) => {
        steps.push(step);
        if (step === stopAt) stop.abort();
      };
      return pretrain(config, { ...options, fresh: true, onEvent, signal: stop.signal });
    };
    await fresh(1);
    await paint(`${foldersOf(config).train}/red/red0.png`, "#d02028"); // as many steps as before
    const { finished, totalSteps } = await fresh();
    assertEquals([finished, totalSteps, steps], [true, 2, [1, 1, 2]]);
  }));

Deno.test("a finished run and its evaluations do not load for pictures that have changed; fresh trains again", () =>
  inFolders(["green", "red"], ["green", "red"], async (config, outputs) => {
    const trained = await pretrain(config, options);
    await knn(config, options);
    await nearestImages(config, { ...options, k: 1 });
    const { train, test } = foldersOf(config);
    await paint(`${train}/red/new.png`, "#d02020");
    await paint(`${train}/green/green1.png`, "#1010f0");
    await Deno.remove(`${test}/red/red0.png`);
    const changed =
      `of ${train}, 1 added (red/new.png), 1 changed (green/green1.png); of ${test}, 1 removed (red/red0.png)`;
    const fails = (run: () => Promise<unknown>) => assertRejects(run, Error, changed);
    await fails(() => pretrain(config, options));
    await fails(() => knn(config, options));
    await fails(() => linearProbe(config, options));
    await fails(() => nearestImages(config, { ...options, k: 1 }));
    await assertRejects(() => pretrain(config, options), Error, "{ fresh: true }");
    const again = await pretrain(config, { ...options, fresh: true });
    assertEquals(again.run, trained.run);
    assertEquals(await pretrain(config, options), again);
    const { accuracies } = await knn(config, options);
    assertEquals(accuracies[1]!.top1, again.history.at(-1)!.metrics.knn20Top1!);
    // A twin is a run of its own.
    await supervised(config, options);
    await paint(`${train}/red/more.png`, "#d02020");
    await assertRejects(() => supervised(config, options), Error, "1 added (red/more.png)");
    // The same pictures elsewhere, written at another time, are the same.
    await Deno.remove(`${train}/red/more.png`);
    await Deno.utime(`${train}/red/red1.png`, 1, 1);
    assertEquals(await pretrain(config, options), again);
    // Without the folders, what was measured still loads.
    await Deno.rename(train, `${train} away`);
    const said: string[] = [];
    const onWarning = (line: string) => void said.push(line);
    assertEquals(await pretrain(config, { ...options, onWarning }), again);
    assertTrue(said.some((line) => line.startsWith("Cannot compare the pictures of run")), "said");
    // A run from before pictures were noted says that it does not know.
    await Deno.rename(`${train} away`, train);
    await Deno.remove(`${outputs}/${again.run}/pictures.json`);
    said.length = 0;
    assertEquals(await pretrain(config, { ...options, onWarning }), again);
    assertTrue(said.some((line) => line.includes("does not say which pictures")), said.join("\n"));
  }));

Deno.test("a limit of damaged pictures does not change a run's name", () => {
  const data = { kind: "folder", train: "/a", test: "/b" } as const;
  const id = (data: PretrainConfig["data"]) => runId({ config: { ...small, data }, ...options });
  assertEquals(id({ ...data, maxBadFraction: 0.5 }), id(data));
  assertTrue(id({ ...data, test: "/c" }) !== id(data), "another folder, another run");
});
