/**
 * Two hosts on this machine: two network namespaces of Linux, each with an address of its own, which
 * reach each other through one link and nothing else.
 */
import process from "node:process";

/** Two hosts, until they are disposed of. */
export interface TwoHosts extends AsyncDisposable {
  /** `host:port` of a process on each. */
  readonly addresses: readonly [string, string];
  /** Each host's end of the link, by its name there. */
  readonly links: readonly [string, string];
  /** What a command follows to run on a host. */
  within(host: number): readonly string[];
  /** Mends a link that was cut. */
  mend(): Promise<void>;
}

/** Whether this process may make such hosts: it is root on Linux, with the right to change networks. */
export async function canMakeHosts(): Promise<boolean> {
  if (Deno.build.os !== "linux" || process.getuid?.() !== 0) return false;
  try {
    await using _ = await makeHosts();
    return true;
  } catch {
    return false; // without `ip`, or in a container that forbids it
  }
}

/** @throws {Error} If the system does not permit it; nothing is left then. */
export async function makeHosts(): Promise<TwoHosts> {
  // A link's name has at most 15 letters.
  const names = ["a", "b"].map((end) => `bcssl${Deno.pid}${end}`) as [string, string];
  const addresses = ["10.219.0.1", "10.219.0.2"] as const;
  const remove = async () => {
    for (const name of names) await ip("netns", "delete", name).catch(() => {});
  };
  try {
    for (const name of names) await ip("netns", "add", name);
    const [first, second] = names;
    await ip(
      ...["link", "add", first, "netns", first, "type", "veth"],
      ...["peer", "name", second, "netns", second],
    );
    for (const [i, name] of names.entries()) {
      await ip("-n", name, "address", "add", `${addresses[i]}/24`, "dev", name);
      await ip("-n", name, "link", "set", "lo", "up");
      await ip("-n", name, "link", "set", name, "up");
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    addresses: [`${addresses[0]}:5000`, `${addresses[1]}:5000`],
    links: names,
    within: (host) => ["ip", "netns", "exec", names[host]!],
    async mend() {
      for (const name of names) await ip("-n", name, "link", "set", name, "up");
    },
    [Symbol.asyncDispose]: remove,
  };
}

async function ip(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("ip", { args }).output();
  if (!success) throw new Error(`ip ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
