/**
 * `deno task book [notebook…] [--from notebooks|outputs]`: renders the notebooks, as they were run,
 * to a static site in `outputs/book/`. Its pages need no network and no server, and can be searched
 * from each of them. By default those that are committed; `outputs` takes the copies that `deno task reproduce` has executed here.
 */
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { type Chapter, chapterOf, chapterPage, indexPage } from "lib/setup/notebooks/book_pages.ts";
import { type BookSection, sectionsOf } from "lib/setup/notebooks/search_index.ts";
import { mustRun } from "lib/setup/install/command.ts";
import { remove, writeFileWhole } from "lib/setup/install/files.ts";
import { findNotebooks, readNotebook } from "lib/setup/notebooks/notebook.ts";
import { jupyterEnv, notebooksDir, python, resultsDir } from "lib/setup/install/project.ts";
import { setUp } from "lib/setup/setup.ts";
import { readArguments } from "lib/task_arguments.ts";
import { main } from "lib/setup/task.ts";

const sources = { notebooks: notebooksDir, outputs: `${resultsDir}/notebooks` } as const;

/**
 * Renders notebooks to `folder`, whose old contents are removed.
 *
 * @param paths Notebooks, in the book's order.
 * @returns The chapters, as the index lists them.
 */
export async function makeBook(paths: readonly string[], folder: string): Promise<Chapter[]> {
  const { css: codeColours, bodies } = await render(paths);
  const asset = (file: string) => Deno.readTextFile(here(`notebooks/book/${file}`));
  const look = { css: await asset("book.css") + codeColours, theme: await asset("theme.js") };
  const chapters: Chapter[] = [];
  const sections: BookSection[] = [];
  for (const path of paths) {
    const [name, notebook] = [basename(path, ".ipynb"), await readNotebook(path)];
    const chapter = chapterOf(name, notebook);
    chapters.push(chapter);
    sections.push(...sectionsOf(name, chapter.title, notebook));
  }
  await remove(folder);
  for (const [i, chapter] of chapters.entries()) {
    const page = chapterPage(chapter, bodies[i]!, chapters, look);
    await writeFileWhole(`${folder}/${chapter.name}.html`, page);
  }
  const search = { sections, script: await asset("search.js") };
  await writeFileWhole(`${folder}/index.html`, indexPage(chapters, look, search));
  return chapters;
}

/** Turns the cells into HTML with nbconvert. */
async function render(paths: readonly string[]): Promise<{ css: string; bodies: string[] }> {
  const args = [here("notebooks/render_notebooks.py"), here("notebooks"), ...paths];
  return JSON.parse(await mustRun("render the notebooks", python, args, { env: jupyterEnv() }));
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

if (import.meta.main) {
  await main(async (args) => {
    const { values, positionals } = readArguments(args, {
      from: { type: "string", default: "notebooks" },
    }, { positionals: true });
    const from = values.from;
    if (from !== "notebooks" && from !== "outputs") {
      throw new RangeError(`Cannot take notebooks from "${from}": there are notebooks, outputs`);
    }
    const paths = await findNotebooks(positionals, sources[from]);
    if (paths.length === 0) {
      throw new Error(`Cannot make a book: there is no notebook in ${sources[from]}`);
    }
    await setUp({ quiet: true });
    const folder = `${resultsDir}/book`;
    const chapters = await makeBook(paths, folder);
    for (const { name, executed } of chapters) {
      if (!executed) console.log(`${name} has not been run: its page has no results`);
    }
    console.log(`${chapters.length} chapters: open ${folder}/index.html`);
  });
}
