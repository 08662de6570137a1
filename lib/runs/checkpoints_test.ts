import {
  bestPath,
  checkpointPath,
  keepAsBest,
  listCheckpoints,
  listSnapshots,
  removeOldCheckpoints,
  removePartials,
  snapshotPath,
} from "./checkpoints.ts";
import { assertEquals } from "lib/testing/assert.ts";

/** A folder with checkpoints of these steps, each holding its step. */
function inFolder(steps: readonly number[], run: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    for (const step of steps) Deno.writeTextFileSync(checkpointPath(folder, step), `${step}`);
    run(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const steps = (folder: string) => listCheckpoints(folder).map(({ step }) => step);

Deno.test("listCheckpoints() is newest first, by number; a missing folder has none", () =>
  inFolder([9, 100, 123_456_789], (folder) => {
    Deno.writeTextFileSync(`${folder}/checkpoint-00000999.safetensors.7.partial`, "");
    assertEquals(steps(folder), [123_456_789, 100, 9]);
    assertEquals(steps(`${folder}/none`), []);
  }));

Deno.test("listSnapshots() is in the order of steps; no checkpoint is among them, and none is removed", () =>
  inFolder([1, 2, 3], (folder) => {
    for (const step of [100_000_000, 2, 10]) {
      Deno.writeTextFileSync(snapshotPath(folder, step), "");
    }
    removeOldCheckpoints(folder);
    assertEquals(listSnapshots(folder).map(({ step }) => step), [2, 10, 100_000_000]);
    assertEquals(steps(folder), [3, 2]);
    assertEquals(listSnapshots(`${folder}/none`), []);
  }));

Deno.test("removeOldCheckpoints() keeps two, and the best stays when its own name goes", () =>
  inFolder([1, 2, 3, 4], (folder) => {
    keepAsBest(folder, 1);
    keepAsBest(folder, 2);
    keepAsBest(folder, 2); // again, as a resumed run does
    removeOldCheckpoints(folder);
    assertEquals(steps(folder), [4, 3]);
    assertEquals(Deno.readTextFileSync(bestPath(folder)), "2");
    assertEquals([...Deno.readDirSync(folder)].length, 3);
  }));

Deno.test("removePartials() removes what was being written, and nothing else", () =>
  inFolder([1], (folder) => {
    Deno.writeTextFileSync(`${folder}/config.json.12.partial`, "{");
    removePartials(folder);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), [
      "checkpoint-00000001.safetensors",
    ]);
  }));
