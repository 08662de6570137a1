/** Interactive outputs in a real browser: by pointer, by keyboard alone, and after a reload. */
import type { Page } from "playwright-core";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { findChromium, opened, part, saidIn } from "lib/testing/browser.ts";
import * as Plot from "@observablehq/plot";
import { plot, toPng, toSvg } from "lib/report/draw/plot.ts";
import { figureOutput } from "./figure.ts";
import { exampleKernels, kernelOutput, mapOf } from "./kernel_walk.ts";
import { answerOutput, questionOutput } from "./predict.ts";
import { sliderOutput } from "./slider.ts";

const chromium = findChromium();
// Playwright's own processes and sockets end after the test that has used them.
const options = { ignore: chromium === undefined, sanitizeOps: false, sanitizeResources: false };

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

Deno.test(
  "a slider goes through its pictures, by pointer and by keyboard, each copy by itself",
  options,
  async () => {
    const figure = (at: number) => plot({ width: 60 + 20 * at, height: 40, marks: [] });
    const frames = [0, 1, 2].map((at) => ({
      at: `${at}`,
      picture: figure(at),
      says: `says ${at}`,
    }));
    const output = sliderOutput(frames, { label: "step" });
    await opened([output, output], async (page) => {
      const widths = async () =>
        await Promise.all(
          [0, 1].map(async (at) => (await part(page, at).locator("img").boundingBox())!.width),
        );
      assertEquals(await widths(), [100, 100]); // the last
      const slider = part(page, 0).getByRole("slider");
      await slider.focus();
      await page.keyboard.press("Home");
      assertEquals([await widths(), await saidIn(page, 0)], [[60, 100], "says 0"]);
      await page.keyboard.press("ArrowRight");
      assertEquals([await widths(), await saidIn(page, 0)], [[80, 100], "says 1"]);
      assertEquals(await slider.getAttribute("aria-valuetext"), "1: says 1");
      const { x, y, width, height } = (await slider.boundingBox())!;
      await page.mouse.click(x + width - 2, y + height / 2);
      assertEquals([await widths(), await saidIn(page, 1)], [[100, 100], "says 2"]);
    });
  },
);

Deno.test(
  "a kernel follows the pointer and the arrow keys, and its sum is that of the library",
  options,
  async () => {
    const side = 5;
    const levels = Array.from({ length: side ** 2 }, (_, i) => 10 * i);
    const pixels = Uint8Array.from(levels.flatMap((level) => [level, level, level]));
    const values = levels.map((level) => Math.round(level / 1.275 - 100) / 100);
    const output = await kernelOutput({ height: side, width: side, pixels }, exampleKernels);
    const sums = (kernel: number) =>
      mapOf(values, side, exampleKernels[kernel]!.weights).map((sum) =>
        String(Math.round(100 * sum) / 100).replace("-", "−")
      );
    await opened([output], async (page) => {
      const says = async (row: number, column: number, kernel: number) => {
        const [said, sum] = [await saidIn(page, 0), sums(kernel)[row * side + column]];
        assertTrue(said.startsWith(`Row ${row + 1}, column ${column + 1}: `), said);
        assertTrue(said.includes(`is ${sum}.`), `${said} (${sum})`);
      };
      await says(2, 2, 0);
      const svg = part(page, 0).locator("svg");
      await svg.focus();
      for (const key of ["ArrowUp", "ArrowUp", "ArrowUp", "ArrowRight"]) {
        await page.keyboard.press(key);
      }
      await says(0, 3, 0);
      const cells = part(page, 0).locator("td");
      assertEquals(await cells.count(), 9);
      assertEquals(await part(page, 0).locator("td.outside").count(), 3);
      assertEquals(await cells.nth(3).innerText(), "−0.84 × −2");
      const { x, y } = (await svg.boundingBox())!;
      await page.mouse.move(x + 6 + 14 * 1.5, y + 28 + 14 * 4.5); // the second column of the last row
      await says(4, 1, 0);
      await page.mouse.move(x + 6 + 14 * side + 36 + 14 * 2.5, y + 28 + 14 * 1.5); // in the map
      await says(1, 2, 0);
      await part(page, 0).getByRole("combobox").selectOption("mean, 3×3");
      await says(1, 2, 3);
    });
  },
);

Deno.test(
  "marks of a figure say what they are, under the pointer and by the arrow keys",
  options,
  async () => {
    const points = [[1, 1], [2, 3], [3, 2]].map(([x, y]) => ({
      x,
      y,
      title: `point ${x}\nseed 0, run-${y}`,
    }));
    const svg = toSvg(
      plot({ marks: [Plot.dot(points, { x: "x", y: "y", r: 5, fill: "black", title: "title" })] }),
    );
    const output = figureOutput(svg, await toPng(svg), "a figure");
    await opened([output, output], async (page) => {
      const figure = page.locator(".bcssl-figure").nth(1);
      const tip = figure.locator(".tip");
      await figure.locator("circle").nth(1).hover();
      assertEquals(await tip.innerText(), "point 2\nseed 0, run-3");
      assertEquals(await page.locator(".bcssl-figure").first().locator(".tip").innerText(), "");
      const [box, around] = [(await tip.boundingBox())!, (await figure.boundingBox())!];
      assertTrue(box.x >= around.x && box.x + box.width <= around.x + around.width, "it is inside");
      await page.mouse.move(0, 0);
      await figure.locator("svg").focus();
      await page.keyboard.press("ArrowRight");
      assertEquals((await tip.innerText()).split("\n")[0], "point 1");
      for (let times = 0; times < 4; times++) await page.keyboard.press("ArrowRight");
      assertEquals((await tip.innerText()).split("\n")[0], "point 3");
      await page.keyboard.press("ArrowLeft");
      assertEquals((await tip.innerText()).split("\n")[0], "point 2");
      await page.keyboard.press("Escape");
      assertTrue(await tip.isHidden(), "put away");
      await page.setContent(output["text/html"]!.replace(/<script>[^]*?<\/script>/g, ""));
      assertTrue(await page.locator("img").isVisible(), "a still");
    });
  },
);
