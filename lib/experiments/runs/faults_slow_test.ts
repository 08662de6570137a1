/**
 * Tests what may go wrong with a run on disk: each fault ends in a clear message, and nothing that
 * was saved is lost.
 */
import pl from "nodejs-polars";
import sharp from "sharp";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { override } from "lib/experiments/configs/config.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import type { TrainOptions, TrainResult } from "./train_run.ts";
import { runHistory, runs } from "./registry.ts";
import { speedNames } from "lib/runs/speed_meter.ts";
import { assertEquals, assertRejects, assertThrows, assertTrue } from "lib/testing/assert.ts";

const tiny = override(bcSslStart, {
  name: "faults",
  recipe: {
    model: { depths: [1, 1, 1, 1], dims: [8, 8, 8, 8], kernelSize: 3 },
    head: { hiddenDim: 16, bottleneckDim: 8, outDim: 32 },
  },
  scales: { smoke: { trainCount: 64, testCount: 32, batchSize: 16, epochs: 2, monitorEvery: 3 } },
});

interface Stage {
  readonly folder: string;
  /** Trains to a step, by default to the end, step 8. There is a checkpoint after every step. */
  train(untilStep?: number, options?: Partial<TrainOptions>): Promise<TrainResult>;
  /** All warnings since the last call. */
  warnings(): string;
}

/** Runs with `outputs/` in a folder of its own. */
async function onStage(body: (stage: Stage) => Promise<void>, folder = Deno.makeTempDirSync()) {
  Deno.env.set("BCSSL_OUTPUTS", folder);
  Deno.env.set("BCSSL_SHIPPED", "none");
  const warned: string[] = [];
  const train: Stage["train"] = (untilStep, options) =>
    pretrain(tiny, {
      scale: "smoke",
      seed: 0,
      checkpointSeconds: 0,
      untilStep,
      onWarning: (message) => void warned.push(message),
      ...options,
    });
  try {
    await body({ folder, train, warnings: () => warned.splice(0).join("\n") });
  } finally {
    Deno.env.delete("BCSSL_OUTPUTS");
    Deno.removeSync(folder, { recursive: true });
  }
}

/** The run as it is when nothing goes wrong. */
let undisturbed: TrainResult;
await onStage(async ({ train }) => void (undisturbed = await train()));

const runPath = (folder: string) => `${folder}/${undisturbed.run}`;

function checkpointsIn(folder: string): string[] {
  return [...Deno.readDirSync(runPath(folder))].map(({ name }) => name)
    .filter((name) => /^(best|checkpoint-\d+)\.safetensors$/.test(name)).sort();
}

/** Ruins the newest checkpoint. */
function ruinNewest(folder: string, how: "cut short" | "one bit"): string {
  const path = `${runPath(folder)}/${checkpointsIn(folder).at(-1)}`;
  const bytes = Deno.readFileSync(path);
  if (how === "one bit") bytes[bytes.length - 1]! ^= 4;
  Deno.writeFileSync(path, how === "one bit" ? bytes : bytes.subarray(0, bytes.length / 2));
  return path;
}

Deno.test("the newest two checkpoints stay, and the best one", () =>
  onStage(async ({ folder, train }) => {
    const { history, run } = await train();
    const scores = history.flatMap(({ step, metrics }) =>
      metrics.knn20Top1 === undefined ? [] : [{ step, top1: metrics.knn20Top1 }]
    );
    const best = scores.reduce((a, b) => b.top1 > a.top1 ? b : a);
    const [first, newest, ...more] = checkpointsIn(folder);
    assertEquals([first, more], ["best.safetensors", ["checkpoint-00000008.safetensors"]]);
    assertTrue(/checkpoint-0000000[3-7]/.test(newest!), newest!);
    const row = runs().toRecords()[0]!;
    assertEquals([row.id, row.bestKnnStep, row.bestKnn], [run, best.step, best.top1]);
    const saved = Deno.readTextFileSync(`${runPath(folder)}/best.safetensors`).slice(8, 4000);
    assertTrue(saved.includes(`"step":"${best.step}"`), "the best checkpoint is of another step");
  }));

for (const how of ["cut short", "one bit"] as const) {
  Deno.test(`a newest checkpoint with ${how} falls back to the one before, and says so`, () =>
    onStage(async ({ folder, train, warnings }) => {
      await train(4);
      await train(6);
      const ruined = ruinNewest(folder, how);
      assertEquals(await train(), undisturbed);
      const said = warnings();
      assertTrue(said.includes(ruined), said);
      assertTrue(/going on from step [45] instead/.test(said), said);
    }));
}

Deno.test("a finished run whose checkpoint is ruined is not called finished, but mended", () =>
  onStage(async ({ folder, train, warnings }) => {
    await train();
    ruinNewest(folder, "one bit");
    assertEquals(await train(), undisturbed);
    assertTrue(warnings().includes("instead"), "it was said");
    assertEquals(await train(), undisturbed);
    assertEquals(warnings(), "");
  }));

/** A new file: the best checkpoint may be the old one under another name. */
function replaceByRubbish(path: string): void {
  Deno.removeSync(path);
  Deno.writeTextFileSync(path, "x");
}

Deno.test("with both checkpoints ruined the best one serves; with all three the error says { fresh: true }", () =>
  onStage(async ({ folder, train, warnings }) => {
    await train(5);
    const names = checkpointsIn(folder);
    assertEquals(names.length, 3);
    for (const name of names.slice(1)) replaceByRubbish(`${runPath(folder)}/${name}`);
    assertEquals(await train(), undisturbed);
    assertTrue(warnings().includes("going on from step 3 instead"), "from the best");
    for (const name of checkpointsIn(folder)) replaceByRubbish(`${runPath(folder)}/${name}`);
    await assertRejects(() => train(), Error, "give { fresh: true }");
    assertEquals(await train(undefined, { fresh: true }), undisturbed);
  }));

Deno.test("metrics cut short in the middle are said to be damaged; the run goes on to the same end", () =>
  onStage(async ({ folder, train, warnings }) => {
    await train(6);
    const path = `${runPath(folder)}/metrics.jsonl`;
    const lines = Deno.readTextFileSync(path).split("\n");
    Deno.writeTextFileSync(path, lines.slice(0, 3).join("\n") + '\n{"step":4,"lo');
    const { history, finished } = await train();
    const said = warnings();
    assertTrue(said.includes("metrics.jsonl is damaged: it lacks"), said);
    assertTrue(finished, "finished");
    assertEquals(history.at(-1), undisturbed.history.at(-1));
    assertEquals(history.map(({ step }) => step).slice(-2), [7, 8]);
  }));

Deno.test("two trainers on one run: the second is told who has it; a finished run is read without a lock", () =>
  onStage(async ({ train }) => {
    const running = train(undefined, {
      onEvent: async ({ step }) => {
        if (step === 2) await assertRejects(() => train(), Error, "this process on");
      },
    });
    assertEquals(await running, undisturbed);
    assertEquals(await train(), undisturbed);
  }));

Deno.test("a disk that is full when a checkpoint is written leaves the last one, and no half of the new", () =>
  onStage(async ({ folder, train }) => {
    await train(4);
    const before = checkpointsIn(folder);
    const path = `${runPath(folder)}/checkpoint-00000005.safetensors`;
    // A checkpoint is first written to this name.
    const fill = () => Deno.symlinkSync("/dev/full", `${path}.${Deno.pid}.partial`);
    const onEvent = ({ step }: { step: number }) => step === 5 ? fill() : undefined;
    const message = await train(5, { checkpointSeconds: 60, onEvent })
      .then(() => "", (error: Error) => error.message);
    assertTrue(message.startsWith(`Cannot write ${path}: No space left on device`), message);
    assertTrue(message.endsWith("it goes on from step 4"), message);
    assertEquals(checkpointsIn(folder), before);
    const left = [...Deno.readDirSync(runPath(folder))].map(({ name }) => name);
    assertEquals(left.filter((name) => name.endsWith(".partial")), []);
    assertEquals(await train(), undisturbed);
  }));

Deno.test("outputs that cannot be written end in one line; a finished run is loaded without writing", () =>
  onStage(async ({ folder, train }) => {
    await train();
    const files = () =>
      [...Deno.readDirSync(runPath(folder))].map(({ name }) => {
        const { mtime, size } = Deno.statSync(`${runPath(folder)}/${name}`);
        return `${name} ${mtime?.getTime()} ${size}`;
      }).sort();
    const before = files();
    assertEquals(await train(), undisturbed);
    assertEquals(files(), before);
    Deno.env.set("BCSSL_OUTPUTS", "/proc/none");
    await assertRejects(() => train(), Error, "Cannot write the run to /proc/none");
  }));

Deno.test("a step that is not finite names a tensor, and the checkpoint before it stands", () =>
  onStage(async ({ folder }) => {
    const wild = override(tiny, { recipe: { lr: 1e36, warmupShare: 0 } });
    const options = { scale: "smoke", seed: 0, checkpointSeconds: 60 } as const;
    const first = await pretrain(wild, { ...options, untilStep: 1 });
    const path = `${folder}/${first.run}`;
    const before = Deno.readFileSync(`${path}/checkpoint-00000001.safetensors`);
    const failing = () => pretrain(wild, options);
    await assertRejects(failing, RangeError, "Cannot take a step: the loss is NaN");
    await assertRejects(failing, RangeError, "lower lr");
    assertEquals(Deno.readFileSync(`${path}/checkpoint-00000001.safetensors`), before);
    const names = [...Deno.readDirSync(path)].map(({ name }) => name);
    assertEquals(names.filter((name) => /checkpoint|best|partial/.test(name)).length, 1);
  }));

Deno.test("an image folder may vanish while its run trains, as it was read before; a later call names it", () =>
  onStage(async ({ folder, train }) => {
    const images = `${folder}/images`;
    await writeImages(images);
    const own = { ...tiny, data: { kind: "folder", train: images, test: images } } as const;
    const options = { scale: "smoke", seed: 0 } as const;
    const onEvent = ({ step }: { step: number }) =>
      step === 1 ? Deno.removeSync(images, { recursive: true }) : undefined;
    const stopped = await pretrain(own, { ...options, untilStep: 3, onEvent });
    assertEquals(stopped.step, 3);
    await assertRejects(() => pretrain(own, options), Error, images);
    await writeImages(images);
    assertTrue((await pretrain(own, options)).finished, "finished");
    assertEquals(await train(), undisturbed); // beside it
  }));

/** 32 images of two classes. */
async function writeImages(folder: string): Promise<void> {
  for (let i = 0; i < 32; i++) {
    const path = `${folder}/${i % 2 === 0 ? "dark" : "light"}`;
    Deno.mkdirSync(path, { recursive: true });
    const background = { r: 5 * i, g: 120 * (i % 2), b: 50 };
    await sharp({ create: { width: 40, height: 40, channels: 3, background } })
      .png().toFile(`${path}/${i}.png`);
  }
}

Deno.test("a collapse is told once in a call and recorded once in a run, a resumed one too; speeds are recorded", () =>
  onStage(async () => {
    const bare = override(tiny, { // without a centre and with a sharp teacher, DINO collapses
      recipe: { lr: 0.3, centerMomentum: 1, teacherTemp: 0.002, warmupTeacherTemp: 0.002 },
      scales: { smoke: { batchSize: 8, epochs: 40, monitorEvery: 1000 } },
    });
    const warned: string[] = [];
    const onWarning = (message: string) => void warned.push(message);
    const go = (untilStep: number, fresh = false) =>
      pretrain(bare, { scale: "smoke", seed: 0, untilStep, fresh, onWarning });
    const straight = await go(200);
    const begun = straight.history.filter(({ metrics }) => "alarmOnePrototype" in metrics);
    assertEquals(begun.length, 1);
    const { step } = begun[0]!;
    assertEquals(warned.map((text) => text.startsWith(`Step ${step}: Collapse`)), [true]);
    assertEquals(runs().getColumn("alarms").toArray(), ["alarmOnePrototype"]);
    const speeds = runHistory(straight.run);
    for (const name of speedNames) {
      const values = speeds.getColumn(name).toArray().filter((value) => value !== null);
      assertTrue(
        values.length > 0 && values.every((value) => Number(value) >= 0),
        `${name} ${values}`,
      );
    }
    // Interrupts the run before the alarm, half-way through the steps that raise it, and after it.
    for (const cut of [step - 50, step + 10]) {
      warned.length = 0;
      await go(cut, true);
      assertEquals(await go(200), straight);
      assertTrue(warned.every((text) => text.startsWith(`Step ${step}: Collapse`)), `${warned}`);
      assertEquals(warned.length, cut < step ? 1 : 2); // each call warns
    }
  }));

Deno.test("runs() has a row for each run, runHistory() a row for each step, as metrics.parquet has", () =>
  onStage(async ({ folder, train }) => {
    assertEquals(runs().height, 0);
    const { run } = await train(4);
    await pretrain(override(tiny, { recipe: { model: { kernelSize: 5 } } }), {
      scale: "smoke",
      seed: 1,
    });
    Deno.mkdirSync(`${folder}/figures`); // no run
    const [later, earlier] = runs().toRecords();
    assertEquals([later!.kernelSize, later!.seed, later!.finished, later!.step], [5, 1, true, 8]);
    assertEquals([earlier!.id, earlier!.dataset], [run, "fashion-mnist, placed"]);
    assertEquals([earlier!.finished, earlier!.step, earlier!.totalSteps], [false, 4, 8]);
    assertEquals([earlier!.lastKnnStep, earlier!.alarms, earlier!.arch], [3, null, "convnext"]);
    assertTrue(Number(later!.minutes) > 0 && Number(later!.lastKnn) > 0, "time and k-NN");
    const history = runHistory(run);
    assertEquals(history.getColumn("step").toArray(), [1, 2, 3, 4]);
    const { metrics } = undisturbed.history[2]!;
    assertEquals(history.getColumn("loss").toArray()[2], metrics.loss);
    assertEquals(history.getColumn("knn20Top1").toArray(), [null, null, metrics.knn20Top1, null]);
    const parquet = pl.readParquet(`${runPath(folder)}/metrics.parquet`);
    assertEquals(parquet.toRecords(), history.toRecords());
    assertThrows(() => runHistory("none-0"), Error, 'Cannot find run "none-0"');
  }));

Deno.test("a run says what it is and where it was trained", () =>
  onStage(async ({ folder, train }) => {
    await train(2);
    await train(3);
    const read = (name: string) => JSON.parse(Deno.readTextFileSync(`${runPath(folder)}/${name}`));
    const { recipe, scale, seed } = read("config.json");
    assertEquals([recipe.batchSize, recipe.epochs, recipe.crops.globalSize], [16, 2, 32]);
    assertEquals([scale, seed], ["smoke", 0]);
    const { sessions } = read("environment.json");
    assertEquals(sessions.map(({ fromStep }: { fromStep: number }) => fromStep), [0, 2]);
    const { versions, cpu, threads, kernels } = sessions[0];
    assertEquals(versions.deno, Deno.version.deno);
    assertTrue(typeof versions.tfjs === "string" && cpu !== "" && kernels !== "", "versions");
    assertTrue(threads > 0, `${threads} threads`);
  }));
