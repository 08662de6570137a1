/** JupyterLab on this machine only, with its token, on the project's notebooks. */
import { exists } from "lib/setup/install/files.ts";
import { jupyterDataDir, jupyterEnv, kernelName, root, venv } from "lib/setup/install/project.ts";
import { whenNpxEnds } from "lib/setup/install/npx_ends.ts";
import { setUp } from "lib/setup/setup.ts";
import { readArguments } from "lib/task_arguments.ts";
import { main } from "lib/setup/task.ts";

export interface LabOptions {
  /** Port to listen on. 0 takes any free one; if the port is taken, the next free one is used. */
  readonly port: number;
  /** Whether to open the person's browser. */
  readonly browser: boolean;
  /** The folder that the file list shows; by default the project's. */
  readonly dir?: string;
  /** What opens first, relative to `dir`. */
  readonly open?: string;
  /** Where the server's log goes; by default the terminal. */
  readonly log?: "inherit" | "null";
}

export interface Lab {
  /** Address of the opened notebook, with the token. */
  readonly url: string;
  /** `http://127.0.0.1:8888` */
  readonly origin: string;
  readonly token: string;
  /** Resolves when the server has ended, for whatever reason. */
  readonly ended: Promise<Deno.CommandStatus>;
  /** Ends server and kernels. */
  stop(): Promise<void>;
}

/**
 * Starts JupyterLab and waits until it answers.
 *
 * @throws {Error} If it does not answer within two minutes, or ends before.
 */
export async function startLab(options: LabOptions): Promise<Lab> {
  const { port, browser, dir = root, open = "notebooks/00_start.ipynb", log = "inherit" } = options;
  const token = crypto.randomUUID().replaceAll("-", "");
  const path = `/lab/tree/${open.split("/").map(encodeURIComponent).join("/")}`;
  const child = new Deno.Command(`${venv}/bin/jupyter-lab`, {
    args: labArguments({ port, browser, dir, path }),
    env: { ...jupyterEnv(), JUPYTER_TOKEN: token }, // not an argument: those are for everyone to see
    cwd: dir,
    stdin: "null",
    stdout: log,
    stderr: log,
  }).spawn();
  const stop = () => end(child);
  try {
    const origin = await answering(child, token);
    return { url: `${origin}${path}?token=${token}`, origin, token, ended: child.status, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function labArguments(
  { port, browser, dir, path }: { port: number; browser: boolean; dir: string; path: string },
): string[] {
  return [
    `--ServerApp.ip=127.0.0.1`,
    `--ServerApp.port=${port}`,
    `--ServerApp.root_dir=${dir}`,
    `--ServerApp.allow_root=True`, // containers and CI; the server listens on this machine only
    `--ServerApp.answer_yes=True`, // Ctrl-C ends it: whoever started it is asked nothing
    `--ServerApp.open_browser=${browser ? "True" : "False"}`,
    `--LabApp.default_url=${path}`,
    `--LabApp.news_url=None`, // asks nobody about news or versions
    `--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate`,
    `--LanguageServerManager.autodetect=False`, // runs npm, which makes a folder in the home
    `--KernelSpecManager.ensure_native_kernel=False`,
    `--KernelSpecManager.allowed_kernelspecs=${kernelName}`,
    `--MappingKernelManager.default_kernel_name=${kernelName}`,
  ];
}

/** The server's address, once it answers; it writes its port to its runtime folder. */
async function answering(child: Deno.ChildProcess, token: string): Promise<string> {
  let status: Deno.CommandStatus | undefined;
  void child.status.then((value) => status = value);
  const file = `${jupyterDataDir}/runtime/jpserver-${child.pid}.json`;
  const deadline = Date.now() + 120_000;
  while (Date.now() < deadline) {
    if (status) {
      throw new Error(
        `Cannot start JupyterLab: it ended with code ${status.code}; run "deno task doctor"`,
      );
    }
    if (await exists(file)) {
      const text = await Deno.readTextFile(file);
      const origin = text.endsWith("}") ? `http://127.0.0.1:${JSON.parse(text).port}` : "";
      if (origin && await answers(`${origin}/api/status?token=${token}`)) return origin;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("Cannot start JupyterLab: no answer within 120 s");
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Asks the server to end, with its kernels; kills it if it has not ended after ten seconds. */
async function end(child: Deno.ChildProcess): Promise<void> {
  const kill = (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch { /* it has ended already */ }
  };
  kill("SIGTERM");
  const insist = setTimeout(() => kill("SIGKILL"), 10_000);
  await child.status;
  clearTimeout(insist);
}

if (import.meta.main) {
  await main(async (args) => {
    const { values } = readArguments(args, {
      port: { type: "string", default: "8888" },
      "no-browser": { type: "boolean", default: false },
    });
    const port = Number(values.port);
    if (!/^\d+$/.test(values.port) || port > 65535) {
      throw new RangeError(`Cannot take port "${values.port}": need 0 (any free one) to 65535`);
    }
    await setUp({ quiet: true });
    const lab = await startLab({ port, browser: !values["no-browser"], log: "null" });
    console.log(`JupyterLab: ${lab.url}\nCtrl-C ends it, with its kernels.`);
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => void lab.stop());
    }
    whenNpxEnds(() => void lab.stop());
    const { code } = await lab.ended;
    Deno.exit(code === 143 ? 0 : code); // the signal listeners would keep the process
  });
}
