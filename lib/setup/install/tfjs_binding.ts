/**
 * The bridge between tfjs and TensorFlow's library, compiled from the package's own sources and ours
 * for training with several processes.
 */
import { compileShared, libraryPath, type SharedLibrary } from "lib/setup/install/compile.ts";
import { exists, fingerprint, writeFileWhole } from "lib/setup/install/files.ts";
import { platformOf } from "lib/native/platform.ts";
import { engineDir, root, venv, versions } from "lib/setup/install/project.ts";
import type { Step } from "lib/setup/install/step.ts";

const tfjs = `${root}/node_modules/@tensorflow/tfjs-node-gpu`;
/** Where the package looks for the bridge. */
const target = `${tfjs}/lib/napi-v8/tfjs_binding.node`;

/**
 * The bridge is linked to the library in the wheel's own folder, because the CUDA build finds its
 * other libraries relative to itself.
 */
const binding: SharedLibrary = {
  name: "tfjs_binding",
  dir: `${venv}/binding`,
  sources: [
    ...["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => `${tfjs}/binding/${name}`),
    `${root}/lib/distributed/src/collectives.cc`,
  ],
  flags: [
    "-std=c++17",
    "-O2",
    "-DNAPI_VERSION=8",
    // Some calls of the package's sources go to ours, which say why.
    "-DTFE_NewContext=bcssl_new_context",
    "-DTFE_TensorHandleCopyToDevice=bcssl_copy_to_device",
    "-DTFE_TensorHandleNumDims=bcssl_num_dims",
    "-DTFE_TensorHandleDim=bcssl_dim",
    "-DTF_NewTensor=bcssl_new_tensor",
    `-I${engineDir}/tensorflow/include`,
    `-I${root}/node_modules/node-api-headers/include`,
    ...platformOf().linkEngine(`${engineDir}/tensorflow`),
  ],
  depends: [versions.tensorflow],
};

export const bindingStep: Step = {
  id: "binding",
  title: "Bridge from tfjs to TensorFlow, compiled",
  key: async () => fingerprint([await libraryPath(binding)]),
  isPresent: async () => {
    const compiled = await Deno.stat(await libraryPath(binding)).catch(() => undefined);
    const placed = await Deno.stat(target).catch(() => undefined);
    return compiled !== undefined && compiled.size === placed?.size;
  },
  async make(note) {
    note("compiling");
    const path = await compileShared(binding);
    await writeFileWhole(target, await Deno.readFile(path)); // renamed into place: a running engine keeps its own
  },
};

/** Whether there is a bridge for tfjs to load. */
export const hasBinding = (): Promise<boolean> => exists(target);
