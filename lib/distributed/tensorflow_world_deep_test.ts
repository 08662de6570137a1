import { together } from "lib/testing/distributed/together.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const program = "testing/distributed/operations.ts";

for (const [size, native] of [[2, "on"], [3, "on"], [2, "off"]] as const) {
  Deno.test(`${size} processes get the mean and all tensors, in the same memory after many calls as after few, kernels of our own ${native}`, async () => {
    // Two megabytes in a fifth of 300 rounds: one vector kept in each of the last 30 would be 60.
    const args = ["--rounds", "300", "--large", "500000"];
    const ended = await together(program, size, { args, env: { BCSSL_NATIVE: native } });
    for (const { code, output, errors } of ended) {
      assertEquals(code, 0, output + errors);
      const { memory, threads, tensors } = JSON.parse(output.trim().split("\n").at(-1)!);
      assertEquals(tensors, 0);
      assertTrue(memory.at(-1) - memory[4] < 45_000, `kilobytes: ${memory}`);
      assertTrue(threads.at(-1) - threads[4] < 30, `threads: ${threads}`);
    }
  });
}

for (const [signal, victim] of [["SIGKILL", 2], ["SIGKILL", 0], ["SIGSTOP", 1]] as const) {
  Deno.test(`the others end with its name if process ${victim} gets ${signal}`, async () => {
    const stop = ["--stop-at", "30", "--rank", `${victim}`, "--signal", signal];
    const args = ["--rounds", "100", "--patience", "20", ...stop];
    const ended = await together(program, 3, {
      args,
      async meanwhile(processes) {
        await Promise.all(processes.filter((_, i) => i !== victim).map(({ status }) => status));
        if (signal === "SIGSTOP") processes[victim]!.kill("SIGKILL");
      },
    });
    const others = ended.filter((_, i) => i !== victim);
    for (const { code, output } of others) {
      assertEquals(code, 1, output);
      assertTrue(output.includes(`Cannot go on without process ${victim} (127.0.0.1:`), output);
      assertTrue(!/process(es)? .*,/.test(output), `names one process: ${output}`);
    }
  });
}
