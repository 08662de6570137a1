/** Runs programs for set-up and says what went wrong when one fails. */

export interface CommandResult {
  /**
   * 127 if there is no such program, 126 if there is and it cannot be run: another machine's, or
   * not allowed.
   */
  readonly code: number;
  /** Standard output and error together. */
  readonly output: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end, without a terminal. Never throws because the program fails. */
export async function run(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  try {
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      ...options,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const decoder = new TextDecoder();
    return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { code: 127, output: `no ${program}` };
    return { code: 126, output: (error as Error).message };
  }
}

/**
 * Runs a program like {@linkcode run}, where failing is an error.
 *
 * @throws {Error} Holds the program's last lines, or what to do if they show that the network is
 *   missing.
 */
export async function mustRun(
  attempt: string,
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { code, output } = await run(program, args, options);
  if (code === 0) return output;
  throw new Error(failure(attempt, program, code, output));
}

const networkTrouble =
  /name resolution|name or service not known|dns error|could not resolve|network is unreachable|connection (refused|reset|timed out)|newconnectionerror|max retries exceeded|read timed out|error sending request|client error \(connect\)/i;

/** The message for a program that failed. */
export function failure(attempt: string, program: string, code: number, output: string): string {
  const isNetwork = networkTrouble.test(output);
  const lines = output.trimEnd().split("\n").slice(isNetwork ? -2 : -15);
  const tail = lines.map((line) => `    ${line}`).join("\n");
  const reason = isNetwork
    ? "no network. Set-up needs npm's and Python's package registries: connect, or set their mirrors " +
      '("npm config set registry …", "pip config set global.index-url …"), then run "deno task setup" again'
    : `${program} ended with code ${code}`;
  return `Cannot ${attempt}: ${reason}\n${tail}`;
}
