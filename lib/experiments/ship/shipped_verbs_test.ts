/** Loads shipped runs where `outputs/` has none, by every verb. */
import { join } from "@std/path";
import * as tf from "lib/tf.ts";
import { override } from "lib/experiments/configs/config.ts";
import { detectIn } from "lib/experiments/detect/detect_in.ts";
import { finetuneDetector } from "lib/experiments/detect/finetune_detector.ts";
import { cams } from "lib/experiments/explain/cams.ts";
import { knn } from "lib/experiments/measure/knn_scores.ts";
import { linearProbe } from "lib/experiments/measure/linear_probe.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { runHistory, runs } from "lib/experiments/runs/registry.ts";
import { NotSavedError } from "lib/experiments/runs/saved_only.ts";
import { packagePath } from "lib/experiments/runs/shipped.ts";
import { packRun, unpackRun } from "lib/runs/run_package.ts";
import { dropWeights } from "./drop_weights.ts";
import { planShipping, writeShipping } from "./ship_runs.ts";
import { findSubject } from "lib/experiments/subjects/subject.ts";
import type { ShippedOrigin } from "lib/runs/shipped_origin.ts";
import { assertEquals, assertRejects, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { withVariables } from "lib/testing/outputs.ts";
import {
  at,
  config,
  copyOfShipped,
  detector,
  detectorRun,
  explained,
  filesIn,
  flipByte,
  ids,
  inFolders,
  key,
  measureAll,
  outputs,
  probing,
  shipped,
  someImages,
  steps,
  to,
  trained,
  twin,
  weightsOf,
} from "lib/testing/shipped_runs.ts";

Deno.test("shipped runs and their evaluations load as they were, without computing or writing", async () => {
  const measured = await shipped();
  const before = filesIn(to);
  await inFolders(async (here) => {
    assertEquals(await measureAll(), measured);
    assertEquals([...Deno.readDirSync(here)], []);
  }, { saved: "only" });
  assertEquals(filesIn(to), before);
  assertEquals([...before.keys()].filter((name) => name.endsWith(".run")).length, 4);
  assertTrue(measured.runs[0]!.history.length === steps, "a line for each step");
});

Deno.test("a cell hears where a shipped run was trained, and runs() and runHistory() show it", async () => {
  await shipped();
  const height = await inFolders(() => Promise.resolve(runHistory(ids[0]!)), { here: outputs });
  await inFolders(async (here) => {
    const origins: ShippedOrigin[] = [];
    const lines: number[] = [];
    const { totalSteps } = await pretrain(config, {
      ...at(0),
      onShipped: (origin) => void origins.push(origin),
      onStart: (past) => void lines.push(past.length),
    });
    assertEquals([origins.length, lines, totalSteps], [1, [steps], steps]);
    const session = JSON.parse(Deno.readTextFileSync(join(outputs, ids[0]!, "environment.json")))
      .sessions[0];
    assertEquals(origins[0]!.processors, [session.cpu]);
    assertEquals(origins[0]!.commits, session.commit ? [session.commit] : []);
    assertEquals(origins[0]!.date, new Date().toISOString().slice(0, 10));
    const loss = (frame: ReturnType<typeof runHistory>) => frame.getColumn("loss").toArray();
    assertEquals(loss(runHistory(ids[0]!)), loss(height));
    assertThrows(() => runHistory("none-12345678"), Error, "runs() lists those there are");

    const rows = () => runs().select("id", "origin", "finished").toRecords();
    const all = [...ids, twin, detectorRun].sort();
    assertEquals(rows().map(({ id }) => id).sort(), all);
    assertTrue(rows().every(({ origin, finished }) => origin === "shipped" && finished), "shipped");
    await pretrain(config, { ...at(1), fresh: true, untilStep: 2 });
    const here1 = rows().filter(({ origin }) => origin === "here");
    assertEquals(here1, [{ id: ids[1], origin: "here", finished: false }]);
    assertEquals([rows().length, [...Deno.readDirSync(here)].length], [4, 1]);
  });
});

Deno.test("shipped weights are the teacher's, rounded to float16, and are evaluated under the same version", async () => {
  await shipped();
  const whole = await inFolders(() => weightsOf("teacher"), { here: outputs });
  await inFolders(async (here) => {
    const half = await weightsOf("teacher");
    assertEquals([...half.keys()], [...whole.keys()]);
    for (const [name, values] of whole) {
      assertEquals(half.get(name), {
        rank: values.rank,
        values: values.rank < 2 ? values.values : values.values.map(Math.f16round),
      }, name);
    }
    assertEquals(findSubject(key(0), "teacher").version, `step ${steps}`);
    const { numTensors } = tf.memory();
    const fresh = await knn(config, { ...at(0), fresh: true });
    const { knn: [origin] } = await trained();
    assertEquals([fresh.version, fresh.run], [origin!.version, origin!.run]);
    fresh.accuracies.forEach(({ top1 }, i) =>
      assertTrue(Math.abs(top1 - origin!.accuracies[i]!.top1) < 0.05, `${top1}`)
    );
    assertEquals(tf.memory().numTensors, numTensors);
    // It lies in outputs/, which does not make the folder a run.
    assertEquals([...Deno.readDirSync(join(here, ids[0]!))].map(({ name }) => name), ["knn.json"]);
    assertEquals((await pretrain(config, at(0))).finished, true);
    assertEquals(runs().getColumn("origin").toArray().includes("here"), false);
    await withVariables({ BCSSL_SAVED: "only" }, async () => {
      assertEquals(await knn(config, at(0)), fresh);
    });
  });
});

Deno.test("results of shipped weights do not count for other weights of the same run", async () => {
  await shipped();
  const folder = copyOfShipped();
  await inFolders(async (here) => {
    await linearProbe(config, { ...at(0), epochs: 1, lrs: [0.02] });
    const path = join(here, ids[0]!, "linear.json");
    const before = Deno.readTextFileSync(path);
    const other = JSON.parse(before);
    other[0].shipped = "0";
    Deno.writeTextFileSync(path, JSON.stringify(other));
    const again = () => linearProbe(config, { ...at(0), epochs: 1, lrs: [0.02] });
    await withVariables({ BCSSL_SAVED: "only" }, () => assertRejects(again, NotSavedError, ""));
    await again();
    assertEquals(Deno.readTextFileSync(path), before);
  }, { shipped: folder });
});

Deno.test("results of shipped weights join the run's package, which else stays as it is", async () => {
  await shipped();
  const folder = copyOfShipped();
  const before = filesIn(folder);
  const probe = () => linearProbe(config, { ...at(0), epochs: 1, lrs: [0.02] });
  const add = async (measure: () => Promise<unknown>, more = (_: string) => {}) =>
    await inFolders(async (here) => {
      const result = await measure();
      more(here);
      const plan = planShipping({ outputs: here, to: folder });
      writeShipping(plan);
      return { plan, result };
    }, { shipped: folder });
  const { plan, result } = await add(probe);
  assertEquals(plan.runs.map(({ id, evaluations }) => [id, evaluations]), [[ids[0], ["linear"]]]);
  const changed = [...filesIn(folder)].filter(([name, hex]) => before.get(name) !== hex);
  assertEquals(changed.map(([name]) => name), [`${ids[0]}.run`]);
  await inFolders(async () => {
    assertEquals(await probe(), result);
    assertEquals(await pretrain(config, at(0)), (await shipped()).runs[0]!);
    await linearProbe(config, { ...at(0), ...probing }); // what was shipped before is there too
  }, { shipped: folder, saved: "only" });
  // The same result again changes nothing; one of other weights is left out, and said to be.
  const after = filesIn(folder);
  await add(() => linearProbe(config, { ...at(0), epochs: 1, lrs: [0.02], fresh: true }));
  assertEquals(filesIn(folder), after);
  const spoiled = await add(() => knn(config, { ...at(0), fresh: true }), (here) => {
    const path = join(here, ids[0]!, "knn.json");
    const entries = JSON.parse(Deno.readTextFileSync(path));
    Deno.writeTextFileSync(path, JSON.stringify([{ ...entries[0], shipped: "0" }]));
  });
  assertEquals(spoiled.plan.runs, []);
  assertTrue(spoiled.plan.notes.join().includes("a result in knn.json is left out"), "a note");
  assertEquals(filesIn(folder), after);
});

Deno.test("a classifier that was fitted to shipped weights joins the run's package, in half precision", async () => {
  await shipped();
  const folder = copyOfShipped();
  const network = { ...explained, layers: ["stages.0.0"], of: "teacher" } as const;
  const classes = async () =>
    (await cams([network], await someImages())).rows[0]!.gradCam!.map(({ className }) => className);
  const file = "classifier-teacher.safetensors";
  const path = packagePath(folder, ids[0]!);
  const { header, parts } = unpackRun(path, Deno.readFileSync(path));
  assertTrue(parts.has(file), "shipped with the run");
  const without = new Map([...parts].filter(([name]) => name !== file));
  Deno.writeFileSync(path, packRun({ header, parts: without }));
  const fitted = await inFolders(async (here) => {
    const named = await classes();
    writeShipping(planShipping({ outputs: here, to: folder }));
    return named;
  }, { shipped: folder });
  const added = unpackRun(path, Deno.readFileSync(path)).parts.get(file)!;
  assertTrue(added.length < 1.1 * parts.get(file)!.length, "as small as the one shipped at first");
  await inFolders(async (here) => {
    assertEquals(await classes(), fitted);
    assertEquals([...Deno.readDirSync(here)], []);
  }, { shipped: folder });
});

Deno.test("a shipped run without weights gives its numbers, and says in a line what would give weights", async () => {
  const measured = await shipped();
  await inFolders(async (here) => {
    assertEquals(await pretrain(config, at(1)), measured.runs[1]!);
    assertEquals(await knn(config, at(1)), measured.knn[1]!);
    const line = `Cannot load the weights of ${ids[1]}: the run is shipped with the project ` +
      "without its weights; pretrain(config, { scale, seed, fresh: true }) trains it here";
    const probe = () => linearProbe(config, { ...at(1), ...probing });
    await assertRejects(probe, NotSavedError, line);
    const images = await someImages();
    await assertRejects(() => cams([{ ...explained, seed: 1 }], images), NotSavedError, line);
    const student = () => knn(config, { ...at(0), of: "student" });
    await assertRejects(student, NotSavedError, "without its student; pretrain(config");
    assertEquals([...Deno.readDirSync(here)], []);
  });
});

Deno.test("a run whose weights were dropped keeps what was measured of them, and needs them for more", async () => {
  const measured = await shipped();
  const folder = copyOfShipped();
  const before = filesIn(folder);
  const probe = () => linearProbe(config, { ...at(0), epochs: 1, lrs: [0.02] });
  const probed = await inFolders(async (here) => {
    const result = await probe();
    writeShipping(planShipping({ outputs: here, to: folder }));
    assertEquals(dropWeights(folder, [ids[0]!, ids[1]!]), [ids[0]]); // the other has none
    assertEquals(dropWeights(folder, [ids[0]!]), []);
    return result;
  }, { shipped: folder });
  const names = [...before.keys()].filter((name) => name !== `${ids[0]}.safetensors`);
  assertEquals([...filesIn(folder).keys()], names);
  await inFolders(async (here) => {
    assertEquals(await knn(config, at(0)), measured.knn[0]!);
    assertEquals(await linearProbe(config, { ...at(0), ...probing }), measured.linear);
    assertEquals(await probe(), probed); // of the shipped weights, not of those that were trained
    assertEquals([...Deno.readDirSync(here)], []);
    const line = `Cannot load the weights of ${ids[0]}: the run is shipped with the project ` +
      "without its weights; pretrain(config";
    const other = () => linearProbe(config, { ...at(0), epochs: 2, lrs: [0.02] });
    await assertRejects(other, NotSavedError, line);
    const student = () => knn(config, { ...at(0), of: "student" });
    await assertRejects(student, NotSavedError, line);
  }, { shipped: folder });
  assertThrows(() => dropWeights(folder, ["none"]), RangeError, 'Cannot ship "none"');
});

Deno.test("fresh: true trains a shipped run here, to the same numbers; then its own weights count", async () => {
  const { runs: [origin] } = await shipped();
  await inFolders(async (here) => {
    await knn(config, { ...at(0), fresh: true });
    const stopped = await pretrain(config, { ...at(0), fresh: true, untilStep: 6 });
    assertEquals([stopped.step, stopped.finished], [6, false]);
    const taken: number[] = [];
    const onEvent = ({ step }: { step: number }) => void taken.push(step);
    assertEquals(await pretrain(config, { ...at(0), onEvent }), origin!);
    assertEquals(taken, [7, 8]); // it went on, and did not load the shipped run
    const { path } = findSubject(key(0), "teacher");
    assertTrue(path!.startsWith(here), path!);
    assertEquals((await knn(config, at(0))).accuracies, (await trained()).knn[0]!.accuracies);
  });
});

Deno.test("a shipped detector detects with its own weights, and a new one starts from a shipped backbone", async () => {
  await shipped();
  const picture = {
    width: 64,
    height: 64,
    channels: 3,
    data: new Uint8Array(64 * 64 * 3),
  } as const;
  await inFolders(async () => {
    const { run, version } = await detectIn(detector, picture, at(0));
    assertEquals([run, version], [detectorRun, "step 2"]);
    const other = override(detector, { name: "test_other" });
    assertEquals((await finetuneDetector(other, at(0))).finished, true);
    const seedOne = () => finetuneDetector(other, at(1));
    await assertRejects(seedOne, NotSavedError, `Cannot load the weights of ${ids[1]}`);
  });
});

Deno.test("BCSSL_SHIPPED=none hides the shipped runs, and a folder that is not there is an error", async () => {
  await shipped();
  await inFolders(async () => {
    await assertRejects(() => pretrain(config, at(0)), NotSavedError, ids[0]!);
    assertEquals(runs().height, 0);
  }, { shipped: "none", saved: "only" });
  const missing = join(to, "missing");
  await inFolders(
    () =>
      assertRejects(() => pretrain(config, at(0)), RangeError, `BCSSL_SHIPPED names ${missing}`),
    { shipped: missing },
  );
});

Deno.test("a damaged shipped file gives one line that names it and the way out; fresh: true works without it", async () => {
  await shipped();
  const folder = copyOfShipped();
  const [run, weights] = ["run", "safetensors"].map((end) => join(folder, `${ids[0]}.${end}`));
  await inFolders(async () => {
    flipByte(weights!, -3);
    const probe = () => linearProbe(config, { ...at(0), epochs: 1 });
    const line = (path: string) => `git checkout -- "${path}"`;
    await assertRejects(probe, Error, `Cannot read ${weights}: its checksum is wrong`);
    await assertRejects(probe, Error, line(weights!));
    assertEquals((await pretrain(config, at(0))).finished, true); // its numbers are good
    Deno.removeSync(weights!);
    await assertRejects(probe, Error, `Cannot read ${weights}: it is not there`);
    flipByte(run!, -3);
    for (const verb of [pretrain, knn]) {
      await assertRejects(() => verb(config, at(0)), Error, line(run!));
    }
    const warn = console.warn;
    const said: string[] = [];
    console.warn = (text: string) => void said.push(text);
    try {
      assertEquals(runs().height, 3);
    } finally {
      console.warn = warn;
    }
    assertEquals([said.length, said[0]!.includes(run!)], [1, true]);
    const { step } = await pretrain(config, { ...at(0), fresh: true, untilStep: 2 });
    assertEquals(step, 2);
  }, { shipped: folder });
});
