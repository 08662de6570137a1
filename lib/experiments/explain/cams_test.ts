import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { type ImageSet, subset } from "lib/datasets/pictures/images.ts";
import { imageBatch } from "lib/eval/features/features.ts";
import { camScores, eigenCam, gradCam } from "lib/explain/mod.ts";
import { createModel, resNetConfig } from "lib/models/mod.ts";
import { disposeTree } from "lib/nn/parameters.ts";
import { saveWeights } from "lib/weights/weights.ts";
import { cams, scoreCams } from "lib/experiments/explain/cams.ts";
import { override, recipeAt, runId } from "lib/experiments/configs/config.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { loadData } from "lib/experiments/configs/data.ts";
import { assertClose, assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const config = override(bcSslStart, {
  name: "cams",
  recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
});
const layers = ["stages.1.0"]; // 4 × 4 positions of these small images; the last has one
const run = { name: "ours", config, scale: "smoke", seed: 0, of: "init", layers } as const;
const { model: modelConfig, crops: { stats } } = recipeAt(config, "smoke");

/** A few test images, each with a square as the mask of its object. */
async function images(count: number): Promise<ImageSet> {
  const { test } = await loadData(config.data, config.scales.smoke);
  const few = subset(test, Array.from({ length: count }, (_, i) => i));
  const inSquare = (p: number) => p % 32 >= 8 && p % 32 < 20 && p % 1024 >= 256 && p % 1024 < 800;
  return {
    ...few,
    masks: Uint8Array.from({ length: count * 1024 }, (_, p) => inSquare(p) ? 255 : 0),
  };
}

/** Runs a test with `outputs/` in a temporary folder. */
async function inOutputs(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  Deno.env.set("BCSSL_OUTPUTS", folder);
  Deno.env.set("BCSSL_SHIPPED", "none");
  try {
    await test(folder);
  } finally {
    Deno.env.delete("BCSSL_OUTPUTS");
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("cams() explains a run by a classifier that it fits once and keeps, until the weights change", () =>
  inOutputs(async (folder) => {
    const set = await images(18);
    const { rows: [first] } = await cams([run], set);
    assertEquals([first!.gradCam!.length, first!.eigenCam.length], [18, 18]);
    const { classIndex, className, values } = first!.gradCam![17]!;
    assertEquals(className, set.classNames[classIndex]);
    const path = `${folder}/${runId(run)}/classifier-init.safetensors`;
    const written = Deno.statSync(path).mtime;
    const numTensors = tf.memory().numTensors;
    const { rows: [again] } = await cams([run], set);
    assertEquals([again!.gradCam![17]!.values, Deno.statSync(path).mtime], [values, written]);
    assertEquals(tf.memory().numTensors, numTensors);

    const weights = `${folder}/weights.safetensors`;
    const save = async (seed: number) => {
      const model = createModel(modelConfig, createRng(seed));
      await saveWeights(model, weights);
      disposeTree(model.params);
    };
    const other = { ...run, of: { weights } };
    await save(1);
    const before = await cams([other], set);
    await save(2);
    Deno.utimeSync(weights, 1, 1); // however coarse the clock
    const after = await cams([other], set);
    assertTrue(
      String(before.rows[0]!.gradCam![0]!.values) !== String(after.rows[0]!.gradCam![0]!.values),
      "the maps of new weights are new",
    );
  }));

Deno.test("cams() without Grad-CAM fits no classifier, and has the same Eigen-CAM", () =>
  inOutputs(async (folder) => {
    const set = await images(2);
    const { rows: [row] } = await cams([run], set, { gradCam: false });
    assertEquals([row!.gradCam, row!.layers], [undefined, layers]);
    assertEquals([...Deno.readDirSync(folder)], []);
    const { rows: [both] } = await cams([run], set);
    assertEquals(row!.eigenCam, both!.eigenCam);
  }));

Deno.test("cams() of a given network are the maps of gradCam() and eigenCam(), in the order of the images", async () => {
  const set = await images(18);
  using model = createModel(modelConfig, createRng(3), { numClasses: 10 });
  using bare = createModel(modelConfig, createRng(3));
  const { rows: [row, other] } = await cams(
    [{ name: "all", model, stats, layers }, { name: "no classifier", model: bare, stats, layers }],
    set,
    { explain: "choice" },
  );
  const x = imageBatch(set, 0, 18, stats);
  const [grads, eigens] = [
    await gradCam(model, x, { layers }),
    await eigenCam(model, x, { layers }),
  ];
  x.dispose();
  for (const i of [0, 15, 16, 17]) {
    assertClose(row!.gradCam![i]!.values, grads[i]!.values, 1e-4);
    assertEquals(row!.gradCam![i]!.className, `class ${grads[i]!.classIndex}`);
    assertClose(row!.eigenCam[i]!.values, eigens[i]!.values, 1e-4);
  }
  assertEquals([other!.name, other!.gradCam, other!.eigenCam.length], [
    "no classifier",
    undefined,
    18,
  ]);
  const resNet = { ...resNetConfig(18), depths: [1, 1], dims: [4, 8] };
  using fc = createModel(resNet, createRng(3), { numClasses: 10 });
  const ofResNet = await cams([{ name: "its classifier has another name", model: fc }], set);
  assertEquals(ofResNet.rows[0]!.gradCam?.length, 18);
  const { mean, std } = stats;
  const shifted = { mean: [0, 0, 0], std: [...std] } as unknown as typeof stats;
  assertTrue(mean[0] !== 0, "so that other statistics are another input");
  const { rows: [moved] } = await cams([{ name: "shifted", model, stats: shifted, layers }], set);
  assertTrue(String(moved!.eigenCam[0]!.values) !== String(row!.eigenCam[0]!.values), "stats");
});

Deno.test("scoreCams() gives the mean of each score with its error, of the images' own classes", async () => {
  const set = await images(18);
  using model = createModel(modelConfig, createRng(3), { numClasses: 10 });
  using bare = createModel(modelConfig, createRng(3));
  const named = { name: "ours", model, stats, layers, classNames: set.classNames };
  const rows = await scoreCams([named, { name: "bare", model: bare, stats, layers }], set, {
    threshold: 0.3,
  });
  assertEquals(
    rows.map(({ name, method, kernelSize, threshold }) => [name, method, kernelSize, threshold]),
    [
      ["ours", "Grad-CAM", 7, 0.3],
      ["ours", "Eigen-CAM", 7, 0.3],
      ["bare", "Eigen-CAM", 7, 0.3],
    ],
  );
  const x = imageBatch(set, 0, 18, stats);
  const maps = await gradCam(model, x, { layers, classes: [...set.labels] });
  x.dispose();
  const scores = maps.map((map, i) =>
    camScores(map, set.masks!.subarray(i * 1024, (i + 1) * 1024), { threshold: 0.3 })
  );
  for (const name of ["iou", "energy", "hotArea", "covered", "objectArea"] as const) {
    const mean = scores.reduce((sum, score) => sum + score[name], 0) / 18;
    const variance = scores.reduce((sum, score) => sum + (score[name] - mean) ** 2, 0) / 17;
    const actual = rows[0]!.scores[name];
    assertEquals(actual.n, 18);
    assertClose([actual.mean, actual.standardError], [mean, Math.sqrt(variance / 18)], 2e-3);
  }
});

Deno.test("cams() and scoreCams() say what is missing", () =>
  inOutputs(async () => {
    const set = await images(2);
    using model = createModel(modelConfig, createRng(0), { numClasses: 10 });
    const network = { name: "n", model, stats, layers };
    const none = subset(set, []);
    await assertRejects(() => cams([network], none), RangeError, "there are none");
    const unnamed = { ...network, layers: undefined };
    const last = () => cams([unnamed], set, { layer: "last" });
    await assertRejects(last, RangeError, '"stages.3.0" as a map: of 32×32');
    const { rows: [deep] } = await cams([unnamed], set);
    assertEquals(deep!.layers, ["stages.0.0"]); // 8 × 8 positions; the next stage has 4 × 4
    await assertRejects(() => cams([{ ...run, of: "teacher" }], set), Error, "call pretrain()");
    const byLabel = (images: ImageSet) => () => cams([network], images, { explain: "label" });
    await assertRejects(byLabel(set), RangeError, "the network was given other classes");
    const known = { ...network, classNames: set.classNames };
    const unlabelled = { ...set, labels: Int32Array.of(0, -1) };
    const ask = () => cams([known], unlabelled, { explain: "label" });
    await assertRejects(ask, RangeError, "an image has none");
    const bare = { ...set, masks: undefined };
    await assertRejects(() => scoreCams([known], bare), RangeError, "as the emoji have");
    const stop = AbortSignal.abort();
    await assertRejects(() => cams([network], set, { signal: stop }), Error, "Stopped the class");
  }));
