import { makeBook } from "./book.ts";
import { listNotebooks } from "lib/setup/notebooks/notebook.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

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
      assertTrue(!/<script|<link\b|@import/.test(html), `${file} loads nothing`);
      for (const [, source] of html.matchAll(/\bsrc="([^"]*)"/g)) {
        assertTrue(source!.startsWith("data:"), `${file} has ${source!.slice(0, 80)}`);
      }
      for (const [, link] of html.matchAll(/\bhref="([\w-]+\.html)/g)) {
        assertTrue(files.includes(link!), `${file} links to ${link}`);
      }
      assertTrue(!html.includes("No description has been provided"), `${file} names its pictures`);
    }
    const start = await Deno.readTextFile(`${folder}/00_start.html`);
    assertTrue(start.includes('alt="outputs/figures/start_knn.svg and .png"'), "has its figure");
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
