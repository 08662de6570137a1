/**
 * What a person does in JupyterLab, in a real browser: run all, look, interrupt, run one cell
 * again.
 */
import sharp from "sharp";
import { type Lab, startLab } from "lib/setup/lab.ts";
import { type Notebook, readNotebook, writeNotebook } from "lib/setup/notebooks/notebook.ts";
import { notebookMetadata, notebooksDir, outputsDir, root } from "lib/setup/install/project.ts";
import * as Plot from "@observablehq/plot";
import { plot, toPng, toSvg } from "lib/report/draw/plot.ts";
import { figureOutput } from "lib/report/interactive/figure.ts";
import { questionOutput } from "lib/report/interactive/predict.ts";
import { findChromium, inChromium, type LabPage } from "lib/testing/browser.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const chromium = findChromium();
const folder = `${outputsDir}/lab-test`; // below deno.json, so that a kernel there finds the project; Jupyter opens no hidden folder

/** The server of all tests; it ends after the last one. */
let server: Promise<Lab> | undefined;
Deno.test.afterAll(async () => await (await server)?.stop());

/** Starts JupyterLab, whose kernels write below `folder`. */
async function startServer(): Promise<Lab> {
  const environment = {
    BCSSL_OUTPUTS: `${folder}/outputs`,
    BCSSL_SHIPPED: "none",
    BCSSL_SCALE: "smoke",
  };
  for (const [name, value] of Object.entries(environment)) Deno.env.set(name, value);
  const open = `${folder.slice(root.length + 1)}/test.ipynb`;
  try {
    return await startLab({ port: 0, browser: false, open, log: "null" });
  } finally {
    for (const name of Object.keys(environment)) Deno.env.delete(name);
  }
}

/** Opens a notebook in JupyterLab, with a kernel and runs of its own, and cleans up. */
async function inLab(notebook: Notebook, use: (lab: LabPage) => Promise<void>): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await writeNotebook(`${folder}/test.ipynb`, notebook);
  try {
    const lab = await (server ??= startServer());
    try {
      await inChromium(chromium!, inOwnWorkspace(lab.url), use);
    } finally {
      await endKernels(lab);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Ends all kernels, also one that computes. */
async function endKernels({ origin, token }: Lab): Promise<void> {
  const headers = { Authorization: `token ${token}` };
  const kernels = await (await fetch(`${origin}/api/kernels`, { headers })).json();
  for (const { id } of kernels) {
    const ended = await fetch(`${origin}/api/kernels/${id}`, { method: "DELETE", headers });
    assertEquals(ended.status, 204);
  }
}

/** Without the tabs that a person has left open here, whose cells would be found too, hidden. */
function inOwnWorkspace(url: string): string {
  return url.replace("/lab/tree/", "/lab/workspaces/test/tree/") + "&reset";
}

function notebookOf(sources: readonly string[]): Notebook {
  return {
    cells: sources.map((source, i) => ({
      cell_type: "code",
      id: `cell-${i}`,
      source,
      metadata: {},
      outputs: [],
      execution_count: null,
    })),
    metadata: notebookMetadata,
    nbformat: 4,
    nbformat_minor: 5,
  };
}

const options = { ignore: chromium === undefined, sanitizeOps: false, sanitizeResources: false };

Deno.test({
  name: "JupyterLab: the first notebook runs from top to bottom and shows its figures",
  ...options,
  fn: async () => {
    const notebook = await readNotebook(`${notebooksDir}/00_start.ipynb`);
    for (const cell of notebook.cells) {
      if (cell.cell_type === "code") Object.assign(cell, { outputs: [], execution_count: null });
    }
    await inLab(notebook, async (lab) => {
      await lab.menu("Run", "Run All Cells");
      await lab.allRun(180_000);
      const { page } = lab;
      const errors = await page.locator('[data-mime-type="application/vnd.jupyter.error"]').count();
      const warnings = page.locator('[data-mime-type="application/vnd.jupyter.stderr"]');
      assertEquals([errors, ...await warnings.allTextContents()], [0]);
      const pictures = page.locator(".jp-OutputArea-output img, .jp-OutputArea-output svg");
      assertTrue(await pictures.count() >= 7, `${await pictures.count()} pictures`);
      assertTrue(await page.locator(".jp-OutputArea-output table").count() >= 1, "a table");
      for (const picture of await pictures.all()) {
        await picture.scrollIntoViewIfNeeded();
        const { width, height } = (await picture.boundingBox())!;
        assertTrue(width > 100 && height > 40, `a picture of ${width}×${height}`);
      }
      // The screenshot holds a picture, not an empty page: many colours, not only greys.
      const { channels } = await sharp(await pictures.nth(0).screenshot()).stats();
      assertTrue(channels.some(({ stdev }) => stdev > 10), "the first picture has contrast");
    });
  },
});

Deno.test({
  name:
    "JupyterLab: opening a committed notebook changes nothing, and saving it writes the same bytes",
  ...options,
  fn: async () => {
    const original = await Deno.readTextFile(`${notebooksDir}/02_batchnorm.ipynb`);
    await inLab(JSON.parse(original), async (lab) => {
      assertEquals(await Deno.readTextFile(`${folder}/test.ipynb`), original);
      const { page } = lab;
      assertEquals(
        await page.locator(".lm-TabBar-tab.jp-mod-dirty").count(),
        0,
        "it has nothing to save",
      );
      // A change and its opposite: else there is nothing to save, and no bytes to compare.
      await lab.select(0);
      await page.keyboard.press("Control+End");
      await page.keyboard.type("x");
      await page.locator(".lm-TabBar-tab.jp-mod-dirty").first().waitFor();
      await page.keyboard.press("Backspace");
      const before = (await Deno.stat(`${folder}/test.ipynb`)).mtime!;
      await lab.menu("File", "Save Notebook");
      await page.locator(".lm-TabBar-tab.jp-mod-dirty").first().waitFor({ state: "detached" });
      assertTrue((await Deno.stat(`${folder}/test.ipynb`)).mtime! > before, "it was saved");
      assertTrue(await Deno.readTextFile(`${folder}/test.ipynb`) === original, "the same bytes");
    });
  },
});

/** Two long trainings, one a cell, and a cell behind them. */
const trainingCells = [
  `import { bcSslStart, override, pretrain } from "lib/experiments/mod.ts";
import { watch } from "lib/report/mod.ts";
const long = (name) => override(bcSslStart, { name, scales: { smoke: { epochs: 1000 } } });
const train = (name) => watch(name, ({ onEvent, ...hooks }) => pretrain(long(name), {
  ...{ scale: "smoke", seed: 0, ...hooks },
  async onEvent(event) {
    await onEvent(event);
    await new Promise((resolve) => setTimeout(resolve, 50)); // leaves the cores to the browser
  },
}));
globalThis.alive ??= "first kernel";`,
  `await train("first")`,
  `await train("second")`,
  `console.log("after the trainings, in the", globalThis.alive)`,
];
const bar = /step (\d+) of 8,000 .* left/;
const kept = /saved at step (\d+) of 8,000; run the cell again to go on/;

/** Waits until a training cell shows its bar, and returns the step that it shows. */
async function stepShown(lab: LabPage, cell: number): Promise<number> {
  await lab.outputMatches(cell, bar, 60_000);
  return Number(bar.exec(await lab.output(cell))![1]);
}

/**
 * Presses the interrupt button once, and returns the step at which the cell says that it is saved.
 */
async function stepSaved(lab: LabPage, cell: number): Promise<number> {
  await lab.interrupt();
  await lab.outputMatches(cell, kept, 10_000);
  await lab.idle();
  return Number(kept.exec(await lab.output(cell))![1]);
}

Deno.test({
  name:
    "JupyterLab: one interrupt stops Run All, which goes on where it was; so does a cell run twice, or after a reload",
  ...options,
  fn: () =>
    inLab(notebookOf(trainingCells), async (lab) => {
      const steps: number[] = [];
      for (let round = 0; round < 2; round++) {
        await lab.menu("Run", "Run All Cells");
        await stepShown(lab, 1);
        steps.push(await stepSaved(lab, 1));
        const prompts = (await lab.prompts()).map((prompt) => prompt.trim());
        assertTrue(prompts[1]!.startsWith("[") && prompts[1] !== "[*]:", prompts.join());
        assertEquals(prompts.slice(2), ["[ ]:", "[ ]:"], "the cells behind it have not run");
        assertEquals([await lab.output(2), await lab.output(3)], ["", ""]);
      }
      // A second press of Shift+Enter while it runs.
      await lab.select(1);
      await lab.runSelected();
      await stepShown(lab, 1);
      await lab.runSelected();
      await lab.outputMatches(1, /running already/, 10_000);
      const shown = await stepShown(lab, 1);
      await lab.outputMatches(1, new RegExp(`^(?![^]*step ${shown} )[^]* left`), 10_000); // it moves
      steps.push(await stepSaved(lab, 1));
      // F5.
      await lab.runSelected();
      await stepShown(lab, 1);
      await lab.reload();
      await lab.select(1);
      await lab.runSelected();
      await stepShown(lab, 1);
      steps.push(await stepSaved(lab, 1));
      assertEquals([...steps].sort((a, b) => a - b), steps, "each went on from the one before");
      assertEquals(new Set(steps).size, steps.length);
      await lab.select(3);
      await lab.runSelected();
      await lab.outputMatches(3, /in the first kernel/, 10_000);
    }),
});

Deno.test({
  name:
    "JupyterLab: a syntax error is shown, ends Run All, and an interrupt of an idle kernel does nothing",
  ...options,
  fn: () =>
    inLab(
      notebookOf([
        "const one = 1;",
        "const two = [1, 2;\nconsole.log(two)",
        "globalThis.runs = (globalThis.runs ?? 0) + one;",
      ]),
      async (lab) => {
        await lab.menu("Run", "Run All Cells");
        await lab.outputMatches(
          1,
          /SyntaxError: Expected ',', got ';' \(line 1, column 18\)/,
          20_000,
        );
        await lab.idle();
        assertEquals((await lab.prompts())[2]!.trim(), "[ ]:");
        await lab.interrupt(); // no room of ours is imported here: Deno alone would end
        await lab.select(2);
        await lab.runSelected();
        await lab.outputMatches(2, /^1$/, 10_000);
        await lab.idle();
        await lab.interrupt();
        await lab.runSelected();
        await lab.outputMatches(2, /^2$/, 10_000);
      },
    ),
});

/** A question, a curve to draw, the answers, and a figure whose mark has a title. */
const lessonCells = [
  `import * as report from "lib/report/mod.ts";
import * as Plot from "@observablehq/plot";
const best = await report.predict({ id: "lab/best", ask: "First?", choices: ["ResNet", "Swin"] });`,
  `const labels = { x: "kernel size", y: "gain (points)" };
const curve = await report.predict({ id: "lab/curve", ask: "Draw.", x: [3, 9], y: [-10, 10], unit: "points", labels });`,
  `await report.reveal(best, "Swin");
await report.reveal(curve, [[3, 0], [9, 0]]);`,
  `const dot = Plot.dot([[1, 1]], { r: 9, fill: "black", title: () => "seed 0, run-1" });
await report.saveFigure("lab_lesson", report.plot({ marks: [dot] }));`,
];

/** The notebook with outputs that JupyterLab has not seen being made, and so does not trust. */
async function untrusted(): Promise<Notebook> {
  const svg = toSvg(plot({ marks: [Plot.dot([[1, 1]], { title: () => "seed 0" })] }));
  const outputs = [
    await questionOutput({ id: "lab/best", ask: "First?", choices: ["ResNet", "Swin"] }),
    figureOutput(svg, await toPng(svg), "a figure"),
  ];
  const notebook = notebookOf(lessonCells);
  outputs.forEach((data, i) =>
    notebook.cells[i]!.outputs = [{ output_type: "display_data", data, metadata: {} }]
  );
  return notebook;
}

Deno.test({
  name:
    "JupyterLab: a question stands in a notebook that is not trusted; once run it answers to keys, in both themes",
  ...options,
  fn: async () =>
    await inLab(await untrusted(), async (lab) => {
      const { page } = lab;
      const outputs = page.locator(".jp-OutputArea-output");
      assertEquals(await outputs.first().locator("li").allTextContents(), ["ResNet", "Swin"]);
      const still = (await outputs.nth(1).locator("img").boundingBox())!;
      assertTrue(still.width > 300 && still.height > 200, "the figure is there");

      await lab.menu("Run", "Run All Cells");
      await lab.allRun(60_000);
      const part = (at: number) => page.locator(".bcssl-part").nth(at);
      await part(0).getByText("ResNet").click();
      await page.keyboard.press("ArrowDown"); // must not go to the next cell
      assertEquals(await part(2).locator(".said").innerText(), "✓ You predicted it: Swin");
      await part(1).locator(".handle").first().focus();
      for (const key of ["ArrowUp", "ArrowUp", "ArrowRight", "ArrowDown"]) {
        await page.keyboard.press(key);
      }
      const said = await part(3).locator(".said").innerText();
      assertTrue(said.includes("It is 1.5 points away"), said);
      await page.locator(".bcssl-figure [aria-label='seed 0, run-1']").hover();
      assertEquals(await page.locator(".tip").innerText(), "seed 0, run-1");

      const ground = "getComputedStyle(document.querySelector('.bcssl-part')).backgroundColor";
      assertEquals(await page.evaluate(ground), "rgb(242, 246, 250)");
      // As JupyterLab's own dark theme does; choosing that would change the person's settings.
      await page.evaluate("document.body.dataset.jpThemeLight = 'false'");
      assertEquals(await page.evaluate(ground), "rgb(29, 38, 47)");
    }),
});
