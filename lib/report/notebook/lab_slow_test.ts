/** What a person does in JupyterLab, in a real browser: run all, look, interrupt, run one cell again. */
import sharp from "sharp";
import { startLab } from "lib/setup/lab.ts";
import { type Notebook, readNotebook, writeNotebook } from "lib/setup/notebooks/notebook.ts";
import { notebookMetadata, notebooksDir, outputsDir, root } from "lib/setup/install/project.ts";
import { findChromium, inChromium, type LabPage } from "lib/testing/browser.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const chromium = findChromium();
const folder = `${outputsDir}/lab-test`; // below deno.json, so that a kernel there finds the project; Jupyter opens no hidden folder

/** Opens a notebook in JupyterLab, with runs in a folder of its own, and cleans up. */
async function inLab(notebook: Notebook, use: (lab: LabPage) => Promise<void>): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await writeNotebook(`${folder}/test.ipynb`, notebook);
  const environment = { BCSSL_OUTPUTS: `${folder}/outputs`, BCSSL_SCALE: "smoke" };
  for (const [name, value] of Object.entries(environment)) Deno.env.set(name, value);
  const open = `${folder.slice(root.length + 1)}/test.ipynb`;
  try {
    const lab = await startLab({ port: 0, browser: false, open, log: "null" });
    try {
      await inChromium(chromium!, inOwnWorkspace(lab.url), use);
    } finally {
      await lab.stop();
    }
  } finally {
    for (const name of Object.keys(environment)) Deno.env.delete(name);
    await Deno.remove(folder, { recursive: true });
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
  name: "JupyterLab: the interrupt button stops a training cell within a second, and it goes on",
  ...options,
  fn: async () => {
    const cells = [
      `import { bcSslStart, override, pretrain } from "lib/experiments/mod.ts";
import { watch } from "lib/report/mod.ts";
const long = override(bcSslStart, { name: "long", scales: { smoke: { epochs: 1000 } } });
let runs = 0;`,
      `const run = await watch("long", (hooks) => pretrain(long, { scale: "smoke", seed: 0, ...hooks }));
console.log("call", ++runs, "stopped at", run.step);`,
    ];
    await inLab(notebookOf(cells), async (lab) => {
      await lab.select(0);
      await lab.runSelected();
      await lab.idle();
      const step = async () => {
        await lab.select(1);
        await lab.runSelected();
        await lab.outputMatches(1, /step \d+ of 8,000 .* left/, 60_000);
        await lab.interrupt();
        const waited = await lab.outputMatches(1, /run the cell again to go on/, 10_000);
        assertTrue(waited < 1000, `stopped after ${waited} ms`);
        await lab.outputMatches(1, /call \d+ stopped at \d+/, 10_000);
        await lab.idle();
        const said = /call (\d+) stopped at (\d+)/.exec(await lab.output(1))!;
        return { call: Number(said[1]), step: Number(said[2]) };
      };
      const first = await step();
      const second = await step();
      assertEquals([first.call, second.call], [1, 2]); // the kernel and its variables lived
      assertTrue(second.step > first.step, `went on from ${first.step} to ${second.step}`);
    });
  },
});
