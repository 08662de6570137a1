/** Reads the arguments of all tasks. Imports no package: set-up uses it too. */
import { parseArgs, type ParseArgsConfig } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;

/**
 * Parses a task's arguments.
 *
 * @param more.positionals Whether arguments may stand without an option.
 * @param more.task Command of a task with `--help`, to which an error then points: `deno task ship`.
 * @throws {RangeError} If one is unknown, or lacks its value; the message lists the options, or says
 *   how to list them.
 */
export function readArguments<const T extends Options>(
  args: string[],
  options: T,
  { positionals = false, task }: { readonly positionals?: boolean; readonly task?: string } = {},
) {
  try {
    return parseArgs({ args, options, allowPositionals: positionals, strict: true });
  } catch (error) {
    const reason = (error as Error).message.split(/[.\n]/, 1)[0];
    const known = Object.keys(options).map((name) => `--${name}`).join(", ") || "none";
    const way = task === undefined ? `the options are ${known}` : `see ${task} --help`;
    throw new RangeError(`Cannot read the arguments: ${reason}; ${way}`);
  }
}
