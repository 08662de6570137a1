/**
 * The check itself: what it compares, and that it fails where it must. A whole run on WebGPU in
 * software is in check_slow_test.ts.
 */
import { signatures } from "lib/native/signatures.ts";
import { families } from "lib/models/mod.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { checkCases } from "./all_cases.ts";
import { parts } from "./check_case.ts";
import { type CaseResult, compareCase, largestDifference } from "./compare.ts";
import { fileOf } from "./messages.ts";
import { environmentOf, runProcess } from "./processes.ts";
import {
  caseLine,
  type Findings,
  findingsJson,
  hasPassed,
  memoryFailure,
  verdict,
} from "./report.ts";
import { speedCases } from "./speed_cases.ts";

Deno.test("the check runs every operation that has a kernel of our own, but those on the way between processes, and every family", () => {
  for (const sizes of ["small", "full"] as const) {
    const cases = checkCases(sizes);
    const run = new Set(cases.flatMap(({ kernels = [] }) => kernels));
    // Between processes there are only TensorFlow's operations, which WebGPU has not.
    const between = ["ToBf16", "MeanOfBf16", "FromBf16"];
    assertEquals([...run, ...between].sort(), Object.keys(signatures).sort());
    const named = cases.filter(({ part }) => part === "models").map(({ name }) => name);
    assertEquals(named.sort(), Object.keys(families).sort());
    assertEquals([...new Set(cases.map(({ part }) => part))], [...parts]);
    assertEquals(new Set(cases.map(({ part, name }) => `${part} ${name}`)).size, cases.length);
  }
});

Deno.test("speeds are those of depthwise kernels from 3 to 31, blocks, steps and inference", () => {
  const cases = speedCases("full");
  const kernels = cases.flatMap((it) => it.kind === "depthwise" ? it.kernelSize : []);
  assertEquals([Math.min(...kernels), Math.max(...kernels)], [3, 31]);
  const kinds = new Set(cases.map(({ kind }) => kind));
  assertEquals([...kinds], ["depthwise", "block", "step", "inference"]);
  assertEquals(speedCases("small").map(({ kind }) => kind).at(-1), "inference");
});

Deno.test("largestDifference() is a share of the largest number, and sees a lone NaN", () => {
  assertEquals(largestDifference([1, 2, 4], [1, 2, 4]), 0);
  assertEquals(largestDifference([1, 2.5, -4], [1, 2, -4]), 0.125);
  assertEquals(largestDifference([0.25], [0]), 0.25);
  assertEquals(largestDifference([NaN, 1], [NaN, 1]), 0);
  assertEquals(largestDifference([NaN, 1], [1, 1]), Infinity);
  assertEquals(largestDifference([1, 1], [1, NaN]), Infinity);
  assertEquals(largestDifference([Infinity], [Infinity]), 0);
  assertEquals(largestDifference([Infinity], [-Infinity]), Infinity);
  assertEquals(largestDifference([1], [1, 1]), Infinity);
  assertEquals(largestDifference([], []), 0);
});

/** Compares a case whose numbers are these; each process's message is made from them. */
async function compared(actual: number[], expected: number[], shape = [expected.length]) {
  const folder = await Deno.makeTempDir();
  try {
    const [gpu, cpu] = await Promise.all([actual, expected].map(async (numbers, side) => {
      const own = `${folder}/${side}`;
      await Deno.mkdir(own);
      await Deno.writeFile(fileOf(own, 0), new Uint8Array(Float32Array.from(numbers).buffer));
      const tensors = { y: { shape: side === 0 ? shape : [numbers.length], from: 0 } };
      return { said: { computed: 0, tensors, seconds: 1 }, folder: own };
    }));
    const facts = { part: "layers", name: "it", tolerance: 1e-3 } as const;
    return {
      result: await compareCase(facts, 0, gpu!, cpu!),
      ended: await compareCase(facts, 0, { folder: "", said: undefined }, cpu!),
      failed: await compareCase(facts, 0, { folder: "", said: { failed: 0, error: "no" } }, cpu!),
      alone: await compareCase(facts, 0, gpu!, { folder: "", said: undefined }),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("compareCase() passes equal numbers, and fails for others and for none", async () => {
  const { result, ended, failed, alone } = await compared([1, 2], [1, 2]);
  assertEquals([result.passed, result.difference, result.seconds], [true, 0, 1]);
  assertEquals([ended, failed, alone].map(({ passed }) => passed), [false, false, false]);
  assertEquals(failed.error, "no");
  assertTrue(alone.error!.startsWith("nothing to compare with"), alone.error!);
  const other = (await compared([1, 2.01], [1, 2])).result;
  assertEquals([other.passed, other.where], [false, "y"]);
  assertTrue(Math.abs(other.difference! - 0.005) < 1e-6, `${other.difference}`);
  assertEquals((await compared([1, NaN], [1, 2])).result.difference, Infinity);
  assertTrue((await compared([1, 2], [1, 2], [2, 1])).result.error!.includes("shape"), "a shape");
});

const right: CaseResult = {
  part: "layers",
  name: "gelu",
  passed: true,
  tolerance: 1e-4,
  difference: 2e-7,
  where: "value",
};
const wrong: CaseResult = { ...right, name: "linear", passed: false, difference: 0.5 };

function findings(changed: Partial<Findings>): Findings {
  return {
    ...{ engine: "webgpu", sizes: "small", device: "a GPU", system: "linux", cases: [right] },
    ...{ memory: [], speeds: [], failures: [], notes: [], seconds: 12.3 },
    ...changed,
  } as Findings;
}

Deno.test("the last line and the JSON say passed only if everything was computed and is right", () => {
  assertEquals(
    verdict(findings({})),
    "gpu:check passed on webgpu: 1 of 1 cases agree with the CPU, in 12 s",
  );
  const bad = findings({ cases: [right, wrong] });
  assertEquals(
    verdict(bad),
    "gpu:check FAILED on webgpu: 1 of 2 cases agree with the CPU, in 12 s",
  );
  assertEquals(JSON.parse(findingsJson(bad)).passed, false);
  assertEquals(hasPassed(findings({ cases: [] })), false);
  const crashed = findings({ failures: ["computing on webgpu: its process ended with SIGSEGV"] });
  assertTrue(verdict(crashed).includes("FAILED"), verdict(crashed));
  const infinite = JSON.parse(
    findingsJson(findings({ cases: [{ ...wrong, difference: Infinity }] })),
  );
  assertEquals(infinite.cases[0].difference, "infinite");
});

Deno.test("a case's line names what differs", () => {
  assertTrue(/^ok +layers +gelu +2e-7 of 1e-4$/.test(caseLine(right)), caseLine(right));
  assertTrue(/^FAILED +layers +linear +5e-1 of 1e-4 in "value"$/.test(caseLine(wrong)), "wrong");
});

Deno.test("memory that grows from one reading to the next is a failure", () => {
  const at = (step: number, tensors: number, bytes: number) => ({ step, tensors, bytes });
  assertEquals(memoryFailure([]), undefined);
  assertEquals(memoryFailure([at(20, 5, 100), at(40, 5, 100)]), undefined);
  const grown = memoryFailure([at(20, 5, 100), at(40, 6, 100)])!;
  assertTrue(grown.startsWith("memory grows: 5 tensors"), grown);
  assertTrue(memoryFailure([at(20, 5, 100), at(40, 5, 104)]) !== undefined, "bytes");
});

Deno.test("a process that is killed, fails or takes too long is a failure in words", async () => {
  const folder = await Deno.makeTempDir();
  const run = async (code: string, seconds = 60) => {
    await Deno.writeTextFile(`${folder}/it.ts`, code);
    const said: unknown[] = [];
    const options = { env: {}, seconds, onMessage: (message: unknown) => void said.push(message) };
    return { said, ...await runProcess(`file://${folder}/it.ts`, [], options) };
  };
  const well = await run('console.log("a log"); console.log(JSON.stringify({ speed: 1 }));');
  assertEquals(well, { said: [{ speed: 1 }] });
  const thrown = await run('throw new Error("no device");');
  assertTrue(thrown.failure!.includes("code 1") && thrown.failure!.includes("no device"), "thrown");
  const killed = await run('Deno.kill(Deno.pid, "SIGKILL");');
  assertEquals(killed.failure, "its process ended with SIGKILL");
  const slow = await run("setInterval(() => {}, 1000);", 1);
  assertEquals(slow.failure, "stopped after 1 s");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the CPU's side sees no GPU and has no kernels; with CUDA, TF32 is off for numbers only", () => {
  const cpu = environmentOf("cpu");
  assertEquals([cpu.CUDA_VISIBLE_DEVICES, cpu.BCSSL_NATIVE], ["-1", "off"]);
  assertEquals(environmentOf("cuda", { gpu: "1" }).BCSSL_GPU, "1");
  assertEquals(environmentOf("cuda").NVIDIA_TF32_OVERRIDE, "0");
  assertEquals("NVIDIA_TF32_OVERRIDE" in environmentOf("cuda", { measures: true }), false);
});
