import { outputsFolder } from "lib/experiments/runs/run_folder.ts";
import { projectFolder } from "lib/paths.ts";
import { assertEquals } from "lib/testing/assert.ts";

Deno.test("resultsDir is where runs are written, also for a relative BCSSL_OUTPUTS in another folder", async () => {
  const [before, folder] = [Deno.env.get("BCSSL_OUTPUTS"), Deno.cwd()];
  try {
    Deno.env.set("BCSSL_OUTPUTS", "elsewhere");
    Deno.chdir(`${projectFolder}/notebooks`); // the working folder of a notebook's kernel
    const { resultsDir } = await import(new URL("project.ts?anew", import.meta.url).href);
    assertEquals(resultsDir, `${projectFolder}/elsewhere`);
    assertEquals(outputsFolder(), resultsDir);
  } finally {
    Deno.chdir(folder);
    if (before === undefined) Deno.env.delete("BCSSL_OUTPUTS");
    else Deno.env.set("BCSSL_OUTPUTS", before);
  }
});
