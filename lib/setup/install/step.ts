/**
 * Steps of set-up: each is done once, and again only if what it depends on has changed or what it
 * made is gone.
 */
import { remove, writeFileWhole } from "lib/setup/install/files.ts";
import { venv } from "lib/setup/install/project.ts";

export interface Step {
  /** Name of the file that records that the step is done. */
  readonly id: string;
  /** Name of the step on the terminal. */
  readonly title: string;
  /** Changes when the step must be done again. Takes milliseconds: every start asks. */
  key(): Promise<string>;
  /** Whether what the step made is still there. */
  isPresent(): Promise<boolean>;
  /** Does the step from its beginning: an earlier attempt may have been killed half way. */
  make(note: Note): Promise<void>;
}

/** Shows how far a step is. */
export type Note = (text: string) => void;

export const stampsDir = `${venv}/stamps`;

export async function isReady(step: Step, dir = stampsDir): Promise<boolean> {
  const stamp = await Deno.readTextFile(`${dir}/${step.id}`).catch(() => "");
  return stamp !== "" && stamp === await step.key() && await step.isPresent();
}

/**
 * Does the steps that are not ready, in order, and prints a line for each.
 *
 * @param options.quiet Says nothing about steps that are ready.
 * @returns How many were done.
 * @throws {Error} What the failing step throws; steps before it stay done.
 */
export async function runSteps(
  steps: readonly Step[],
  { quiet = false, dir = stampsDir, write = toTerminal }: {
    readonly quiet?: boolean;
    readonly dir?: string;
    readonly write?: (text: string) => void;
  } = {},
): Promise<number> {
  let done = 0;
  for (const step of steps) {
    if (await isReady(step, dir)) {
      if (!quiet) write(`${step.title} … ready\n`);
      continue;
    }
    write(`${step.title} … `);
    await runStep(step, dir, write);
    done++;
  }
  return done;
}

async function runStep(step: Step, dir: string, write: (text: string) => void): Promise<void> {
  await remove(`${dir}/${step.id}`); // first: killed from here on, the step is not ready
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1000).toFixed(1) + " s";
  const live = write === toTerminal && Deno.stdout.isTerminal();
  let note = "";
  const show = () => write(`\r\x1b[K${step.title} … ${note} ${seconds()}`);
  const ticker = live ? setInterval(show, 1000) : undefined;
  try {
    await step.make((text) => note = text);
    await writeFileWhole(`${dir}/${step.id}`, await step.key()); // now: making may change what the key reads
    write(`${live ? `\r\x1b[K${step.title} … ` : ""}${seconds()}\n`);
  } catch (error) {
    write("failed\n");
    throw error;
  } finally {
    clearInterval(ticker);
  }
}

function toTerminal(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

/**
 * Runs `body` while no other process does so with the same file.
 *
 * The lock is one of the operating system on the open file: it ends with its process, however that
 * ends.
 */
export async function withLock<T>(
  path: string,
  body: () => Promise<T>,
  onWait: () => void = () => console.log("Waiting for another set-up to end …"),
): Promise<T> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  using file = await Deno.open(path, { create: true, write: true });
  if (!await file.tryLock(true)) {
    onWait();
    await file.lock(true);
  }
  return await body();
}
