/** A run of two processes on two hosts, whose link is cut while they train. */
import { listCheckpoints } from "lib/runs/checkpoints.ts";
import { readTrainingState } from "lib/weights/training_state.ts";
import { inFolders, lastCheckpoint, trainIn } from "lib/testing/distributed/disturbed_runs.ts";
import { canMakeHosts, makeHosts } from "lib/testing/distributed/two_hosts.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test({
  name: "two hosts whose link is cut name each other, and go on to the bits of an undisturbed run",
  ignore: !await canMakeHosts(),
  fn: () =>
    inFolders(2, async (quiet, disturbed) => {
      await using hosts = await makeHosts();
      const { addresses, links, within, mend } = hosts;
      const { result: expected } = await trainIn(quiet!).train(2, [], { addresses, within });
      assertEquals([expected.step, expected.finished], [8, true]);

      const { start, train } = trainIn(disturbed!);
      const cut = ["--rank", "0", "--at", "step begun", "--pass", "5", "--cut", links[0]];
      const ended = await start(2, cut, { addresses, within });
      ended.forEach(({ code, output, errors }, rank) => {
        assertEquals(code, 1, output + errors);
        const named = `Cannot go on without process ${1 - rank} (${addresses[1 - rank]}): it`;
        assertTrue(output.startsWith(named), `${named}: ${output}`);
      });
      const folder = `${disturbed}/${expected.run}`;
      const [newest] = listCheckpoints(folder);
      assertTrue(newest!.step >= 3, "step 3 was measured, and saved for that");
      readTrainingState(newest!.path); // throws if it is not whole
      const files = [...Deno.readDirSync(folder)].map(({ name }) => name);
      assertTrue(!files.some((name) => name.includes("partial")), files.join(" "));

      await mend();
      const { result } = await train(2, [], { addresses, within });
      assertEquals(result, expected);
      assertEquals(lastCheckpoint(disturbed!, result), lastCheckpoint(quiet!, expected));
    }),
});
