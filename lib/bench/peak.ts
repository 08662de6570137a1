/**
 * Measures the machine's peak of multiply-adds, so that a kernel's speed can be given as a share of
 * it.
 */
import { join } from "@std/path";

/** FLOP/s of a machine's cores in each precision; undefined where it does not multiply in it. */
export interface Peaks {
  readonly fp32?: number;
  readonly bf16?: number;
}

/**
 * Compiles and runs `peak.cc`.
 *
 * @returns FLOP/s of so many threads together.
 * @throws {Error} If there is no compiler (`$CXX`, by default g++), or if it fails.
 */
export async function measurePeaks(threads: number): Promise<Peaks> {
  const folder = await Deno.makeTempDir();
  try {
    const program = join(folder, "peak");
    const source = join(import.meta.dirname!, "peak.cc");
    const flags = ["-O3", "-march=native", "-ffp-contract=fast", "-pthread"];
    await output(Deno.env.get("CXX") ?? "g++", [...flags, source, "-o", program]);
    const measure = async (precision: string) =>
      Number(await output(program, [String(threads), precision])) || undefined;
    return { fp32: await measure("fp32"), bf16: await measure("bf16") };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function output(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (success) return text(stdout);
  throw new Error(`Cannot measure the machine's peak: ${text(stderr).split("\n")[0]}`);
}
