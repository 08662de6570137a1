/** Which test files there are, and in which order and company they run. */

/**
 * Files that take long, in seconds of two cores' work as measured, rounded. They run alone, the longest first, so that the
 * last worker is not left with one when the others are through. A wrong number costs time, nothing else.
 */
const seconds: Readonly<Record<string, number>> = {};

/** What a slow file takes that the table does not have, and what any other takes. */
const [unknownSlow, unknownFast] = [15, 0.7];

/** Files of one process together take about this long: its start, with TensorFlow, takes 1.5 s. */
const groupSeconds = 12;

/** @returns The seconds a test file takes, by the table or by its name. */
export function expectedSeconds(path: string): number {
  const known = Object.entries(seconds).find(([name]) => path.endsWith(`/${name}`));
  return known?.[1] ?? (isSlow(path) ? unknownSlow : unknownFast);
}

/** Whether `--fast` leaves the file out. */
export function isSlow(path: string): boolean {
  return path.endsWith("_slow_test.ts");
}

/**
 * The test files at the given paths, each a file or a folder, in the order of their names.
 *
 * @throws {Error} If there is nothing at a path.
 */
export async function findTests(paths: readonly string[], root: string): Promise<string[]> {
  const files = new Set<string>();
  for (const path of paths) {
    const full = path.startsWith("/") ? path : `${root}/${path.replace(/^\.\//, "")}`;
    const stat = await Deno.stat(full).catch(() => undefined);
    if (stat === undefined) {
      throw new Error(`Cannot test ${path}: there is no such file or folder in ${root}`);
    }
    if (stat.isDirectory) {
      for (const file of await testsBelow(full.replace(/\/$/, ""))) files.add(file);
    } else files.add(full);
  }
  return [...files].sort();
}

async function testsBelow(dir: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    const path = `${dir}/${name}`;
    if (isDirectory && name !== "node_modules") files.push(...await testsBelow(path));
    else if (name.endsWith("_test.ts")) files.push(path);
  }
  return files;
}

/**
 * Shares files out to processes: a long one has its own, short ones that stand beside each other go together. The longest
 * group comes first.
 */
export function groupTests(files: readonly string[], secondsOf = expectedSeconds): string[][] {
  const groups: { readonly files: string[]; seconds: number }[] = [];
  let open: typeof groups[number] | undefined;
  for (const file of files) {
    const seconds = secondsOf(file);
    if (seconds >= groupSeconds) groups.push({ files: [file], seconds });
    else if (open !== undefined && open.seconds + seconds <= groupSeconds) {
      open.files.push(file);
      open.seconds += seconds;
    } else groups.push(open = { files: [file], seconds });
  }
  return groups.toSorted((a, b) => b.seconds - a.seconds).map((group) => group.files);
}
