/**
 * The steps that need Python: its environment with JupyterLab, and the TensorFlow wheel's C++
 * library.
 */
import { mustRun, run } from "lib/setup/install/command.ts";
import { type EngineChoice, engineChoice } from "lib/setup/install/engine_choice.ts";
import { exists, fingerprint, remove } from "lib/setup/install/files.ts";
import { findPython } from "lib/setup/install/prerequisites.ts";
import { type Platform, platformOf } from "lib/native/platform.ts";
import { engineDir, python, root, venv, versions } from "lib/setup/install/project.ts";
import type { Step } from "lib/setup/install/step.ts";

/**
 * The user's own pip settings (mirrors, certificates) are kept; those that would install elsewhere
 * are switched off.
 */
const pipEnv = { PIP_USER: "0", PIP_TARGET: "", PIP_PREFIX: "", PYTHONNOUSERSITE: "1" };
const pip = ["-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"];

/** Python environment with JupyterLab. */
export const environmentStep: Step = {
  id: "python",
  title: "Python environment with JupyterLab",
  key: () => Promise.resolve(fingerprint([root, versions.jupyterlab])), // its scripts hold the folder's path
  // An environment from another machine, or whose Python has been removed, is there and cannot run.
  isPresent: async () =>
    await exists(`${venv}/bin/jupyter-lab`) && (await run(python, ["--version"])).code === 0,
  async make(note) {
    const { program } = await findPython();
    if (program === undefined) throw new Error('Cannot find Python 3.11: run "deno task setup"');
    // Not "venv --clear": it would remove TensorFlow too, which takes long to fetch.
    for (const part of ["bin", "include", "lib", "lib64", "pyvenv.cfg"]) {
      await remove(`${venv}/${part}`);
    }
    note("making it");
    await mustRun("make the Python environment", program, ["-m", "venv", venv]);
    note("fetching JupyterLab");
    const lab = `jupyterlab==${versions.jupyterlab}`;
    await mustRun("install JupyterLab", python, [...pip, lab], { env: pipEnv });
  },
};

/** TensorFlow's C++ library and headers, from its Python wheel. */
export const tensorflowStep: Step = {
  id: "tensorflow",
  title: `TensorFlow ${versions.tensorflow} library`,
  key: async () => fingerprint(installArguments(await engineChoice(), engineDir)),
  isPresent: async () =>
    await exists(`${engineDir}/tensorflow/${platformOf().libraries[0]}`) &&
    await exists(`${engineDir}/tensorflow/include/tensorflow/c/c_api.h`),
  async make(note) {
    const choice = await engineChoice();
    note(
      choice === "gpu" ? "fetching the NVIDIA GPU build (3 GB)" : "fetching the CPU build (280 MB)",
    );
    const partial = `${engineDir}.partial`;
    await remove(partial);
    const args = installArguments(choice, partial);
    await mustRun("install TensorFlow", python, args, { env: pipEnv });
    await remove(engineDir);
    await Deno.rename(partial, engineDir);
  },
};

/**
 * Arguments that unpack the wheel of a Python version that has one; the wheel's own Python code is
 * never run.
 */
export function installArguments(
  choice: EngineChoice,
  target: string,
  platform: Platform = platformOf(),
): string[] {
  const release = choice === "gpu"
    ? [`tensorflow[and-cuda]==${versions.tensorflow}`]
    : ["--no-deps", `${platform.tensorflowCpu}==${versions.tensorflow}`];
  const only = ["--only-binary=:all:", "--implementation=cp", "--python-version"];
  return [...pip, "--no-compile", "--target", target, ...only, versions.wheelPython, ...release];
}
