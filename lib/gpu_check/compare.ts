/** Compares what two processes computed. Imports no engine. */
import { type CaseFacts, type ComputedMessage, type FailedMessage, fileOf } from "./messages.ts";

/** The outcome of a case. */
export interface CaseResult extends CaseFacts {
  readonly passed: boolean;
  /** The largest difference, as a share of the largest number; absent if there is nothing to compare. */
  readonly difference?: number;
  /** The tensor that differs most. */
  readonly where?: string;
  /** Why there is nothing to compare. */
  readonly error?: string;
  /** Seconds that the GPU took, with compiling its shaders. */
  readonly seconds?: number;
}

/** What a process says of a case; `undefined` if it ended before. */
export type Said = ComputedMessage | FailedMessage | undefined;

/**
 * The largest difference of two lists as a share of the largest expected number, or as it is where
 * that is 0. Where one has a NaN or an infinity that the other has not, it is infinite.
 *
 * @returns Infinity too if the lengths differ.
 */
export function largestDifference(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): number {
  if (actual.length !== expected.length) return Infinity;
  let [most, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i]!, expected[i]!];
    if (Object.is(a, e) || a === e) {
      if (Number.isFinite(e)) largest = Math.max(largest, Math.abs(e));
      continue;
    }
    if (!Number.isFinite(a) || !Number.isFinite(e)) return Infinity;
    most = Math.max(most, Math.abs(a - e));
    largest = Math.max(largest, Math.abs(e));
  }
  return largest === 0 ? most : most / largest;
}

/** The GPU's numbers of a case beside the CPU's, read from the folders of both processes. */
export async function compareCase(
  about: CaseFacts,
  index: number,
  gpu: { readonly said: Said; readonly folder: string },
  cpu: { readonly said: Said; readonly folder: string },
): Promise<CaseResult> {
  const fail = (error: string): CaseResult => ({ ...about, passed: false, error });
  if (gpu.said === undefined) return fail("not computed: the process ended before");
  if ("failed" in gpu.said) return fail(gpu.said.error);
  if (cpu.said === undefined || "failed" in cpu.said) {
    return fail(`nothing to compare with: ${cpu.said?.error ?? "the CPU's process ended"}`);
  }
  const [actual, expected] = await Promise.all(
    [gpu, cpu].map(async ({ folder }) => {
      const bytes = await Deno.readFile(fileOf(folder, index));
      return new Float32Array(bytes.buffer);
    }),
  ) as [Float32Array, Float32Array];
  let worst = { difference: 0, where: "" };
  for (const [tensor, { shape, from }] of Object.entries(cpu.said.tensors)) {
    const other = gpu.said.tensors[tensor];
    if (other === undefined || String(other.shape) !== String(shape)) {
      return fail(`"${tensor}" has shape [${other?.shape}] in place of [${shape}]`);
    }
    const size = shape.reduce((product, side) => product * side, 1);
    const difference = largestDifference(
      actual.subarray(other.from, other.from + size),
      expected.subarray(from, from + size),
    );
    if (!(difference <= worst.difference)) worst = { difference, where: tensor };
  }
  const passed = worst.difference <= about.tolerance;
  return { ...about, passed, ...worst, seconds: gpu.said.seconds };
}
