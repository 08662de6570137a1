/** What the tasks of this folder share: they show an error as one line instead of a stack. */
import { root } from "lib/setup/install/project.ts";

/** Runs a task: an error a person can mend is shown in a line, and the exit code is 1. */
export async function main(task: (args: string[]) => Promise<number | void>): Promise<void> {
  try {
    Deno.exitCode = await task(Deno.args) ?? 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(complaint(error));
    Deno.exitCode = 1;
  }
}

const cannotWrite = /\(os error (1|13|28|30|122)\)/; // EPERM, EACCES, ENOSPC, EROFS, EDQUOT

/**
 * What a person reads of an error. One that is neither ours nor the disk's is a fault of this
 * program: its stack helps to find it.
 */
export function complaint(error: Error): string {
  if (/^Cannot /.test(error.message)) return error.message;
  if (!cannotWrite.test(error.message)) return error.stack ?? String(error);
  return `Cannot go on: ${error.message}. All that is made lies in ${root}: make that folder writable, with space on its disk, or ` +
    "clone the project to one that is";
}
