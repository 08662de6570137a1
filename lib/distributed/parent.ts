/** The end of a process whose parent has ended. */

/**
 * Ends this process when the one that started it has ended, be it by SIGKILL. Its standard input must
 * be a pipe from there, which ends then. That is noticed whenever this process waits for something,
 * so a long computation should wait now and then.
 */
export async function endWithParent(): Promise<void> {
  for await (const _ of Deno.stdin.readable);
  Deno.exit(1);
}
