/** Checks the programs that set-up needs, and names the command that installs a missing one. */
import { run } from "./command.ts";
import { type Platform, platformOf } from "lib/native/platform.ts";

/** A missing program, and the command that installs it. */
export interface Missing {
  readonly what: string;
  readonly mend: string;
}

const pythons = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/**
 * Finds the first Python ≥ 3.11 on the PATH that can make virtual environments.
 *
 * @returns `program`, or `lacksVenv` if a Python was found that only lacks the module venv; neither
 * if there is no Python.
 */
export async function findPython(candidates: readonly string[] = pythons): Promise<
  { readonly program?: string; readonly lacksVenv?: string }
> {
  const probe =
    "import sys; print(sys.version_info >= (3, 11)); import venv, ensurepip; print('venv')";
  let lacksVenv: string | undefined;
  for (const program of candidates) {
    const { code, output } = await run(program, ["-c", probe]);
    if (code === 0 && output.startsWith("True")) return { program };
    if (output.startsWith("True")) lacksVenv ??= program;
  }
  return { lacksVenv };
}

/** Lists all missing programs, so that one message can name all of them. */
export async function missingPrerequisites(
  { platform = platformOf(), compiler = platform.compiler, candidates = pythons }: {
    readonly platform?: Platform;
    readonly compiler?: string;
    readonly candidates?: readonly string[];
  } = {},
): Promise<Missing[]> {
  const missing: Missing[] = [];
  const { program, lacksVenv } = await findPython(candidates);
  if (program === undefined && lacksVenv !== undefined) {
    missing.push({
      what: `the venv module of ${lacksVenv}`,
      mend: platform.venvMend,
    });
  } else if (program === undefined) {
    missing.push({
      what: "Python 3.11 or newer",
      mend: platform.pythonMend,
    });
  }
  if ((await run(compiler, ["--version"])).code !== 0) {
    missing.push({ what: platform.compilerName, mend: platform.compilerMend });
  }
  return missing;
}

/**
 * Checks that no program is missing.
 *
 * @throws {Error} If one is; the message names all missing programs, each with its command.
 */
export async function requirePrerequisites(): Promise<void> {
  const missing = await missingPrerequisites();
  if (missing.length === 0) return;
  const lines = missing.map(({ what, mend }) => `    ${what}: ${mend}`);
  throw new Error(
    `Cannot set up: this machine lacks the following (the commands are ${
      platformOf().name === "macOS" ? "for macOS with Homebrew" : "Debian's and Ubuntu's"
    })\n` +
      `${lines.join("\n")}\nthen run "deno task setup" again`,
  );
}
