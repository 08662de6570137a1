/**
 * Makes the README's picture again: `deno run -A lib/testing/screenshot.ts`. It shows the first
 * notebook, as committed, in JupyterLab, scrolled to its training curves.
 */
import { fromFileUrl } from "@std/path";
import sharp from "sharp";
import { startLab } from "lib/setup/lab.ts";
import { findChromium, inChromium } from "./browser.ts";

const target = fromFileUrl(new URL("../../notebooks/images/first_notebook.png", import.meta.url));
const size = { width: 1360, height: 800 };

if (import.meta.main) {
  const chromium = findChromium();
  if (chromium === undefined) throw new Error("Cannot make a picture: there is no Chromium");
  const lab = await startLab({ port: 0, browser: false, log: "null" });
  try {
    const url = lab.url.replace("/lab/tree/", "/lab/workspaces/picture/tree/") + "&reset";
    await inChromium(chromium, url, async ({ page }) => {
      await page.setViewportSize(size);
      // JupyterLab draws only what is near the window: scroll until the heading is there.
      const heading = page.locator("h2", { hasText: "Train, and watch" });
      await page.mouse.move(size.width / 2, size.height / 2);
      while (!await heading.isVisible()) {
        await page.mouse.wheel(0, 400);
        await page.waitForTimeout(100);
      }
      for (let times = 0; times < 3; times++) { // pictures that are drawn above the heading move it
        await heading.evaluate((element) => element.scrollIntoView({ block: "start" }));
        await page.waitForTimeout(1000);
      }
      await page.mouse.move(size.width / 2, 5);
      await page.waitForTimeout(500);
      const picture = await page.screenshot();
      await sharp(picture).png({ palette: true, colours: 128, effort: 10 }).toFile(target);
    });
  } finally {
    await lab.stop();
  }
}
