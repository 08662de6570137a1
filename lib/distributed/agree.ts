/** What processes tell each other beside tensors: small numbers, and whether they have the same. */
import { createHash } from "node:crypto";
import * as tf from "lib/tf.ts";
import type { World } from "./world.ts";

/** The processes' numbers, by rank, each to fp32's 24 bits. */
function numbersOf(world: World, numbers: readonly number[]): Float32Array[] {
  const all = tf.tidy(() => world.gather(tf.tensor1d([...numbers])).dataSync<"float32">());
  const count = numbers.length;
  return Array.from(
    { length: world.size },
    (_, rank) => all.slice(rank * count, (rank + 1) * count),
  );
}

/** Whether any of the processes says yes. */
export function anyOf(world: World, yes: boolean): boolean {
  if (world.size === 1) return yes;
  return numbersOf(world, [yes ? 1 : 0]).some(([number]) => number === 1);
}

/**
 * The largest of the processes' numbers, in all of them.
 *
 * @param number From −2²⁴ to 2²⁴.
 */
export function largestOf(world: World, number: number): number {
  if (world.size === 1) return number;
  return Math.max(...numbersOf(world, [number]).map(([other]) => other!));
}

/** The error of a process that stops because another one has. */
export class StoppedElsewhereError extends Error {
  override readonly name = "StoppedElsewhereError";
}

/**
 * Runs something in every process, and throws in all if it throws in one.
 *
 * @throws {StoppedElsewhereError} Where it did not throw itself.
 */
export async function allOrNone(world: World, run: () => Promise<void>): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  try {
    await run();
  } catch (error) {
    failure = { error };
  }
  if (!anyOf(world, failure !== undefined)) return;
  throw failure === undefined
    ? new StoppedElsewhereError("Cannot go on: another process has stopped; see what it says")
    : failure.error;
}

/**
 * Process 0's number, in all processes.
 *
 * @param number From −2²⁴ to 2²⁴; that of other processes is ignored.
 */
export function numberOfFirst(world: World, number: number): number {
  return world.size === 1 ? number : numbersOf(world, [number])[0]![0]!;
}

/**
 * Checks that all processes have the same.
 *
 * @param what What it is, for the message: `state at step 30`.
 * @param content Text, or the bytes of tensors.
 * @throws {Error} In all processes; it names those that have other than process 0.
 */
export function requireSame(
  world: World,
  what: string,
  content: Iterable<string | Uint8Array>,
): void {
  if (world.size === 1) return;
  const hash = createHash("sha256");
  for (const part of content) hash.update(part);
  const digest = hash.digest();
  const pieces = Array.from({ length: 4 }, (_, i) => digest.readUIntBE(3 * i, 3)); // 24 bits each
  const all = numbersOf(world, pieces);
  const others = all.flatMap((numbers, rank) =>
    numbers.every((number, i) => number === all[0]![i]) ? [] : [rank]
  );
  if (others.length === 0) return;
  throw new Error(
    `Cannot train together: process ${others.join(", ")} has another ${what} than process 0; ` +
      "start all with the same command, the same files and the same outputs/",
  );
}
