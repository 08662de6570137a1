import type { Page } from "playwright-core";
import { makeBook } from "./book.ts";
import { findChromium, onPage } from "lib/testing/browser.ts";
import { questionOutput } from "lib/report/interactive/predict.ts";
import { notebookMetadata } from "lib/setup/install/project.ts";
import {
  type Cell,
  listNotebooks,
  type Notebook,
  writeNotebook,
} from "lib/setup/notebooks/notebook.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const asset = (file: string) =>
  Deno.readTextFileSync(new URL(`notebooks/book/${file}`, import.meta.url));
/** How scripts begin or end that pages may have: the book's own, and those of interactive outputs. */
const known = [
  (script: string) => script === `\n${asset("theme.js")}`,
  (script: string) =>
    script.startsWith("\nconst sections = [{") && script.endsWith(asset("search.js")),
  (script: string) =>
    /^\(\(\) => \{\n[^]*\n(drawPart|drawCell)\("\w{12}", \{.*\}\);\n\}\)\(\);$/.test(script),
];

/** Scripts of a page that are none of ours, from their beginnings; and those that load something. */
function foreignScripts(html: string): string[] {
  const scripts = [...html.matchAll(/<script([^>]*)>([^]*?)<\/script>/g)];
  return scripts.filter(([, attributes, text]) =>
    attributes !== "" || !known.some((is) => is(text!)) || /\b(fetch|import)\s*\(/.test(text!)
  ).map(([whole]) => whole.slice(0, 200));
}

Deno.test("foreignScripts() finds a script of somebody else, also beside ours", async () => {
  const { "text/html": ours } = await questionOutput({ id: "a/b", ask: "?", choices: ["1", "2"] });
  const page = `<script>\n${asset("theme.js")}</script>${ours}`;
  assertEquals(foreignScripts(page), []);
  for (const other of ["<script>alert()</script>", '<script src="data:x"></script>']) {
    assertEquals(foreignScripts(page + other), [other]);
  }
});

Deno.test("makeBook() renders every notebook to pages that need no network and link to each other", async () => {
  const folder = `${await Deno.makeTempDir()}/book`;
  try {
    await Deno.mkdir(folder);
    await Deno.writeTextFile(`${folder}/old.html`, "of a notebook that is gone");
    const chapters = await makeBook(await listNotebooks(), folder);
    const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assertEquals(files, [...chapters.map(({ name }) => `${name}.html`), "index.html"].sort());
    for (const file of files) {
      const html = await Deno.readTextFile(`${folder}/${file}`);
      assertTrue(!/<link\b|@import/.test(html), `${file} loads nothing`);
      assertEquals(foreignScripts(html), [], `${file} has scripts of the project only`);
      for (const [, source] of html.matchAll(/\bsrc="([^"]*)"/g)) {
        assertTrue(source!.startsWith("data:"), `${file} has ${source!.slice(0, 80)}`);
      }
      for (const [, link] of html.matchAll(/\bhref="([\w-]+\.html)/g)) {
        assertTrue(files.includes(link!), `${file} links to ${link}`);
      }
      assertTrue(!html.includes("No description has been provided"), `${file} names its pictures`);
    }
    const start = await Deno.readTextFile(`${folder}/00_start.html`);
    assertTrue(start.includes('alt="outputs/figures/start_knn.svg'), "has its figure");
    assertTrue(
      start.includes('class="kd"') && start.includes(".highlight .kd"),
      "code has colours",
    );
    const bare = chapters.filter(({ executed, figure, cost }) => !cost || (executed && !figure));
    assertEquals(bare.map(({ name }) => name), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const chromium = findChromium();
// Playwright's own processes and sockets end after the test that has used them.
const options = { ignore: chromium === undefined, sanitizeOps: false, sanitizeResources: false };

/** A book of two short notebooks, in a browser at its first page. */
async function opened(use: (page: Page, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const text = (id: string, source: string): Cell => ({
    ...{ cell_type: "markdown", id, source, metadata: {} },
  });
  const notebook = (...cells: Cell[]): Notebook => ({
    ...{ cells, metadata: notebookMetadata, nbformat: 4, nbformat_minor: 5 },
  });
  const data = await questionOutput({ id: "book/a", ask: "First?", choices: ["one", "two"] });
  const asked: Cell = {
    ...{ cell_type: "code", id: "a3", source: "ask()", metadata: {}, execution_count: 1 },
    outputs: [{ output_type: "display_data", data, metadata: {} }],
  };
  try {
    const [a, b] = ["00_a", "01_b"].map((name) => `${folder}/${name}.ipynb`) as [string, string];
    await writeNotebook(
      a,
      notebook(text("a1", "# First\n\nÉtude of kernels."), text("a2", "## Asked\n\nWords."), asked),
    );
    await writeNotebook(
      b,
      notebook(text("b1", "# Second"), text("b2", "## Kernels <b>\n\nmore, 3×3")),
    );
    await makeBook([a, b], `${folder}/book`);
    await onPage(chromium!, `file://${folder}/book/index.html`, async (page) => {
      const errors: string[] = [];
      page.on("pageerror", ({ message }) => errors.push(message));
      await use(page, folder);
      assertEquals(errors, []);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test(
  "a reader searches the book from any page, goes to a section, and comes back",
  options,
  () =>
    opened(async (page) => {
      const results = () => page.locator(".search li a").allInnerTexts();
      await page.getByRole("searchbox").fill("KERN");
      assertEquals(await results(), ["Second › Kernels <b>", "First"]); // headings first
      assertTrue(await page.locator(".chapters").isHidden(), "the results stand alone");
      assertEquals(await page.locator(".search mark").allInnerTexts(), ["kern"]);
      await page.getByRole("searchbox").fill("etude");
      assertEquals(await results(), ["First"], "without accents");
      assertEquals(await page.locator(".search mark").innerText(), "Étude");
      await page.getByRole("searchbox").fill("ernel");
      assertEquals(await page.locator(".search p").innerText(), "Nothing has all of these words.");
      await page.getByRole("searchbox").fill("");
      assertTrue(await page.locator(".chapters").isVisible(), "the chapters again");
      await page.getByRole("link", { name: "First" }).click();
      await page.getByRole("searchbox").fill("3×3 more");
      await page.keyboard.press("Enter");
      await page.getByText("1 section has all of these words:").waitFor();
      await page.getByRole("link", { name: "Second › Kernels <b>" }).click();
      assertTrue(page.url().endsWith("/01_b.html#cell-id=b2"), page.url());
      assertEquals(await page.locator(":target h2").count(), 1, "the section is there");
    }),
);

Deno.test(
  "pages are dark as the system is, or as the reader says; paper is white; questions work",
  options,
  () =>
    opened(async (page, folder) => {
      const ground = (of = "body") =>
        page.evaluate<string>(`getComputedStyle(document.querySelector("${of}")).backgroundColor`);
      const [white, dark, paleOutput, darkOutput] = [
        "rgb(255, 255, 255)",
        "rgb(19, 25, 31)",
        "rgb(242, 246, 250)",
        "rgb(29, 38, 47)",
      ];
      assertEquals(await ground(), white);
      await page.emulateMedia({ colorScheme: "dark" });
      await page.locator('html[data-theme="dark"]').waitFor();
      assertEquals(await ground(), dark);
      await page.goto(`file://${folder}/book/00_a.html`);
      assertEquals([await ground(), await ground(".bcssl-part")], [dark, darkOutput]);
      await page.emulateMedia({ colorScheme: "dark", media: "print" });
      assertEquals([await ground(), await ground(".bcssl-part")], [white, paleOutput]);
      assertTrue(await page.locator("header").isHidden(), "nothing to press on paper");
      await page.emulateMedia({ colorScheme: "dark", media: "screen" });
      await page.getByRole("button", { name: "Light or dark" }).click();
      assertEquals(await ground(), white);
      await page.getByLabel("two").check();
      await page.reload();
      assertEquals(
        [await ground(), await ground(".bcssl-part")],
        [white, paleOutput],
        "as the reader said",
      );
      assertTrue(await page.getByLabel("two").isChecked(), "the prediction is kept");
    }),
);
