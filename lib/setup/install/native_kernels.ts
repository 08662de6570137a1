/**
 * The step that compiles our own kernels. They only make things faster: without them, set-up says
 * so and goes on.
 */
import { libraryDir, libraryKey } from "lib/native/_library.ts";
import { buildNative } from "lib/native/build.ts";
import { buildCuda, findNvcc } from "lib/native/cuda_build.ts";
import { engineChoice } from "lib/setup/install/engine_choice.ts";
import { exists } from "lib/setup/install/files.ts";
import type { Step } from "lib/setup/install/step.ts";

export const nativeStep: Step = {
  id: "native",
  title: "Native kernels, compiled for this machine",
  key: () => Promise.resolve(libraryKey()),
  /**
   * True also after a failed compilation, which is tried again when sources, TensorFlow or CPU
   * change, not at every start.
   */
  isPresent: () => exists(libraryDir),
  async make(note) {
    note("compiling");
    await Deno.mkdir(libraryDir, { recursive: true });
    try {
      await buildNative();
      const nvcc = await engineChoice() === "gpu" ? await findNvcc() : undefined;
      if (nvcc !== undefined) await buildCuda(nvcc);
    } catch (error) {
      console.error(`${(error as Error).message}; going on with the plain ops`);
    }
  },
};
