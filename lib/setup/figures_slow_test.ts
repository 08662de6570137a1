import { drawFigures } from "./figures.ts";
import { type Notebook, writeNotebook } from "lib/setup/notebooks/notebook.ts";
import { notebookMetadata, outputsDir } from "lib/setup/install/project.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

function notebookOf(...sources: string[]): Notebook {
  const cells = sources.map((source) => ({ cell_type: "code" as const, source, metadata: {} }));
  return { cells, metadata: notebookMetadata, nbformat: 4, nbformat_minor: 5 };
}

const imports = `
  import { bcSslStart, chosenScale, override, pretrain } from "lib/experiments/mod.ts";
  import * as report from "lib/report/mod.ts";`;
const config = `
  const tiny = override(bcSslStart, {
    name: "test",
    recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
    scales: { smoke: { epochs: 1, monitorEvery: 8 } },
  });
  const scale = chosenScale("laptop");`;
const train = `
  const run = await report.watch("a run", (hooks) => pretrain(tiny, { scale, seed: 0, ...hooks }));
  await report.saveFigure("test_curves", report.trainingCurves([run]))`;
const table = 'await report.saveTable("test_table", [{ a: 1 }]); console.log("not shown");';

Deno.test("drawFigures() draws saved runs, names missing ones, and goes on to the next notebook", async () => {
  const outputs = await Deno.makeTempDir({ dir: outputsDir, prefix: ".figures-" });
  const notebooks = {
    "test_1_needs": notebookOf(imports, config, table, train),
    "test_2_fails": notebookOf("const a = 1;", `${imports}\n\nthrow new Error(\`no \${a}\`);`),
    "test_3_drawn": notebookOf(imports, table),
  };
  const paths = Object.keys(notebooks).map((name) => `${outputs}/${name}.ipynb`);
  try {
    for (const [i, notebook] of Object.values(notebooks).entries()) {
      await writeNotebook(paths[i]!, notebook);
    }
    const options = { scale: "smoke", outputs };
    const { code, output } = await drawFigures(paths, options);
    const [needs, fails, drawn] = output.trim().split("\n");
    const stopped =
      /^test_1_needs: 0 figures, 1 table, [\d.]+ s, then stopped\. Not saved in outputs\/: run test-/;
    assertTrue(stopped.test(needs!), needs!);
    assertTrue(needs!.endsWith('run "deno task reproduce test_1_needs"'), needs!);
    assertTrue(/^test_2_fails: .*; failed: cell 2: no 1$/.test(fails!), fails!);
    assertTrue(/^test_3_drawn: 0 figures, 1 table, [\d.]+ s$/.test(drawn!), drawn!);
    assertEquals(code, 1);

    await trainIt(outputs);
    const again = await drawFigures([paths[0]!], options);
    assertTrue(/^test_1_needs: 1 figure, 1 table, [\d.]+ s\n/.test(again.output), again.output);
    assertEquals(again.code, 0);
    const figures = [...Deno.readDirSync(`${outputs}/figures`)].map(({ name }) => name).sort();
    assertEquals(figures, ["test_curves.pdf", "test_curves.png", "test_curves.svg"]);
  } finally {
    await Deno.remove(outputs, { recursive: true });
  }
});

/** Trains the run of the first notebook. */
async function trainIt(outputs: string): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", `${imports}${config}\nawait pretrain(tiny, { scale, seed: 0 });`],
    env: { BCSSL_OUTPUTS: outputs, BCSSL_SHIPPED: "none", BCSSL_SCALE: "smoke" },
    stdout: "null",
    stderr: "null",
  }).output();
  assertTrue(success, "trained");
}
