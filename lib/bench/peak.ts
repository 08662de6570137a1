/**
 * Measures the machine's peak of fused multiply-adds, so that a kernel's speed can be given as a
 * share of it.
 */
import { join } from "@std/path";

/**
 * Compiles and runs `fma_peak.cc`.
 *
 * @returns FLOP/s of so many threads together.
 * @throws {Error} If there is no compiler (`$CXX`, by default g++), or if it fails.
 */
export async function measureFmaPeak(threads: number): Promise<number> {
  const folder = await Deno.makeTempDir();
  try {
    const program = join(folder, "fma_peak");
    const source = join(import.meta.dirname!, "fma_peak.cc");
    const flags = ["-O3", "-march=native", "-ffp-contract=fast", "-pthread"];
    await output(Deno.env.get("CXX") ?? "g++", [...flags, source, "-o", program]);
    return Number(await output(program, [String(threads)]));
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
