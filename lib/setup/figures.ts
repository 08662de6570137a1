/**
 * `deno task figures [notebook…] [--scale smoke|laptop|paper]`: draws all figures and writes all
 * tables of the notebooks again, from what is saved in `outputs/`. Trains, evaluates and measures
 * nothing: a notebook that would have to is named.
 */
import { fileURLToPath } from "node:url";
import { findNotebooks } from "lib/setup/notebooks/notebook.ts";
import { root } from "lib/setup/install/project.ts";
import { checkScale } from "lib/setup/reproduce.ts";
import { setUp } from "lib/setup/setup.ts";
import { readArguments } from "lib/task_arguments.ts";
import { main } from "lib/setup/task.ts";

/** The result: the exit code is 0 if every notebook was drawn to its end. */
export interface FiguresResult {
  readonly code: number;
  /** A line for each notebook, as shown. */
  readonly output: string;
}

export interface FiguresOptions {
  /** Scale of all notebooks; by default, each notebook's own. */
  readonly scale?: string;
  /** Folder to use instead of `outputs/`. */
  readonly outputs?: string;
}

/**
 * Draws the notebooks at these paths, in one process: the engine and the data are loaded once.
 *
 * @throws {Error} If that process crashes; the message has its last lines.
 */
export async function drawFigures(
  paths: readonly string[],
  { scale, outputs }: FiguresOptions = {},
): Promise<FiguresResult> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      fileURLToPath(new URL("notebooks/draw_notebooks.ts", import.meta.url)),
      ...paths,
    ],
    cwd: root,
    env: {
      BCSSL_SAVED: "only",
      ...(scale !== undefined && { BCSSL_SCALE: scale }),
      ...(outputs !== undefined && { BCSSL_OUTPUTS: outputs }),
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped", // the engine's log
  }).spawn();
  const [output, log, { code }] = await Promise.all([
    shown(child.stdout),
    new Response(child.stderr).text(),
    child.status,
  ]);
  if (code > 1 || output === "") {
    const last = log.trimEnd().split("\n").slice(-15).join("\n");
    throw new Error(`Cannot draw the figures: the process ended with code ${code}\n${last}`);
  }
  return { code, output };
}

/** All of a stream's text, shown on the terminal as it comes. */
async function shown(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    Deno.stdout.writeSync(new TextEncoder().encode(part));
  }
  return text;
}

if (import.meta.main) {
  await main(async (args) => {
    const { values, positionals } = readArguments(args, { scale: { type: "string" } }, {
      positionals: true,
    });
    checkScale(values.scale);
    const paths = await findNotebooks(positionals);
    if (paths.length === 0) {
      throw new Error("Cannot draw the figures: there is no notebook in notebooks/");
    }
    await setUp({ quiet: true });
    return (await drawFigures(paths, values)).code;
  });
}
