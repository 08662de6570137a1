/** Compiles the kernels in `src/`. Set-up runs this; by hand: `deno run -A lib/native/build.ts`. */
import { createHash } from "node:crypto";
import {
  engineDir,
  flags,
  includeSources,
  isExact,
  isOps,
  isViews,
  libraryDir,
  libraryKey,
  sources,
} from "lib/native/_library.ts";
import { platformOf } from "lib/native/platform.ts";
import { signaturesHeader } from "lib/native/signatures.ts";

export interface NativeBuild {
  /** The library's file. */
  readonly path: string;
  /** Wall time, in seconds. */
  readonly seconds: number;
  /** True if the library existed already. */
  readonly cached: boolean;
}

/**
 * Compiles the native kernels for this machine's CPU, unless they have been compiled from the same
 * sources with the same flags, compiler and TensorFlow. The compiler is `$CXX`, or g++.
 *
 * @throws {Error} If TensorFlow or a compiler is missing, or the compiler fails. The plain ops then
 *   do the work.
 */
export async function buildNative(): Promise<NativeBuild> {
  const start = performance.now();
  const suffix = `${key()}-${await compilerHash()}.so`;
  const path = `${libraryDir}/bcssl-${suffix}`;
  const cached = isFile(path);
  if (!isFile(`${libraryDir}/views-${suffix}`)) await compileViews(`${libraryDir}/views-${suffix}`);
  if (!cached) await compileAndLink(path);
  return { path, seconds: (performance.now() - start) / 1000, cached };
}

const compiler = Deno.env.get("CXX") ?? platformOf().compiler;

function key(): string {
  try {
    return libraryKey();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `Cannot compile the native kernels: TensorFlow is not in ${engineDir}; run \`deno task setup\``,
    );
  }
}

/** A hash of the compiler's version and of the flags that `-march=native` stands for. */
async function compilerHash(): Promise<string> {
  const said = await run(platformOf().compilerFacts).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `Cannot compile the native kernels: no ${compiler}; install one (${platformOf().compilerMend}) and run ` +
        "`deno task setup` again, or go on with the plain ops",
    );
  });
  return createHash("sha256").update(said).digest("hex").slice(0, 8);
}

/**
 * Compiles under temporary names and renames the library at the end, so that a library that exists
 * is complete.
 */
async function compileAndLink(path: string): Promise<void> {
  const dir = await Deno.makeTempDir({ dir: await folder(), prefix: "build-" });
  try {
    await Deno.writeTextFile(`${dir}/signatures.h`, signaturesHeader());
    const objects = await compileAll(sources().filter(isEngineSource), dir);
    const library = `${dir}/library.so`;
    await run(["-shared", "-o", library, ...objects, ...platformOf().linkEngine(engineDir)]);
    await Deno.rename(library, path);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The library of views: its own files, linked with no other library. */
async function compileViews(path: string): Promise<void> {
  const dir = await Deno.makeTempDir({ dir: await folder(), prefix: "build-" });
  try {
    const own = [...flags.all, includeSources, ...flags.kernels, ...flags.exact];
    await run([...own, "-shared", "-o", `${dir}/library.so`, ...sources().filter(isViews)]);
    await Deno.rename(`${dir}/library.so`, path);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function folder(): Promise<string> {
  await Deno.mkdir(libraryDir, { recursive: true });
  return libraryDir;
}

function isEngineSource(source: string): boolean {
  return source.endsWith(".cc") && !isViews(source);
}

/**
 * Runs two compilers at a time, first on the files with TensorFlow's headers: each takes as long as
 * all others together.
 */
async function compileAll(files: string[], dir: string): Promise<string[]> {
  const waiting = files.toSorted((a, b) => Number(isOps(b)) - Number(isOps(a)));
  const objects: string[] = [];
  const compile = async () => {
    for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) {
      const object = `${dir}/${source.split("/").at(-1)}.o`;
      const own = isOps(source)
        ? [...flags.ops, `-I${dir}`, "-isystem", `${engineDir}/include`]
        : [...flags.kernels, ...(isExact(source) ? flags.exact : [])];
      await run([...flags.all, includeSources, ...own, "-c", source, "-o", object]);
      objects.push(object);
    }
  };
  const done = await Promise.allSettled([compile(), compile()]);
  const failed = done.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
  return objects.sort();
}

/** Runs the compiler and returns what it prints. */
async function run(args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(compiler, { args: [...args] })
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (success) return text(stdout);
  const complaint = text(stderr).split("\n").find((line) => /error|cannot/i.test(line));
  throw new Error(`Cannot compile the native kernels: ${complaint ?? text(stderr).trim()}`);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const { path, seconds, cached } = await buildNative();
  console.log(`${path}: ${cached ? "there already" : `compiled in ${seconds.toFixed(1)} s`}`);
}
