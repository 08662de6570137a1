/** All steps of set-up, in order. The longer ones have their own files. */
import { mustRun } from "lib/setup/install/command.ts";
import { exists, fingerprint, fingerprintFiles, writeFileWhole } from "lib/setup/install/files.ts";
import { hasKernelspec, kernelspec, writeKernelspec } from "lib/setup/install/kernelspec.ts";
import { listNotebooks } from "lib/setup/notebooks/notebook.ts";
import { nativeStep } from "lib/setup/install/native_kernels.ts";
import { jupyterDataDir, jupyterEnv, python, root, venv } from "lib/setup/install/project.ts";
import { environmentStep, tensorflowStep } from "lib/setup/install/python_environment.ts";
import type { Step } from "lib/setup/install/step.ts";
import { bindingStep } from "lib/setup/install/tfjs_binding.ts";

/** All that is needed to read runs, which computes nothing. */
export const npmStep: Step = {
  id: "npm",
  title: "npm packages",
  async key() {
    const { imports, links } = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
    return fingerprint([Deno.version.deno, JSON.stringify([imports, links])]);
  },
  isPresent: () => exists(`${root}/node_modules/@tensorflow/tfjs-node-gpu/package.json`),
  async make(note) {
    note("fetching");
    await mustRun("install the npm packages", Deno.execPath(), ["install", "--quiet"], {
      cwd: root,
    });
  },
};

const kernelStep: Step = {
  id: "kernel",
  title: "Jupyter kernel",
  key: () => Promise.resolve(fingerprint([kernelspec(Deno.execPath())])),
  isPresent: () => hasKernelspec(),
  make: () => writeKernelspec(),
};

/** `lib/datasets/prepare.ts` fills `data/`; the listing says with what. */
const prepare = `${root}/lib/datasets/prepare.ts`;
const dataListing = `${venv}/data-listing.json`;

const dataStep: Step = {
  id: "data",
  title: "Embedded data",
  key: async () => fingerprint([await fingerprintFiles(await datasetSources())]),
  async isPresent() {
    const listing = await Deno.readTextFile(dataListing).catch(() => "[]");
    const there = new Set(await dataEntries());
    return (JSON.parse(listing) as string[]).every((name) => there.has(name));
  },
  async make(note) {
    note("preparing");
    if (await exists(prepare)) {
      const args = ["run", "-A", `${root}/lib/setup/install/prepare_data.ts`];
      await mustRun("prepare the data", Deno.execPath(), args, { cwd: root });
    }
    await writeFileWhole(dataListing, JSON.stringify(await dataEntries()));
  },
};

/**
 * All source files of the room, since any of them may change what is made. Making again what is
 * there takes a moment.
 */
async function datasetSources(dir = `${root}/lib/datasets`): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(dir));
  const paths = await Promise.all(entries.map(({ name, isDirectory }) => {
    if (isDirectory) return datasetSources(`${dir}/${name}`);
    return name.endsWith(".ts") && !name.endsWith("_test.ts") ? [`${dir}/${name}`] : [];
  }));
  return paths.flat().sort();
}

async function dataEntries(): Promise<string[]> {
  if (!await exists(`${root}/data`)) return [];
  return (await Array.fromAsync(Deno.readDir(`${root}/data`))).map(({ name }) => name);
}

/**
 * The project's own notebooks, by their numbered names, as `00_start` and `00b_baselines`:
 * JupyterLab hides the SVG figures of notebooks it does not trust.
 */
export async function shippedNotebooks(): Promise<string[]> {
  return (await listNotebooks()).filter((path) => /\/\d\d[a-z]?_[^/]*\.ipynb$/.test(path));
}

const trustStep: Step = {
  id: "trust",
  title: "Notebooks trusted",
  key: async () => fingerprint([await fingerprintFiles(await shippedNotebooks())]),
  isPresent: () => Promise.resolve(true),
  async make() {
    const paths = await shippedNotebooks();
    if (paths.length === 0) return;
    await Deno.mkdir(jupyterDataDir, { recursive: true });
    const args = ["-m", "nbformat.sign", ...paths];
    await mustRun("mark the notebooks as trusted", python, args, { env: jupyterEnv() });
  },
};

export const steps: readonly Step[] = [
  npmStep,
  environmentStep,
  tensorflowStep,
  bindingStep,
  nativeStep,
  kernelStep,
  dataStep,
  trustStep,
];
