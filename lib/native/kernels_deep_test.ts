/**
 * The kernels without TensorFlow (`check/`), compiled with sanitisers and for CPUs with narrower
 * vectors than this one's, against oracles in double precision and against themselves on another
 * number of threads.
 */
import { flags, includeSources, isOps, sources } from "lib/native/_library.ts";
import { assertEquals } from "lib/testing/assert.ts";

const checkDir = `${import.meta.dirname}/check`;
const checks = [...Deno.readDirSync(checkDir)].map(({ name }) => `${checkDir}/${name}`)
  .filter((path) => path.endsWith(".cc"));
const native = Deno.env.get("CXX") ?? "g++";
const x86 = Deno.build.arch === "x86_64";

interface Variant {
  /** The kernels' flags, instead of the library's own for this CPU. */
  readonly flags: readonly string[];
  readonly compiler?: string;
  /** A program that runs what is compiled for another CPU. */
  readonly emulator?: string;
  readonly ignore?: boolean;
}

/**
 * Less optimised than the library: the vectors are as wide, and compiling takes two thirds of the
 * time.
 */
const brief = ["-O1"] as const;

const variants: Readonly<Record<string, Variant>> = {
  "under AddressSanitizer and UBSan": {
    flags: ["-march=native", "-Og", "-g1", ...[
      "-fsanitize=address,undefined",
      "-fno-sanitize-recover",
    ]],
  },
  "with AVX2": { flags: ["-march=x86-64-v3", ...brief], ignore: !x86 },
  "with SSE2 alone": { flags: ["-march=x86-64", ...brief], ignore: !x86 },
  "with NEON, emulated": {
    flags: ["-static"],
    compiler: "aarch64-linux-gnu-g++",
    emulator: "qemu-aarch64",
  },
};

/** Objects of the checks that every variant links, for each compiler: made once. */
const sharedChecks = new Map<string, Promise<string[]>>();
const folder = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

for (const [name, variant] of Object.entries(variants)) {
  const { flags: own, compiler = native, emulator, ignore } = variant;
  Deno.test({
    name: `kernels equal their oracles ${name}`,
    ignore: ignore || !isThere(compiler) || (emulator !== undefined && !isThere(emulator)),
    async fn() {
      const program = await build(name, compiler, own);
      const printed = emulator === undefined
        ? await run(program, [])
        : await run(emulator, [program]);
      assertEquals(printed, "0 failures\n");
    },
  });
}

/**
 * Compiles the kernels with a variant's flags and links them with the checks; returns the program.
 */
async function build(name: string, compiler: string, own: readonly string[]): Promise<string> {
  const shared = sharedChecks.get(compiler) ??
    compileAll(compiler, checks.filter((path) => !hasKernelCode(path)), [`${compiler}`, "-O1"]);
  sharedChecks.set(compiler, shared);
  const kernels = sources().filter((path) => path.endsWith(".cc") && !isOps(path));
  const objects = await compileAll(
    compiler,
    [...kernels, ...checks.filter(hasKernelCode)],
    [name, ...flags.kernels.filter((flag) => !flag.startsWith("-march")), ...own],
  );
  const program = `${folder}/${name}`;
  await run(compiler, [...own, "-pthread", ...objects, ...await shared, "-o", program]);
  return program;
}

/**
 * Whether a check includes templates or inline functions of the kernels, which must be the
 * variant's.
 */
function hasKernelCode(path: string): boolean {
  return /^#include "(?!check\.h)/m.test(Deno.readTextFileSync(path));
}

/**
 * Compiles files as many at a time as there are cores, each alone; the first of `options` names the
 * set.
 */
async function compileAll(
  compiler: string,
  paths: readonly string[],
  [set, ...options]: readonly string[],
): Promise<string[]> {
  const size = (path: string) => Deno.statSync(path).size;
  const waiting = paths.toSorted((a, b) => size(b) - size(a));
  const objects: string[] = [];
  const work = async () => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      const object = `${folder}/${set!.replaceAll("/", "-")} ${path.split("/").at(-1)}.o`;
      const args = [...flags.all, includeSources, ...options, "-pthread", "-c", path, "-o", object];
      await run(compiler, args);
      objects.push(object);
    }
  };
  await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, work));
  return objects.sort();
}

/** What the program prints. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
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
