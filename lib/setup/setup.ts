/**
 * `deno task setup [--gpu | --cpu]`: makes what is missing for notebooks and tests, inside the
 * project folder only.
 */
import { rememberChoice } from "lib/setup/install/engine_choice.ts";
import { requirePrerequisites } from "lib/setup/install/prerequisites.ts";
import { venv } from "lib/setup/install/project.ts";
import { isReady, runSteps, type Step, withLock } from "lib/setup/install/step.ts";
import { npmStep, steps } from "lib/setup/steps.ts";
import { readArguments } from "lib/task_arguments.ts";
import { main } from "lib/setup/task.ts";

/**
 * Sets up what is missing. If nothing is, this takes milliseconds.
 *
 * @param options.quiet Prints nothing about parts that are ready.
 * @param options.needs The steps that are done; by default, all.
 * @throws {Error} Naming what is missing or went wrong, and what to do.
 */
export async function setUp(
  { quiet = false, needs = steps }: {
    readonly quiet?: boolean;
    readonly needs?: readonly Step[];
  } = {},
): Promise<void> {
  if (quiet && await allReady(needs)) return;
  const others = needs.filter((step) => step !== npmStep); // npm needs no program but Deno
  await withLock(`${venv}/setup.lock`, async () => {
    if (!await allReady(others)) await requirePrerequisites();
    await runSteps(needs, { quiet });
  });
}

async function allReady(steps: readonly Step[]): Promise<boolean> {
  for (const step of steps) {
    // A missing compiler throws here. It counts as not ready; the check of prerequisites names it.
    if (!await isReady(step).catch(() => false)) return false;
  }
  return true;
}

if (import.meta.main) {
  await main(async (args) => {
    const { values } = readArguments(args, {
      gpu: { type: "boolean", default: false },
      cpu: { type: "boolean", default: false },
    });
    if (values.gpu && values.cpu) {
      throw new RangeError("Cannot take both --gpu and --cpu: choose one");
    }
    if (values.gpu || values.cpu) await rememberChoice(values.gpu ? "gpu" : "cpu");
    await setUp();
  });
}
