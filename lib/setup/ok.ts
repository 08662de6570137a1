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
    const paths = await allNotebooks();
    const copies = paths.map((_, i) => `${folder}/${i}.ipynb`);
    for (const [i, path] of paths.entries()) await Deno.copyFile(path, copies[i]!);
    const failure = await deno("fmt", "--config", `${root}/deno.json`, ...copies);
    if (failure) return failure;
    const isWrong = (path: string, i: number) =>
      Deno.readTextFileSync(copies[i]!) !== Deno.readTextFileSync(path);
    return paths.filter(isWrong).map((path) => `not formatted: run "deno fmt ${path}"`).join("\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The notebooks and those with the solutions of their exercises. */
async function allNotebooks(): Promise<string[]> {
  return [...await listNotebooks(), ...await listNotebooks(`${notebooksDir}/solutions`)];
}

async function notebookTypes(): Promise<string> {
  const notebooks = new Map<string, Notebook>();
  for (const path of await allNotebooks()) {
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
