/**
 * Where the kernels for NVIDIA GPUs lie, and whether they may be used. Imports no package: set-up
 * runs it before any is installed.
 *
 * Nobody of this project has run them on a GPU. So they, and products in bf16, are off until
 * `deno task gpu:check` has passed on the machine.
 */
import { createHash } from "node:crypto";
import { libraryDir, namesIn } from "lib/native/_library.ts";
import { signaturesHeader } from "lib/native/signatures.ts";

/** The folder of their sources. */
export const cudaDir: string = `${import.meta.dirname}/cuda`;

/** The flags of nvcc, which compiles for every generation of GPUs that it knows. */
export const cudaFlags = ["-std=c++17", "-O3", "-Xcompiler", "-fPIC", "-arch=all-major"] as const;

const checkedFile = `${libraryDir}/gpu-checked.json`;

/**
 * The name of the library of these sources and this TensorFlow.
 *
 * @throws {Deno.errors.NotFound} If TensorFlow is not set up.
 */
export function cudaLibraryName(): string {
  const hash = createHash("sha256").update(JSON.stringify(cudaFlags)).update(signaturesHeader());
  for (const name of namesIn(`${libraryDir}/../engine`, /\.dist-info$/)) hash.update(name);
  for (const name of namesIn(cudaDir, /\.(cu|cc|h)$/)) {
    hash.update(name).update(Deno.readFileSync(`${cudaDir}/${name}`));
  }
  return `cuda-${hash.digest("hex").slice(0, 16)}.so`;
}

/** The compiled library; `undefined` if there is none of these sources. */
export function cudaLibrary(): string | undefined {
  try {
    const path = `${libraryDir}/${cudaLibraryName()}`;
    return Deno.statSync(path).isFile ? path : undefined;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** What a check that passed is remembered by: the GPUs, and the library that it ran. */
function checkedNow(): string {
  return JSON.stringify({ gpus: gpuModels(), library: cudaLibrary()?.split("/").at(-1) ?? "none" });
}

/** The models of NVIDIA's GPUs as the driver names them on Linux; empty elsewhere. */
function gpuModels(): string[] {
  const folder = "/proc/driver/nvidia/gpus";
  try {
    return namesIn(folder, /./).map((name) => {
      const text = Deno.readTextFileSync(`${folder}/${name}/information`);
      return /^Model:\s*(.*)$/m.exec(text)?.[1] ?? "unknown";
    });
  } catch {
    return [];
  }
}

/** Whether `deno task gpu:check` has passed with these GPUs and this library. */
export function cudaIsChecked(file = checkedFile): boolean {
  try {
    return Deno.readTextFileSync(file) === checkedNow();
  } catch {
    return false;
  }
}

/** Remembers whether the check has passed. */
export async function rememberCudaCheck(passed: boolean, file = checkedFile): Promise<void> {
  if (passed) await Deno.writeTextFile(file, checkedNow());
  else await Deno.remove(file).catch(() => {});
}
