import { evaluated, fittedWeightsPath } from "./evaluations.ts";
import { clearRun } from "./clear_run.ts";
import { folderOf } from "./run_folder.ts";
import { assertEquals } from "lib/testing/assert.ts";
import { inOutputs } from "lib/testing/outputs.ts";

Deno.test("clearRun() removes whatever a verb has evaluated, by any name, and no other file", () =>
  inOutputs(async () => {
    const folder = folderOf("run");
    const { path } = folder;
    Deno.mkdirSync(`${path}/figures`, { recursive: true });
    for (const name of ["knn", "a_verb_of_tomorrow"]) {
      const options = { name, options: { version: "step 1" }, fresh: false };
      await evaluated(folder, options, () => Promise.resolve({ top1: NaN }));
    }
    const learnt = ["checkpoint-00000008.safetensors", "best.safetensors", "metrics.jsonl"];
    for (const name of [...learnt, "status.json", "environment.json", "metrics.parquet"]) {
      Deno.writeTextFileSync(`${path}/${name}`, "{}");
    }
    Deno.writeTextFileSync(fittedWeightsPath(folder, "teacher"), "");
    const others = {
      "config.json": '{"name": "run"}',
      "lock": "",
      "my_notes.json": '[{"options": 1, "thought": 2}]',
      "numbers.json": "[1, 2]",
      "none.json": "[]",
      "classifier-notes.txt": "",
      "half.json": '[{"opt',
    };
    for (const [name, text] of Object.entries(others)) {
      Deno.writeTextFileSync(`${path}/${name}`, text);
    }
    clearRun(folder);
    const left = [...Deno.readDirSync(path)].map(({ name }) => name).sort();
    assertEquals(left, [...Object.keys(others), "figures"].sort());
  }));
