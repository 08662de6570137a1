/**
 * `deno task bench:peers [--only GROUP]… [--quick] [--python PATH]`, with the groups of lib/bench/cases.ts:
 * our speed beside PyTorch's, in one run, to `outputs/bench/`. PyTorch goes into an environment of
 * its own, `.venv/peers`; an interpreter that has it already can be given instead.
 */
import { mustRun, run } from "lib/setup/install/command.ts";
import { exists, fingerprint, remove } from "lib/setup/install/files.ts";
import { findPython } from "lib/setup/install/prerequisites.ts";
import { root, venv } from "lib/setup/install/project.ts";
import { setUp } from "lib/setup/setup.ts";
import { runSteps, type Step } from "lib/setup/install/step.ts";
import { readArguments } from "lib/task_arguments.ts";
import { main } from "lib/setup/task.ts";

const peers = `${venv}/peers`;
const peerPython = `${peers}/bin/python`;
const torch = "2.14.1";
/**
 * Packages beside PyTorch; they bring torchvision and NumPy. imagecorruptions needs a module that
 * newer setuptools lack.
 */
const others = ["timm==1.0.31", "imagecorruptions==1.1.2", "setuptools<81"];
const pip = ["-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"];

/**
 * PyTorch's CPU build is called `+cpu` where the package index has one; the plain build on x86-64
 * brings CUDA along.
 */
export const torchCandidates: readonly string[] = [`torch==${torch}+cpu`, `torch==${torch}`];

const peersStep: Step = {
  id: "peers",
  title: `PyTorch ${torch}, to compare with`,
  key: () => Promise.resolve(fingerprint([root, ...torchCandidates, ...others])),
  isPresent: () => exists(peerPython),
  async make(note) {
    const { program } = await findPython();
    if (program === undefined) throw new Error('Cannot find Python 3.11: run "deno task setup"');
    await remove(peers);
    note("making its environment");
    await mustRun("make an environment for PyTorch", program, ["-m", "venv", peers]);
    note("fetching it, up to 3 GB");
    const [cpu, plain] = torchCandidates as [string, string];
    const { code } = await run(peerPython, [...pip, cpu, ...others]);
    if (code !== 0) await mustRun("install PyTorch", peerPython, [...pip, plain, ...others]);
  },
};

/** @throws {Error} If the interpreter cannot import PyTorch and timm. */
async function requireTorch(python: string): Promise<void> {
  await mustRun(`use ${python}`, python, ["-c", "import timm, torch"]);
}

if (import.meta.main) {
  await main(async (args) => {
    const { values } = readArguments(args, {
      only: { type: "string", multiple: true, default: [] },
      quick: { type: "boolean", default: false },
      python: { type: "string" },
    });
    await setUp({ quiet: true });
    if (values.python === undefined) await runSteps([peersStep], { quiet: true });
    const python = values.python ?? peerPython;
    await requireTorch(python);
    const options = [
      ...values.only.flatMap((group) => ["--only", group]),
      ...(values.quick ? ["--quick"] : []),
    ];
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${root}/lib/bench/peers.ts`, "--python", python, ...options],
      cwd: root,
    }).spawn();
    return (await child.status).code;
  });
}
