/** Steps of one and two processes are timed, and the processes end with the one that started them. */
import { bcSslConfig } from "lib/models/mod.ts";
import { tinyStep } from "./cases.ts";
import { measure } from "./scaling_bench.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const full = tinyStep(3, 2);
const subject = {
  ...full,
  model: { ...bcSslConfig("tiny", { kernelSize: 3 }), depths: [1, 1], dims: [8, 12] },
  head: { ...full.head, hiddenDim: 10, bottleneckDim: 6, outDim: 20 },
  ...{ globalSize: 32, localSize: 16, localCrops: 1 },
} as typeof full;

Deno.test("measure() times each step, and notes the calls of one step of two processes", async () => {
  const [alone] = await measure({ subject, steps: 2 }, 1);
  assertEquals([alone!.seconds.length, alone!.calls, alone!.callSeconds], [2, [], 0]);
  const both = await measure({ subject, steps: 2 }, 2);
  assertEquals(both.map(({ seconds }) => seconds.length), [2, 2]);
  // Two BatchNorms in the teacher's pass and two passes of the student's, forward and backward;
  // numbers, features, gradients.
  assertEquals(both.map(({ calls }) => calls.length), [13, 13]);
  assertTrue(both.every(({ callSeconds }) => callSeconds > 0), "a call takes time");
  const [packed] = await measure({ subject, steps: 1, gradients: "bf16" }, 2);
  assertEquals(packed!.calls.map(({ operation }) => operation).at(-1), "begun packed mean");
});

Deno.test("measure() says which process could not take a step, and why", async () => {
  const odd = { ...subject, model: { ...subject.model, kernelSize: 4 } } as typeof full;
  await assertRejects(
    () => measure({ subject: odd, steps: 1 }, 1),
    Error,
    "process 0 ended with 1",
  );
});

/** The processes that one has started and that have not ended. */
function childrenOf(pid: number): number[] {
  const text = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
  return text.trim().split(" ").filter((word) => word !== "").map(Number);
}

/** Seconds that a process has computed; `undefined` if it has ended. */
function secondsOf(pid: number): number | undefined {
  try {
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ");
    return fields[0] === "Z" ? undefined : (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return undefined;
  }
}

async function until(probe: () => boolean): Promise<void> {
  while (!probe()) await new Promise((done) => setTimeout(done, 50));
}

// As soon as the processes are there, and when they are taking steps.
for (const [signal, seconds] of [["SIGKILL", 0], ["SIGKILL", 6], ["SIGTERM", 6]] as const) {
  Deno.test({
    name: `the processes of measure() end after ${signal} to the one that started them, ` +
      `when they have computed for ${seconds} seconds`,
    ignore: Deno.build.os !== "linux", // asks /proc
    async fn() {
      const program = `import { measure } from "lib/bench/scaling_bench.ts";
        await measure(${JSON.stringify({ subject, steps: 1e9 })}, 2);`;
      const parent = new Deno.Command(Deno.execPath(), { args: ["eval", program] }).spawn();
      await until(() => childrenOf(parent.pid).length === 2);
      const children = childrenOf(parent.pid);
      await until(() => children.every((pid) => (secondsOf(pid) ?? Infinity) >= seconds));
      assertEquals(childrenOf(parent.pid), children);
      parent.kill(signal);
      assertEquals((await parent.status).signal, signal);
      await until(() => children.every((pid) => secondsOf(pid) === undefined));
    },
  });
}
