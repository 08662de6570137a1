/** PyTorch's times on the same GPU. */
import { fileURLToPath } from "node:url";
import type { BenchCase } from "lib/bench/cases.ts";
import { startContender } from "lib/bench/contender.ts";

/** Seconds for which a case is repeated, as on our side. */
const turn = 1;

/**
 * Times cases with PyTorch on CUDA, while the time lasts.
 *
 * @param python An interpreter that has PyTorch.
 * @param seconds Seconds after which no further case begins.
 * @returns Seconds of a call by the name of the case, and why some are missing.
 */
export async function pyTorchTimes(
  python: string,
  cases: readonly BenchCase[],
  seconds: number,
): Promise<{ readonly seconds: ReadonlyMap<string, number>; readonly notes: readonly string[] }> {
  const began = performance.now();
  const script = fileURLToPath(new URL("../bench/peer.py", import.meta.url));
  const contender = startContender("cuda", [python, script, "cuda"], {});
  const times = new Map<string, number>();
  const notes: string[] = [];
  try {
    for (const subject of cases) {
      if (performance.now() - began > 1000 * seconds) {
        notes.push(`PyTorch: ${cases.length - times.size} speeds were not measured`);
        break;
      }
      try {
        await contender.prepare(subject);
        times.set(subject.name, (await contender.sample(turn)).seconds);
      } catch (error) {
        notes.push(`PyTorch: ${subject.name}: ${(error as Error).message}`);
        if (/its process ended/.test((error as Error).message)) break;
      }
    }
  } finally {
    await contender.close();
  }
  return { seconds: times, notes };
}
