/**
 * Compiles the kernels for NVIDIA GPUs, where there is an nvcc. Set-up runs this for the GPU build;
 * by hand: `deno run -A lib/native/cuda_build.ts`. Imports no package.
 */
import { engineDir, flags, libraryDir } from "lib/native/_library.ts";
import { cudaDir, cudaFlags, cudaLibrary, cudaLibraryName } from "lib/native/cuda_library.ts";
import { signaturesHeader } from "lib/native/signatures.ts";

/** Where nvcc may be: `$NVCC`, the PATH, and CUDA's own folder. */
const candidates = ["nvcc", "/usr/local/cuda/bin/nvcc"];

/** Finds nvcc; `undefined` if there is none that runs. */
export async function findNvcc(): Promise<string | undefined> {
  const asked = Deno.env.get("NVCC");
  for (const program of asked ? [asked] : candidates) {
    if (await run(program, ["--version"]).then(() => true, () => false)) return program;
  }
}

/**
 * Compiles the library, unless that has been done.
 *
 * @param nvcc The compiler.
 * @param options.to The library's path.
 * @param options.arch Another `-arch` than for all GPUs: `-arch=native` takes less time.
 * @returns The library's path.
 * @throws {Error} If a compiler fails.
 */
export async function buildCuda(
  nvcc: string,
  { to, arch }: { readonly to?: string; readonly arch?: string } = {},
): Promise<string> {
  const there = to === undefined ? cudaLibrary() : undefined;
  if (there !== undefined) return there;
  await Deno.mkdir(libraryDir, { recursive: true });
  const dir = await Deno.makeTempDir({ dir: libraryDir, prefix: "build-" });
  try {
    await Deno.writeTextFile(`${dir}/signatures.h`, signaturesHeader());
    const own = arch === undefined ? cudaFlags : [...cudaFlags.slice(0, -1), arch];
    const headers = [`-I${dir}`, `-I${cudaDir}`, "-isystem", `${engineDir}/include`];
    await Promise.all([
      run(nvcc, [...own, "-c", `${cudaDir}/depthwise.cu`, "-o", `${dir}/depthwise.o`]),
      run(Deno.env.get("CXX") ?? "g++", [
        ...[...flags.all, ...flags.ops, ...headers],
        ...["-c", `${cudaDir}/ops.cc`, "-o", `${dir}/ops.o`],
      ]),
    ]);
    const engine = [
      ...[`-L${engineDir}`, "-Xlinker", "-l:libtensorflow_cc.so.2"],
      ...["-Xlinker", "-l:libtensorflow_framework.so.2"],
    ];
    const objects = [`${dir}/depthwise.o`, `${dir}/ops.o`];
    // Its own CUDA runtime: TensorFlow's may be of another version.
    await run(nvcc, [
      ...["-shared", "-cudart", "static", "-o", `${dir}/library.so`, ...objects],
      ...engine,
    ]);
    const path = to ?? `${libraryDir}/${cudaLibraryName()}`;
    await Deno.rename(`${dir}/library.so`, path);
    return path;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Runs a compiler. */
async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  if (success) return;
  const said = [stderr, stdout].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
  const complaint = said.split("\n").find((line) => /error|fatal/i.test(line));
  throw new Error(`Cannot compile the kernels for CUDA: ${complaint ?? said.trim()}`);
}

if (import.meta.main) {
  const nvcc = await findNvcc();
  if (nvcc === undefined) throw new Error("Cannot compile the kernels for CUDA: there is no nvcc");
  console.log(await buildCuda(nvcc));
}
