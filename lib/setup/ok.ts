/** `deno task ok`: what a person runs before a commit. Runs all checks, even if one fails. */
import { checkCells } from "lib/setup/notebooks/check_cells.ts";
import { run } from "lib/setup/install/command.ts";
import { listNotebooks, type Notebook, readNotebook } from "lib/setup/notebooks/notebook.ts";
import { notebooksDir, root } from "lib/setup/install/project.ts";
import { runTests, showResult } from "lib/setup/run_tests.ts";
import { setUp } from "lib/setup/setup.ts";
import { readArguments } from "lib/task_arguments.ts";
import { main } from "lib/setup/task.ts";

/** Returns what is wrong; empty if nothing is. */
type Check = () => Promise<string>;

async function deno(...args: string[]): Promise<string> {
  const { code, output } = await run(Deno.execPath(), args, { cwd: root });
  return code === 0 ? "" : output.trimEnd();
}

async function format(): Promise<string> {
  const files = await deno("fmt", "--check", "lib", "deno.json", "README.md");
  return [files, await notebookFormat()].filter((complaints) => complaints).join("\n");
}

/**
 * Formats copies and compares: of a notebook, Deno 2.9's `fmt --check` says "not formatted"
 * whatever is in it.
 */
async function notebookFormat(): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    const wrong: string[] = [];
    for (const path of await listNotebooks()) {
      const copy = `${folder}/notebook.ipynb`;
      await Deno.copyFile(path, copy);
      const failure = await deno("fmt", "--config", `${root}/deno.json`, copy);
      if (failure) return failure;
      if (await Deno.readTextFile(copy) !== await Deno.readTextFile(path)) wrong.push(path);
    }
    return wrong.map((path) => `not formatted: run "deno fmt ${path}"`).join("\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function notebookTypes(): Promise<string> {
  const solutions = await listNotebooks(`${notebooksDir}/solutions`);
  const notebooks = new Map<string, Notebook>();
  for (const path of [...await listNotebooks(), ...solutions]) {
    notebooks.set(path, await readNotebook(path));
  }
  return await checkCells(notebooks);
}

const checks: Readonly<Record<string, Check>> = {
  "fmt": format,
  "lint": () => deno("lint", "lib"),
  "check lib": () => deno("check", "--quiet", "--doc", "lib"), // the examples in comments too
  "check notebooks": notebookTypes,
  "rooms": () => deno("test", "-A", "--quiet", "lib/rooms_test.ts"),
};

if (import.meta.main) {
  await main(async (args) => {
    readArguments(args, {});
    await setUp({ quiet: true });
    let complaining = 0;
    for (const [name, check] of Object.entries(checks)) {
      const began = performance.now();
      const complaints = await check();
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(`${name} … ${complaints ? "not ok" : "ok"} ${seconds} s`);
      if (complaints) console.log(complaints);
      if (complaints) complaining++;
    }
    const tests = await runTests([], { fast: true, types: false }); // "check lib" has checked them
    showResult(tests);
    if (complaining > 0) console.log(`${complaining} of the checks above are not ok`);
    return complaining + tests.failed > 0 ? 1 : 0;
  });
}
