/** Where the compiled kernels lie. Imports no package: set-up runs it before any is installed. */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { platformOf } from "lib/native/platform.ts";
import { signaturesHeader } from "lib/native/signatures.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const sourceDir = `${root}lib/native/src`;
/**
 * The include path, so that sources name each other by folder and file. Not in `flags`, since it
 * differs from clone to clone.
 */
export const includeSources = `-I${sourceDir}`;

/** The folder of compiled libraries, inside the environment that set-up makes and git ignores. */
export const libraryDir = `${root}.venv/native`;
const wheelDir = `${root}.venv/engine`;
/** TensorFlow's libraries and headers. */
export const engineDir = `${wheelDir}/tensorflow`;

/**
 * The compiler's flags. Files that include TensorFlow's headers are compiled without
 * the flag for
 * this CPU alone.
 */
export const flags = {
  all: ["-std=c++17", "-fPIC", "-Wall", "-Wextra"],
  kernels: [
    "-O3",
    platformOf().ownCpu,
    "-fopenmp-simd",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
  ],
  /** A product and the sum after it are rounded separately. */
  exact: ["-ffp-contract=off"],
  ops: ["-O2", "-D_GLIBCXX_USE_CXX11_ABI=1", "-DEIGEN_MAX_ALIGN_BYTES=64", "-DNDEBUG"],
} as const;

/** Whether a source file includes TensorFlow's headers: those of the folder `ops`. */
export function isOps(source: string): boolean {
  return /\/ops\/\w+\.cc$/.test(source);
}

/** Whether a source file belongs to the library of views, which is loaded without TensorFlow. */
export function isViews(source: string): boolean {
  return /\/views\/\w+\.cc$/.test(source);
}

/**
 * Whether products and sums of a source file are rounded separately: those of views as in Pillow,
 * SGD's as in plain operations.
 */
export function isExact(source: string): boolean {
  return isViews(source) || source.endsWith("/kernels/momentum.cc");
}

/** The source files, absolute, in a fixed order; headers included. */
export function sources(): string[] {
  return [...Deno.readDirSync(sourceDir)].filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => `${sourceDir}/${name}`).sort()
    .flatMap((folder) => namesIn(folder, /\.(cc|h)$/).map((name) => `${folder}/${name}`));
}

/**
 * The names in a folder that match, sorted.
 *
 * @throws {Deno.errors.NotFound} If there is no such folder.
 */
export function namesIn(folder: string, wanted: RegExp): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => wanted.test(name)).sort();
}

/**
 * The part of the library's name that identifies its sources, flags, TensorFlow's version, and this
 * CPU: it may be loaded on no other. The rest of the name identifies the compiler.
 *
 * @throws {Deno.errors.NotFound} If TensorFlow is not set up.
 */
export function libraryKey(): string {
  const hash = createHash("sha256").update(JSON.stringify(flags)).update(cpu());
  hash.update(signaturesHeader());
  for (const name of namesIn(wheelDir, /\.dist-info$/)) hash.update(name);
  for (const path of sources()) {
    hash.update(path.slice(sourceDir.length)).update(Deno.readFileSync(path));
  }
  return hash.digest("hex").slice(0, 16);
}

/**
 * The newest library `<name>-…` that fits sources, flags and machine; `undefined` if there is none.
 */
export function newestLibrary(name: "bcssl" | "views"): string | undefined {
  try {
    const start = `${name}-${libraryKey()}-`;
    const paths = namesIn(libraryDir, /\.so$/).filter((file) => file.startsWith(start))
      .map((file) => `${libraryDir}/${file}`);
    const age = (path: string) => Deno.statSync(path).mtime?.getTime() ?? 0;
    return paths.sort((a, b) => age(a) - age(b)).at(-1);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The instruction sets of this CPU as Linux lists them, elsewhere its architecture. */
function cpu(): string {
  try {
    const lines = Deno.readTextFileSync("/proc/cpuinfo").split("\n");
    const wanted = /^(flags|Features|model name|CPU part|isa)\s*:/;
    return [...new Set(lines.filter((line) => wanted.test(line)))].join("\n");
  } catch {
    return Deno.build.target;
  }
}
