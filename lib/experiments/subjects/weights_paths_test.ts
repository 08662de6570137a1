import { createModel } from "lib/models/mod.ts";
import { createRng } from "lib/rng.ts";
import { inTempFolder } from "lib/testing/pictures.ts";
import { assertEquals } from "lib/testing/assert.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { findSubject } from "./subject.ts";
import { loadWeights, saveWeights } from "lib/weights/weights.ts";

Deno.test("saveWeights(), loadWeights() and subjects take ~ for the home folder, and file:// addresses", () =>
  inTempFolder(async (home) => {
    const before = Deno.env.get("HOME")!;
    Deno.env.set("HOME", home);
    using model = createModel(bcSslStart.recipe.model, createRng(0));
    try {
      await saveWeights(model, "~/mine.safetensors");
      assertEquals([...Deno.readDirSync(home)].map(({ name }) => name), ["mine.safetensors"]);
      for (const path of ["~/mine.safetensors", `file://${home}/mine.safetensors`]) {
        const { missing } = await loadWeights(model, path);
        assertEquals(missing, []);
        const key = { config: bcSslStart, scale: "smoke", seed: 0 } as const;
        assertEquals(findSubject(key, { weights: path }).path, `${home}/mine.safetensors`);
      }
    } finally {
      Deno.env.set("HOME", before);
    }
  }));
