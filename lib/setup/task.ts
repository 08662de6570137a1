/** What all tasks share: arguments, and errors of one line instead of a stack. */
import { parseArgs, type ParseArgsConfig } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;

/**
 * Parses a task's arguments.
 *
 * @throws {RangeError} If one is unknown; the message lists those that exist.
 */
export function readArguments<const T extends Options>(
  args: string[],
  options: T,
  { positionals = false } = {},
) {
  try {
    return parseArgs({ args, options, allowPositionals: positionals, strict: true });
  } catch (error) {
    const reason = (error as Error).message.split(/[.\n]/, 1)[0];
    const known = Object.keys(options).map((name) => `--${name}`).join(", ") || "none";
    throw new RangeError(`Cannot read the arguments: ${reason}; the options are ${known}`);
  }
}

/** Runs a task: an error a person can mend is shown as its message, and the exit code is 1. */
export async function main(task: (args: string[]) => Promise<number | void>): Promise<void> {
  try {
    Deno.exitCode = await task(Deno.args) ?? 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isOurs = /^Cannot /.test(error.message);
    console.error(isOurs ? error.message : error.stack);
    Deno.exitCode = 1;
  }
}
