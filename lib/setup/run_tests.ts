/** `deno task test [--fast] [name…]`: sets up what is missing, runs the tests, ends with `N passed, N failed`. */
import { textLines } from "lib/setup/notebooks/json_lines.ts";
import { root } from "lib/setup/install/project.ts";
import { setUp } from "lib/setup/setup.ts";
import { main, readArguments } from "lib/setup/task.ts";

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The counts in Deno's own last line, if this is that line. */
export function readSummary(line: string): TestCounts | undefined {
  // deno-lint-ignore no-control-regex -- the terminal's colours
  const plain = line.replace(/\x1b\[[0-9;]*m/g, "");
  const found = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed/.exec(plain);
  if (!found) return undefined;
  const skipped = Number(/ \| (\d+) ignored/.exec(plain)?.[1] ?? 0);
  return { passed: Number(found[1]), failed: Number(found[2]), skipped };
}

/** The line that closes a run. */
export function closingLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/**
 * Runs the tests under the given paths, all of `lib` by default, and shows what Deno shows.
 *
 * A run that ends without its summary (it does not compile, it crashed) counts as one more failure.
 *
 * @param options.fast Leaves out files named `x_slow_test.ts`.
 */
export async function runTests(
  paths: readonly string[] = [],
  { fast = false } = {},
): Promise<TestCounts> {
  const ignore = fast ? [`--ignore=${(await slowTests(`${root}/lib`)).join(",")}`] : [];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", ...ignore, ...(paths.length > 0 ? paths : ["lib"])],
    cwd: root,
    env: Deno.stdout.isTerminal() ? { FORCE_COLOR: "1" } : {},
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let counts: TestCounts | undefined;
  for await (const line of textLines(child.stdout)) {
    console.log(line);
    counts = readSummary(line) ?? counts;
  }
  const { success } = await child.status;
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: 0 };
  return { passed, skipped, failed: success ? failed : Math.max(failed, 1) };
}

async function slowTests(dir: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    if (isDirectory) found.push(...await slowTests(`${dir}/${name}`));
    else if (name.endsWith("_slow_test.ts")) found.push(`${dir}/${name}`);
  }
  return found;
}

if (import.meta.main) {
  await main(async (args) => {
    const { values, positionals } = readArguments(
      args,
      { fast: { type: "boolean", default: false } },
      { positionals: true },
    );
    await setUp({ quiet: true });
    const counts = await runTests(positionals, values);
    console.log(closingLine(counts));
    return counts.failed > 0 ? 1 : 0;
  });
}
