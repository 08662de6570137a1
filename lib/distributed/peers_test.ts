import { localAddresses, peersIn } from "./peers.ts";
import { joinWorld } from "./tensorflow_world.ts";
import { assertEquals, assertRejects, assertThrows } from "lib/testing/assert.ts";

Deno.test("joinWorld() refuses a rank without an address", async () => {
  await assertRejects(
    () => joinWorld({ rank: 2, addresses: ["a:1", "b:1"] }),
    RangeError,
    "Cannot be process 2 of 2: need 0 to 1",
  );
});

Deno.test("peersIn() reads the processes' addresses, and says what is wrong with them", () => {
  assertEquals(peersIn({}), undefined);
  const BCSSL_PEERS = "alpha:5000,beta:5001";
  assertEquals(peersIn({ BCSSL_PEERS, BCSSL_RANK: "1" }), {
    rank: 1,
    addresses: ["alpha:5000", "beta:5001"],
  });
  const refused = (settings: Record<string, string>, message: string) =>
    assertThrows(() => peersIn(settings), RangeError, message);
  refused({ BCSSL_PEERS }, "without a number of 2: set BCSSL_RANK to 0 … 1");
  refused({ BCSSL_PEERS, BCSSL_RANK: "2" }, "Cannot be process 2 of 2");
  refused(
    { BCSSL_PEERS: "alpha,beta:1", BCSSL_RANK: "0" },
    'the process at "alpha" of BCSSL_PEERS',
  );
});

Deno.test("peersIn() places a Slurm step's processes on its hosts, at ports of the job's own", () => {
  const step = { BCSSL_HOSTS: "n1,n2", SLURM_NTASKS: "4", SLURM_JOB_ID: "7" };
  const addresses = ["n1:20014", "n1:20015", "n2:20014", "n2:20015"];
  for (const rank of [0, 3]) {
    assertEquals(peersIn({ ...step, SLURM_PROCID: `${rank}` }), { rank, addresses });
  }
  assertEquals(
    peersIn({ ...step, SLURM_JOB_ID: "8", SLURM_PROCID: "0" })!.addresses[0],
    "n1:20016",
  );
  assertThrows(
    () => peersIn({ ...step, SLURM_NTASKS: "3", SLURM_PROCID: "0" }),
    RangeError,
    "Cannot place 3 processes on 2 hosts",
  );
});

Deno.test("localAddresses() gives each process a port of its own", () => {
  assertEquals(new Set(localAddresses(8)).size, 8);
});
