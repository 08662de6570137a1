/** Ships snapshots of smoke runs to a temporary folder, and loads them from there. */
import { join } from "@std/path";
import { unpackRun } from "lib/runs/run_package.ts";
import { knn } from "lib/experiments/measure/knn_scores.ts";
import { isEvaluation } from "lib/experiments/runs/evaluations.ts";
import { NotSavedError } from "lib/experiments/runs/saved_only.ts";
import { packagePath, shippedSnapshotPath } from "lib/experiments/runs/shipped.ts";
import { snapshots } from "lib/experiments/subjects/snapshots.ts";
import { findSubject } from "lib/experiments/subjects/subject.ts";
import { assertEquals, assertRejects, assertThrows, assertTrue } from "lib/testing/assert.ts";
import {
  at,
  config,
  copyOfShipped,
  filesIn,
  flipByte,
  ids,
  inFolders,
  key,
  outputs,
  root,
  shipped,
  trained,
  weightsOf,
} from "lib/testing/shipped_runs.ts";
import { planShipping, type ShipOptions, writeShipping } from "./ship_runs.ts";

const [id] = ids as [string, string];
const kept = [1, 2, 3]; // of 8 steps

/** A copy of what is shipped, with the run's snapshots. @param options Of where it is trained. */
async function withSnapshots(options: Partial<ShipOptions> = {}): Promise<string> {
  await shipped();
  const to = copyOfShipped();
  writeShipping(planShipping({ outputs, to, patterns: [id], snapshots: [id], ...options }));
  return to;
}

/** A copy of where the run is trained. */
function copyOfOutputs(): string {
  const here = Deno.makeTempDirSync({ dir: root });
  Deno.mkdirSync(join(here, id));
  for (const { name } of Deno.readDirSync(join(outputs, id))) {
    Deno.copyFileSync(join(outputs, id, name), join(here, id, name));
  }
  return here;
}

Deno.test("snapshots that are shipped are the run's, and every verb takes them by their step", async () => {
  const to = await withSnapshots();
  assertEquals(
    [...filesIn(to).keys()].filter((name) => name.startsWith(id)),
    [...kept.map((step) => `${id}-0000000${step}.safetensors`), `${id}.run`, `${id}.safetensors`],
  );
  const expected = await inFolders(() => weightsOf({ step: 2 }), {
    here: outputs,
    shipped: "none",
  });
  await inFolders(async (here) => {
    assertEquals(snapshots(config, at(0)).map(({ step }) => step), [0, ...kept, 8]);
    assertEquals(await weightsOf({ step: 2 }), expected);
    assertEquals(findSubject(key(0), { step: 8 }), findSubject(key(0), "teacher"));
    assertEquals([...Deno.readDirSync(here)], []);
    assertEquals((await knn(config, { ...at(0), of: { step: 2 } })).version, "step 2");
    const line = "is shipped with the project with the weights of step 1, 2, 3, 8 only; pretrain(";
    const missing = () => knn(config, { ...at(0), of: { step: 5 } });
    await assertRejects(missing, NotSavedError, line);
    assertEquals(snapshots(config, at(1)).map(({ step }) => step), [0, 8]); // not shipped
    const path = shippedSnapshotPath(to, id, 3);
    flipByte(path, -3);
    const damaged = () => findSubject(key(0), { step: 3 });
    assertThrows(damaged, Error, `Cannot read ${path}: its checksum is wrong`);
  }, { shipped: to });
});

Deno.test("a run that was trained once more to the same weights keeps what is shipped of it", async () => {
  const measured = await trained();
  const to = await withSnapshots();
  const before = filesIn(to);
  const again = copyOfOutputs();
  for (const { name } of [...Deno.readDirSync(join(again, id))]) {
    const path = join(again, id, name);
    if (isEvaluation(path) || name.startsWith("snapshot-")) Deno.removeSync(path);
  }
  const status = join(again, id, "status.json");
  const text = Deno.readTextFileSync(status);
  Deno.writeTextFileSync(status, text.replace(/"updated": "\d+/, '"updated": "2001'));
  const plan = planShipping({ outputs: again, to, patterns: [id] });
  const bytes = [...before.values()].reduce((sum, hex) => sum + hex.length / 2, 0);
  assertEquals(plan.totalBytes, bytes);
  writeShipping(plan);
  assertEquals(filesIn(to), before);
  await inFolders(async () => assertEquals(await knn(config, at(0)), measured.knn[0]!), {
    shipped: to,
    saved: "only",
  });
  // A damaged package is replaced by what is there.
  flipByte(packagePath(to, id), -3);
  writeShipping(planShipping({ outputs, to, patterns: [id], snapshots: [id] }));
  assertEquals(filesIn(to), before);
  // Without weights nothing says that it is the same training.
  writeShipping(planShipping({ outputs: again, to, patterns: [id], weights: [] }));
  assertEquals([...filesIn(to).keys()].filter((name) => name.startsWith(id)), [`${id}.run`]);
  const path = packagePath(to, id);
  const { header, parts } = unpackRun(path, Deno.readFileSync(path));
  const { updated } = (header as { readonly status: { readonly updated: string } }).status;
  assertTrue(updated.startsWith("2001"), updated);
  assertEquals([...parts.keys()], ["history"]);
});

Deno.test("results that are measured of a shipped snapshot join its run's package", async () => {
  const to = await withSnapshots();
  const names = [...filesIn(to).keys()];
  const measure = () => knn(config, { ...at(0), of: { step: 1 } });
  const result = await inFolders(async (here) => {
    const result = await measure();
    writeShipping(planShipping({ outputs: here, to }));
    return result;
  }, { shipped: to });
  assertEquals([...filesIn(to).keys()], names);
  await inFolders(async () => assertEquals(await measure(), result), {
    shipped: to,
    saved: "only",
  });
});

Deno.test("snapshots are refused without the last weights, and where a run has none or a damaged one", async () => {
  await trained();
  const here = copyOfOutputs();
  const refused = (options: Partial<ShipOptions> = {}) =>
    planShipping({ outputs: here, to: join(here, "to"), snapshots: ["*"], ...options }).refused;
  assertEquals(refused(), []);
  assertEquals(refused({ weights: [] }), [
    `Cannot ship ${id}: snapshots go with the last weights: name it in --weights`,
  ]);
  const path = (step: number) => join(here, id, `snapshot-0000000${step}.safetensors`);
  flipByte(path(2), -3);
  assertTrue(refused()[0]!.includes(path(2)), refused()[0]!);
  for (const step of kept) Deno.removeSync(path(step));
  assertEquals(refused(), [
    `Cannot ship ${id}: it has no snapshots; { fresh: true } trains it again and keeps them`,
  ]);
  assertThrows(() => refused({ snapshots: ["none*"] }), RangeError, 'Cannot ship "none*"');
});
