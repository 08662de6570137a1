/** The page of runs in a real browser: filter, choose, watch a run grow, with the keyboard alone. */
import { join } from "@std/path";
import type { Page } from "playwright-core";
import { runSummaries } from "lib/experiments/browse/run_summary.ts";
import { takeRunLock } from "lib/runs/run_lock.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { findChromium, onPage } from "lib/testing/browser.ts";
import { logOf, writeRun } from "lib/testing/runs/listed_runs.ts";
import { inOutputs } from "lib/testing/outputs.ts";
import { serveRuns } from "./server.ts";
import { runsOutput } from "./show_runs.ts";

const chromium = findChromium();
// Playwright's own processes and sockets end after the test that has used them.
const options = { ignore: chromium === undefined, sanitizeOps: false, sanitizeResources: false };

/** Opens the page over four runs, of which `live-1` trains. */
async function opened(use: (page: Page, outputs: string) => Promise<void>): Promise<void> {
  await inOutputs(async (outputs) => {
    writeRun(outputs, { id: "start-1", steps: 40 });
    writeRun(outputs, { id: "start-2", steps: 40, seed: 1, recipe: { lr: 0.5 } });
    writeRun(outputs, { id: "other-1", steps: 40, recipe: { method: "byol" } });
    writeRun(outputs, { id: "live-1", steps: 10, totalSteps: 90 });
    using _lock = takeRunLock(join(outputs, "live-1", "lock"), "live-1");
    const stop = new AbortController();
    const { url, finished } = serveRuns({ port: 0, signal: stop.signal });
    try {
      await onPage(chromium!, url, async (page) => {
        const errors: string[] = [];
        page.on("pageerror", ({ message }) => errors.push(message));
        page.on("console", (line) => line.type() === "error" && errors.push(line.text()));
        await page.locator("#list tbody tr").first().waitFor();
        await use(page, outputs);
        assertEquals(errors, []);
      });
    } finally {
      stop.abort();
      await finished;
    }
  });
}

/** Ids in the list, from top to bottom. */
async function listed(page: Page): Promise<string[]> {
  const cells = await page.locator("#list tbody tr td:first-child").allInnerTexts();
  return cells.map((text) => text.trim().split(/\s+/).at(-1)!);
}

/** Waits until the drawing has curves of exactly these runs. */
async function curvesAre(page: Page, ids: readonly string[]): Promise<void> {
  const drawn = `[...document.querySelectorAll("#chart g[data-run]")]
    .filter((curve) => curve.querySelector(".line")).map((curve) => curve.dataset.run).join()`;
  const deadline = Date.now() + 300_000;
  for (let is = ""; is !== ids.join(); is = await page.evaluate<string>(drawn)) {
    if (Date.now() > deadline) throw new Error(`The curves are those of ${is}, not of ${ids}`);
    await page.waitForTimeout(50);
  }
}

/** The colour behind the first curves, as the browser computes it. */
function groundOf(page: Page): Promise<string> {
  return page.evaluate("getComputedStyle(document.querySelector('.bcssl-runs')).backgroundColor");
}

const [white, dark] = ["rgb(255, 255, 255)", "rgb(22, 28, 34)"];

/** Waits until the cell of the legend at a row and a column, both from 0, has a text. */
async function legendIs(page: Page, row: number, column: number, text: string): Promise<void> {
  const cell = page.locator(`.legend > :nth-child(${4 * (row + 1) + column + 1})`);
  await cell.and(page.getByText(text, { exact: true })).waitFor();
}

Deno.test(
  "one filters, chooses two runs, and sees their curves and what differs",
  options,
  () =>
    opened(async (page) => {
      assertEquals((await listed(page)).length, 4);
      await page.fill("#filter", "START 40/40");
      assertEquals((await listed(page)).sort(), ["start-1", "start-2"]);
      await page.getByLabel("start-1").check();
      await page.getByLabel("start-2").check();
      await curvesAre(page, ["start-1", "start-2"]);
      await legendIs(page, 0, 2, "40"); // the newest step
      await page.locator("#chart svg").first().hover({ position: { x: 66, y: 100 } });
      await legendIs(page, 0, 2, "1"); // the step under the pointer
      await page.fill("#filter", "byol");
      assertEquals(await listed(page), ["other-1"]);
      assertEquals(await page.locator("#count").innerText(), "1 of 4 runs, 2 chosen");

      const rows = page.locator("#config-table tbody tr");
      await rows.nth(1).waitFor();
      const texts = await rows.allInnerTexts();
      assertEquals(texts.map((text) => text.split("\t")), [
        ["seed", "0", "1"],
        ["recipe.lr", "0.001", "0.5"],
      ]);
      await page.getByLabel("only what differs").uncheck();
      await page.locator("#config-table tr.differs").nth(1).waitFor();
      assertTrue(await rows.count() > 5, "all values");
      assertEquals((await page.locator("tr.differs td:first-child").allInnerTexts())[0], "≠ seed");

      await page.selectOption("#metric", "knn20Top1");
      await page.locator("#chart svg text", { hasText: "k-NN top-1 (%)" }).waitFor();
      assertEquals(await page.locator('g[data-run="start-1"] circle').count(), 4);
      await page.reload(); // the address has all that was chosen
      await curvesAre(page, ["start-1", "start-2"]);
      assertEquals(await page.inputValue("#metric"), "knn20Top1");
      assertEquals(await listed(page), ["other-1"]);
      await page.click("#clear");
      await page.locator("#hint").waitFor();
      assertTrue(await page.locator("#configs").isHidden(), "no configs");

      assertEquals(await groundOf(page), white);
      await page.emulateMedia({ colorScheme: "dark" });
      assertEquals(await groundOf(page), dark);
    }),
);

Deno.test(
  "curves grow while a run trains, a new run appears, and one that is deleted goes",
  options,
  () =>
    opened(async (page, outputs) => {
      assertEquals(await page.locator(".state-training").allInnerTexts(), ["training"]);
      await page.getByLabel("live-1").check();
      await page.getByLabel("start-1").check();
      await curvesAre(page, ["live-1", "start-1"]);
      await legendIs(page, 0, 2, "10");
      const log = join(outputs, "live-1", "metrics.jsonl");
      Deno.writeTextFileSync(log, logOf(10, 12), { append: true });
      await legendIs(page, 0, 2, "12");
      await legendIs(page, 0, 3, "4.88");
      writeRun(outputs, { id: "new-1", steps: 5, updated: "2026-11-09T00:00:00.000Z" });
      await page.getByLabel("new-1").waitFor();
      Deno.removeSync(join(outputs, "start-1"), { recursive: true });
      await curvesAre(page, ["live-1"]);
      assertTrue(!(await listed(page)).includes("start-1"), "it is gone");
    }),
);

Deno.test(
  "the keyboard alone filters, chooses, sorts and reads values off the curves",
  options,
  () =>
    opened(async (page) => {
      const { keyboard } = page;
      const tabTo = async (selector: string) => {
        for (let times = 0; times < 40; times++) {
          if (
            await page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)
          ) return;
          await keyboard.press("Tab");
        }
        throw new Error(`The Tab key does not lead to ${selector}`);
      };
      await tabTo("#filter");
      await keyboard.type("start");
      await tabTo("#list th:nth-child(4) button");
      await keyboard.press("Enter"); // by seed
      await page.locator("#list th:nth-child(4)[aria-sort]").waitFor();
      assertEquals(await listed(page), ["start-1", "start-2"]);
      await tabTo("#list tbody tr:nth-child(1) input");
      await keyboard.press("Space");
      await keyboard.press("Tab");
      await keyboard.press("Space");
      await curvesAre(page, ["start-1", "start-2"]);
      await tabTo("#chart svg");
      await keyboard.press("Home");
      await legendIs(page, 1, 2, "1");
      await legendIs(page, 1, 3, "4.99");
      for (let times = 0; times < 10; times++) await keyboard.press("ArrowRight");
      await legendIs(page, 0, 2, "9"); // a fifth of 39 steps behind the first
      await legendIs(page, 0, 3, "4.91");
      const said = await page.locator("#chart svg").first().getAttribute("aria-valuetext");
      assertEquals(said, "start-1 4.91 at step 9; start-2 4.91 at step 9");
      await keyboard.press("Escape");
      await legendIs(page, 0, 2, "40");
    }),
);

Deno.test(
  "a cell's output draws without a server, twice in one page, by keyboard too",
  options,
  () =>
    inOutputs(async (outputs) => {
      writeRun(outputs, { id: "start-1", steps: 40 });
      writeRun(outputs, { id: "start-2", steps: 40, seed: 1 });
      const html = (await runsOutput(runSummaries()))["text/html"]!;
      const path = join(outputs, "exported.html");
      Deno.writeTextFileSync(path, `<!doctype html><meta charset="utf-8">${html}${html}`);
      await onPage(chromium!, `file://${path}`, async (page) => {
        const curves = async (at: number) =>
          await page.locator("[data-runs]").nth(at).locator("g[data-run]").count();
        assertEquals([await curves(0), await curves(1)], [2, 2]);
        const second = page.locator("[data-runs]").nth(1);
        await second.getByLabel("start-1").uncheck();
        assertEquals([await curves(0), await curves(1)], [2, 1]);
        await second.getByLabel("Metric").selectOption("knn20Top1");
        assertEquals(await second.locator("g[data-run] circle").count(), 4);
        await second.locator(".curves svg").first().focus();
        await page.keyboard.press("Home");
        await page.keyboard.press("ArrowRight");
        const said = await second.locator(".curves svg").first().getAttribute("aria-valuetext");
        assertEquals(said, "start-2 31 at step 10");
        await second.getByText("what differs (1)").click();
        assertTrue(await second.locator(".config-table").isVisible(), "the seed");
        await page.emulateMedia({ colorScheme: "dark" }); // of the system, not of the notebook
        assertEquals(await groundOf(page), white);
        await page.evaluate("document.body.dataset.jpThemeLight = 'false'");
        assertEquals(await groundOf(page), dark);
      });
    }),
);
