/** Whether `outputs/README.md` names what is written there. */
import { fromFileUrl } from "@std/path";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { override } from "lib/experiments/configs/config.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { inOutputs } from "lib/testing/outputs.ts";

const here = fromFileUrl(new URL(".", import.meta.url));
const readme = await Deno.readTextFile(`${here}/../../../outputs/README.md`);

Deno.test("outputs/README.md names every file of a run", () =>
  inOutputs(async (outputs) => {
    const small = override(bcSslStart, {
      name: "test",
      recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
    });
    const { run } = await pretrain(small, { scale: "smoke", seed: 0, untilStep: 4 });
    const names = [...Deno.readDirSync(`${outputs}/${run}`)].map(({ name }) =>
      name.replace(/\d{8}/, "<step>").replace(/(tfevents\.).*/, "$1*")
    );
    assertTrue(names.length >= 8, names.join());
    assertEquals(names.filter((name) => !readme.includes(`\`${name}\``)), []);
  }));

Deno.test("outputs/README.md names every file of evaluations", async () => {
  const names: string[] = [];
  for (const folder of ["measure", "detect", "explain", "robustness"]) {
    for await (const { name } of Deno.readDir(`${here}/../${folder}`)) {
      const text = await Deno.readTextFile(`${here}/../${folder}/${name}`);
      if (!/\bevaluated(Together)?\(/.test(text) || name.endsWith("_test.ts")) continue;
      names.push(...[...text.matchAll(/name: "(\w+)", options/g)].map(([, found]) => found!));
    }
  }
  assertEquals(names.length, 10, names.join());
  const ofRuns = names.filter((name) => name !== "throughput"); // a machine's, not a run's
  assertEquals(ofRuns.filter((name) => !readme.includes(`\`${name}.json\``)), []);
});
