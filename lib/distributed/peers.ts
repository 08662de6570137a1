/** Where the processes of a run are, from the environment. Loads no engine. */
import type { Peers } from "./tensorflow_world.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The processes that `BCSSL_PEERS` and `BCSSL_RANK` name, or those of a Slurm step, whose hosts are
 * in `BCSSL_HOSTS`.
 *
 *     BCSSL_PEERS=alpha:5000,beta:5000 BCSSL_RANK=1
 *
 * @returns `undefined` if there is no word of other processes.
 * @throws {RangeError} If the words do not fit together.
 */
export function peersIn(environment: Environment): Peers | undefined {
  const { BCSSL_PEERS, BCSSL_RANK, BCSSL_HOSTS } = environment;
  if (BCSSL_PEERS !== undefined) {
    const addresses = BCSSL_PEERS.split(",");
    const wrong = addresses.find((address) => !/^[^\s:]+:\d+$/.test(address));
    if (wrong !== undefined) {
      throw new RangeError(
        `Cannot find the process at "${wrong}" of BCSSL_PEERS: need host:port, separated by commas`,
      );
    }
    return { rank: rankIn("BCSSL_RANK", BCSSL_RANK, addresses.length), addresses };
  }
  return BCSSL_HOSTS === undefined ? undefined : slurmPeers(BCSSL_HOSTS.split(","), environment);
}

/**
 * The processes of a Slurm step, as many on each host. Their ports come from the number of the job,
 * so that jobs on one host have different ones.
 */
function slurmPeers(hosts: readonly string[], environment: Environment): Peers {
  const { SLURM_PROCID, SLURM_NTASKS, SLURM_JOB_ID } = environment;
  const size = Number(SLURM_NTASKS);
  const each = size / hosts.length;
  if (!(Number.isInteger(each) && each >= 1)) {
    throw new RangeError(
      `Cannot place ${SLURM_NTASKS} processes on ${hosts.length} hosts: need as many on each`,
    );
  }
  const first = 20_000 + Number(SLURM_JOB_ID) * each % 20_000;
  const addresses = Array.from(
    { length: size },
    (_, rank) => `${hosts[Math.floor(rank / each)]}:${first + rank % each}`,
  );
  return { rank: rankIn("SLURM_PROCID", SLURM_PROCID, size), addresses };
}

function rankIn(name: string, text: string | undefined, size: number): number {
  const rank = Number(text);
  if (/^\d+$/.test(text ?? "") && rank < size) return rank;
  throw new RangeError(
    `Cannot be process ${text ?? "without a number"} of ${size}: set ${name} to 0 … ${size - 1}`,
  );
}

/** Addresses on this machine for `count` processes, at ports that nothing listens at now. */
export function localAddresses(count: number): string[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  return listeners.map((listener) => {
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    return `127.0.0.1:${port}`;
  });
}

/** The variables that tell a process which of the processes at `addresses` it is. */
export function variablesOf({ rank, addresses }: Peers): Record<string, string> {
  return { BCSSL_RANK: String(rank), BCSSL_PEERS: addresses.join(",") };
}
