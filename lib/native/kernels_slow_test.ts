/**
 * The kernels without TensorFlow (`check/`), compiled with sanitisers and for CPUs with narrower vectors than this one's,
 * against oracles in double precision and against themselves on another number of threads.
 */
import { flags, includeSources, isOps, sources } from "lib/native/_library.ts";
import { assertEquals } from "lib/testing/assert.ts";

const checks = `${import.meta.dirname}/check`;
const native = Deno.env.get("CXX") ?? "g++";
const x86 = Deno.build.arch === "x86_64";

interface Variant {
  /** Instead of the library's own for this CPU. */
  readonly flags: readonly string[];
  readonly compiler?: string;
  /** A program that runs what is compiled for another CPU. */
  readonly emulator?: string;
  readonly ignore?: boolean;
}

const variants: Readonly<Record<string, Variant>> = {
  "under AddressSanitizer and UBSan": {
    flags: ["-march=native", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover"],
  },
  "with AVX2": { flags: ["-march=x86-64-v3"], ignore: !x86 },
  "with SSE2 alone": { flags: ["-march=x86-64"], ignore: !x86 },
  "with NEON, emulated": {
    flags: ["-static"],
    compiler: "aarch64-linux-gnu-g++",
    emulator: "qemu-aarch64",
  },
};

for (
  const [name, { flags: own, compiler = native, emulator, ignore }] of Object.entries(variants)
) {
  Deno.test({
    name: `kernels equal their oracles ${name}`,
    ignore: ignore || !isThere(compiler) || (emulator !== undefined && !isThere(emulator)),
    fn() {
      const folder = Deno.makeTempDirSync();
      try {
        const program = `${folder}/check`;
        run(compiler, [...compilation(own), "-o", program]);
        const printed = emulator === undefined ? run(program, []) : run(emulator, [program]);
        assertEquals(printed, "0 failures\n");
      } finally {
        Deno.removeSync(folder, { recursive: true });
      }
    },
  });
}

function compilation(own: readonly string[]): string[] {
  const kernels = sources().filter((path) => path.endsWith(".cc") && !isOps(path));
  const drivers = [...Deno.readDirSync(checks)].map((entry) => `${checks}/${entry.name}`)
    .filter((path) => path.endsWith(".cc"));
  const common = flags.kernels.filter((flag) => !flag.startsWith("-march"));
  return [...flags.all, includeSources, ...common, ...own, "-pthread", ...kernels, ...drivers];
}

/** What the program prints. */
function run(program: string, args: readonly string[]): string {
  const { success, stdout, stderr } = new Deno.Command(program, { args: [...args] }).outputSync();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${program} failed:\n${text(stdout)}${text(stderr)}`);
  return text(stdout);
}

function isThere(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}
