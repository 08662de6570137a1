/** Slurm with one node on this machine, where root has installed it (`slurm-wlm` and `munge`). */
import { hostname } from "node:os";
import process from "node:process";

const programs = ["slurmctld", "slurmd", "munged"].map((name) => `/usr/sbin/${name}`);

/** Whether Slurm can be started: it is installed, and this is root. */
export function hasSlurm(): boolean {
  return process.getuid?.() === 0 && programs.every((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** A running Slurm. */
export interface Slurm extends AsyncDisposable {
  /** `SLURM_CONF`, for its commands. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs one of its commands. @returns What it prints. */
  call(program: string, ...args: string[]): Promise<string>;
}

/** Starts Slurm, with eight cores whether the machine has them or not. */
export async function startSlurm(): Promise<Slurm> {
  const folder = await Deno.makeTempDir();
  const env = { SLURM_CONF: `${folder}/slurm.conf` };
  await Deno.writeTextFile(env.SLURM_CONF, configuration(folder, [freePort(), freePort()]));
  await Deno.writeFile(`${folder}/key`, crypto.getRandomValues(new Uint8Array(1024)), {
    mode: 0o400,
  });
  await Promise.all(["state", "spool", "munge"].map((name) => Deno.mkdir(`${folder}/${name}`)));
  const munge = `${folder}/munge`;
  const started: Deno.ChildProcess[] = [];
  const start = (path: string, ...args: string[]) => {
    const options = { args, env, stdout: "null", stderr: "null" } as const;
    started.push(new Deno.Command(path, options).spawn());
  };
  start(
    programs[2]!,
    ...["--foreground", "--force", `--key-file=${folder}/key`, `--socket=${folder}/munge.socket`],
    ...["pid", "log", "seed"].map((name) => `--${name}-file=${munge}/${name}`),
  );
  start(programs[0]!, "-D", "-f", env.SLURM_CONF);
  start(programs[1]!, "-D", "-f", env.SLURM_CONF, "-N", hostname());
  const call = (program: string, ...args: string[]) => callOf(env, program, args);
  while (!/^idle/.test(await call("sinfo", "-h", "-o", "%T").catch(() => ""))) {
    await pause();
  }
  return {
    env,
    call,
    async [Symbol.asyncDispose]() {
      await call("scancel", "--user=root");
      while (await call("squeue", "-h") !== "") await pause();
      // A node's own daemon waits for steps of jobs that it has lost.
      started.forEach((child, i) => child.kill(i === 2 ? "SIGKILL" : "SIGTERM"));
      await Promise.all(started.map(({ status }) => status));
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function pause(): Promise<void> {
  return new Promise((done) => setTimeout(done, 200));
}

async function callOf(
  env: Record<string, string>,
  program: string,
  args: string[],
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, env }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout).trim();
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

function configuration(folder: string, [controller, node]: readonly [number, number]): string {
  return `
ClusterName=one
SlurmctldHost=${hostname()}(127.0.0.1)
SlurmUser=root
SlurmctldPort=${controller}
SlurmdPort=${node}
AuthType=auth/munge
AuthInfo=socket=${folder}/munge.socket
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/controller.pid
SlurmdPidFile=${folder}/node.pid
SlurmctldLogFile=${folder}/controller.log
SlurmdLogFile=${folder}/node.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=1
KillWait=30
NodeName=${hostname()} NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;
}
