/** Interactive outputs in a real browser: by pointer, by keyboard alone, and after a reload. */
import type { Page } from "playwright-core";
import type { DisplayData } from "lib/report/notebook/outbox.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { findChromium, onPage } from "lib/testing/browser.ts";
import { answerOutput, questionOutput } from "./predict.ts";

const chromium = findChromium();
// Playwright's own processes and sockets end after the test that has used them.
const options = { ignore: chromium === undefined, sanitizeOps: false, sanitizeResources: false };

/** Opens an exported page that holds the outputs, one below the other. */
async function opened(outputs: readonly DisplayData[], use: (page: Page) => Promise<void>) {
  const path = await Deno.makeTempFile({ suffix: ".html" });
  const html = outputs.map((output) => output["text/html"]).join("\n");
  await Deno.writeTextFile(path, `<!doctype html><meta charset="utf-8">${html}`);
  try {
    await onPage(chromium!, `file://${path}`, async (page) => {
      const errors: string[] = [];
      page.on("pageerror", ({ message }) => errors.push(message));
      await use(page);
      assertEquals(errors, []);
    });
  } finally {
    await Deno.remove(path);
  }
}

/** The `at`-th output of the page. */
function part(page: Page, at: number) {
  return page.locator(".bcssl-part").nth(at);
}

/** What an output says to the reader below its question. */
async function saidIn(page: Page, at: number): Promise<string> {
  return await part(page, at).locator(".said").innerText();
}

/** The colour behind the first output, as the browser computes it. */
function groundOf(page: Page): Promise<string> {
  return page.evaluate("getComputedStyle(document.querySelector('.bcssl-part')).backgroundColor");
}

const best = { id: "test/best", ask: "Which is first?", choices: ["A & B", "ResNet", "Swin"] };
const curve = {
  ...{ id: "test/curve", ask: "Draw.", x: [3, 5, 9], y: [-10, 10] as const, unit: "points" },
  labels: { x: "kernel size", y: "gain (points)" },
};
/** Values that the handles of the `at`-th output show. */
async function drawnIn(page: Page, at: number): Promise<number[]> {
  const handles = await part(page, at).locator(".handle").all();
  return await Promise.all(
    handles.map(async (handle) => Number(await handle.getAttribute("aria-valuenow"))),
  );
}

Deno.test(
  "a choice is set beside the result at once, in every copy of the output, and survives a reload",
  options,
  async () => {
    const question = await questionOutput(best);
    const outputs = [question, question, await answerOutput(best, "ResNet")];
    await opened(outputs, async (page) => {
      assertTrue((await saidIn(page, 2)).startsWith("You have not predicted"), "gently");
      await part(page, 0).getByText("A & B").click();
      assertEquals(await saidIn(page, 2), "≠ You predicted: A & B");
      assertTrue(await part(page, 1).getByLabel("A & B").isChecked(), "the copy follows");
      await part(page, 1).getByLabel("ResNet").check();
      assertEquals(await saidIn(page, 2), "✓ You predicted it: ResNet");
      assertTrue(!await part(page, 0).getByLabel("A & B").isChecked(), "one choice");
      await page.reload();
      assertTrue(await part(page, 0).getByLabel("ResNet").isChecked(), "kept");
      assertEquals(await saidIn(page, 2), "✓ You predicted it: ResNet");
      await part(page, 0).getByRole("button", { name: "forget it" }).click();
      assertTrue((await saidIn(page, 2)).startsWith("You have not predicted"), "forgotten");
      await page.reload();
      assertEquals(await page.locator(":checked").count(), 0);
    });
  },
);

Deno.test("the keyboard alone chooses, changes and forgets", options, async () => {
  await opened([await questionOutput(best), await answerOutput(best, "Swin")], async (page) => {
    const { keyboard } = page;
    await keyboard.press("Tab");
    await keyboard.press("Space");
    assertEquals(await saidIn(page, 1), "≠ You predicted: A & B");
    await keyboard.press("ArrowUp"); // from the first to the last
    assertEquals(await saidIn(page, 1), "✓ You predicted it: Swin");
    await keyboard.press("Tab");
    await keyboard.press("Enter");
    assertTrue((await saidIn(page, 1)).startsWith("You have not predicted"), "forgotten");
  });
});

Deno.test(
  "a curve is drawn by dragging, within its axis, and set beside the result",
  options,
  async () => {
    const answer = [[3, 1], [9, 4]] as const;
    await opened([await questionOutput(curve), await answerOutput(curve, answer)], async (page) => {
      assertEquals(await drawnIn(page, 0), [0, 0, 0]);
      assertTrue((await saidIn(page, 1)).startsWith("You have not drawn"), "gently");
      const { x, y, width, height } = (await part(page, 0).locator("svg.drawable").boundingBox())!;
      const { mouse } = page;
      await mouse.move(x + width - 50, y + height / 2);
      await mouse.down();
      await mouse.move(x + width - 60, y - 200, { steps: 4 }); // the held point stops at the axis' end
      await mouse.up();
      await mouse.move(x + width / 3, y + height / 3); // not held any more
      assertEquals(await drawnIn(page, 0), [0, 0, 10]);
      assertEquals(
        await saidIn(page, 1),
        "Your curve is dashed. It is 3.5 points away from the result on average.", // |0 − 1|, |10 − 4|
      );
      await page.reload();
      assertEquals(await drawnIn(page, 0), [0, 0, 10]);
      assertEquals(await part(page, 1).locator(".guessed").count(), 3);
    });
  },
);

Deno.test("a curve is drawn by the arrow keys", options, async () => {
  await opened([await questionOutput(curve)], async (page) => {
    const { keyboard } = page;
    await keyboard.press("Tab");
    await keyboard.press("ArrowUp");
    await keyboard.press("ArrowRight");
    await keyboard.press("PageDown");
    await keyboard.press("ArrowRight");
    await keyboard.press("ArrowRight"); // there is none
    await keyboard.press("ArrowDown");
    assertEquals(await drawnIn(page, 0), [1, -5, -1]);
    const last = part(page, 0).locator(".handle").last();
    assertEquals(await last.getAttribute("aria-valuetext"), "-1 points");
    await part(page, 0).getByRole("button", { name: "forget it" }).click();
    assertEquals(await drawnIn(page, 0), [0, 0, 0]);
  });
});

Deno.test(
  "outputs are as dark as the page around them, and without scripts the question stands there",
  options,
  async () => {
    await opened([await questionOutput(best), await questionOutput(curve)], async (page) => {
      assertEquals(await groundOf(page), "rgb(242, 246, 250)");
      await page.evaluate("document.body.dataset.jpThemeLight = 'false'");
      assertEquals(await groundOf(page), "rgb(29, 38, 47)");
      await page.evaluate("delete document.body.dataset.jpThemeLight");
      await page.evaluate("document.documentElement.dataset.theme = 'dark'");
      assertEquals(await groundOf(page), "rgb(29, 38, 47)");
      const bare = (html: string) => html.replace(/<script>[^]*?<\/script>/g, "");
      await page.setContent(bare((await questionOutput(best))["text/html"]!));
      assertEquals(await page.locator("li").allInnerTexts(), best.choices);
      await page.setContent(bare((await questionOutput(curve))["text/html"]!));
      assertTrue((await page.locator("img").boundingBox())!.height > 200, "the axes");
    });
  },
);
