import { type BenchCase, casesOf, groups } from "./cases.ts";
import { type Contender, startContender } from "./contender.ts";
import { measurePeaks } from "./peak.ts";
import { flopsOf } from "./flops.ts";
import { readOptions } from "./peers.ts";
import { withPictures } from "./pictures.ts";
import { median, takeTurns } from "./rounds.ts";
import { failuresOf, judged, type Measured, rowOf, withoutEmptyColumns } from "./rows.ts";
import { createSubject } from "./subjects.ts";
import {
  assertClose,
  assertEquals,
  assertRejects,
  assertThrows,
  assertTrue,
} from "lib/testing/assert.ts";
import { nativeStatus } from "lib/native/mod.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

const forward = {
  kind: "depthwise",
  group: "micro",
  pass: "forward",
  batch: 2,
  side: 5,
  channels: 3,
  kernelSize: 7,
  name: "forward",
} as const;

Deno.test("median() is the middle value, or the mean of the middle two, or NaN for no values", () => {
  assertEquals(median([3, 1, 10]), 3);
  assertEquals(median([10, 1, 3, 2]), 2.5);
  assertTrue(Number.isNaN(median([])), "no value, no median");
});

Deno.test("flopsOf() counts the taps inside the map, written out", () => {
  let taps = 0;
  const inside = (i: number) => i >= 0 && i < 5;
  for (let y = 0; y < 5; y++) {
    for (let x = 0; x < 5; x++) {
      for (let dy = -3; dy <= 3; dy++) {
        for (let dx = -3; dx <= 3; dx++) if (inside(y + dy) && inside(x + dx)) taps++;
      }
    }
  }
  assertEquals(flopsOf(forward), 2 * 2 * 3 * taps);
});

Deno.test("flopsOf() of a block is three times that of its convolution and its two linear layers", () => {
  const block = { ...forward, kind: "block", group: "block", batchNorm: true } as const;
  assertEquals(flopsOf(block), 3 * (flopsOf(forward)! + 2 * 2 * 2 * 25 * 3 * 12));
});

Deno.test("flopsOf() of attention counts six products", () => {
  const size = { batch: 3, tokens: 5, heads: 2, headDim: 7, biases: 0 };
  const subject = { ...size, kind: "attention", group: "attention", name: "small" } as const;
  assertEquals(flopsOf(subject), 6 * 2 * (3 * 2 * 5 * 5 * 7));
});

Deno.test("flopsOf() counts networks and steps as in papers", () => {
  const [inference] = casesOf("inference", { quick: true });
  const one = flopsOf(inference!)! / 4; // of four images
  assertTrue(one > 8e9 && one < 10e9, `${one}: BC-SSL-T has 4.5 GFLOPs, a multiply-add as one`);
  const [step] = casesOf("step", { quick: true }); // with the same kernel
  const flops = flopsOf(step!)!;
  // 2 images: two views of 224 pixels in both networks, eight of 96 in the student alone
  const body = 2 * one * (2 * 4 + 8 * 3 * (96 / 224) ** 2);
  assertTrue(flops > body && flops < 1.1 * body, `${flops} of which the bodies ${body}`);
});

Deno.test("measurePeaks() measures fp32, and bf16 exactly where the CPU multiplies it", async () => {
  const { fp32, bf16 } = await measurePeaks(1);
  assertTrue(fp32! > 1e8, `${fp32} FLOP/s`);
  const { active, bf16: multiplies } = nativeStatus();
  if (active) assertEquals(bf16 !== undefined && bf16 > 1e8, multiplies);
});

Deno.test("casesOf() covers every group with names of their own", () => {
  const all = groups.flatMap((group) => casesOf(group, { quick: false }));
  assertEquals(new Set(all.map(({ name }) => name)).size, all.length);
  assertEquals(casesOf("micro", { quick: false }).length, 4 * 7 * 3);
  for (const group of groups) assertTrue(casesOf(group, { quick: true }).length > 0, group);
});

Deno.test("readOptions() takes groups, all by default, and refuses others by name", () => {
  const some = readOptions(["--python", "p", "--only", "block", "--only", "step", "--quick"]);
  assertEquals(some, { python: "p", only: ["block", "step"], quick: true });
  assertEquals(readOptions(["--python", "p"]).only, groups);
  assertThrows(() => readOptions(["--python", "p", "--only", "all"]), RangeError, '"all"');
  assertThrows(() => readOptions([]), RangeError, "--python");
});

/**
 * A contender whose calls take the given seconds in turn (0: the call fails); each call is written
 * to `log`.
 */
function fake(name: string, times: readonly number[], log: string[], first = 0): Contender {
  let at = 0;
  return {
    name,
    prepare: () => Promise.resolve(first),
    sample() {
      log.push(name);
      const seconds = times[at++ % times.length]!;
      return seconds > 0
        ? Promise.resolve({ seconds, faults: 7 })
        : Promise.reject(new Error("no"));
    },
    finish: () => Promise.resolve({ peakBytes: 100, notes: { ops: 3 } }),
    close: () => Promise.resolve(),
  };
}

Deno.test("takeTurns() alternates, and goes on without one that fails or is slow", async () => {
  const log: string[] = [];
  const contenders = [
    fake("ours", [1, 3, 2], log),
    fake("eager", [4, 0], log),
    fake("compile", [9], log, 30),
  ];
  const patience = { rounds: 3, turn: 0, budget: 100 };
  const [ours, eager, compile] = await takeTurns(forward, contenders, patience);
  assertEquals(log, ["ours", "eager", "ours", "eager", "ours"]);
  assertEquals(ours!.seconds, [1, 3, 2]);
  assertEquals([eager!.seconds, eager!.failure], [[], "no"]);
  assertEquals(compile!.seconds, [30]);
  assertEquals(failuresOf([{ subject: forward, outcomes: [ours!, eager!] }]), [
    "forward: eager failed: no",
  ]);
});

Deno.test("takeTurns() begins no third round when the budget is spent", async () => {
  const log: string[] = [];
  await takeTurns(forward, [fake("ours", [1], log)], { rounds: 9, turn: 0, budget: 0 });
  assertEquals(log.length, 2);
});

const measured = (subject: BenchCase, times: Readonly<Record<string, number[]>>): Measured => ({
  subject,
  outcomes: Object.entries(times).map(([contender, seconds]) => ({
    contender,
    seconds,
    faults: 1,
    peakBytes: contender === "compile" ? 2e6 : 1e6,
    notes: {},
  })),
});

Deno.test("rowOf() compares with PyTorch's best fp32 time, and with bf16 apart", () => {
  const times = {
    ours: [0.002, 0.001, 0.009],
    eager: [0.02],
    compile: [0.01],
    bf16: [0.004],
    "ours bf16": [0.001],
  };
  const row = rowOf(
    measured({ ...forward, kind: "block", group: "block", batchNorm: true }, times),
    { fp32: 1e9, bf16: 4e9 },
  );
  assertClose(row["ours (ms)"]!, 2);
  assertClose(row["times as fast"]!, 5);
  assertClose(row["times bf16"]!, 2);
  assertClose([row["ours bf16 (ms)"]!, row["bf16 times bf16"]!], [1, 4]);
  assertClose(row["best : best"]!, 4); // both in bf16
  assertClose(row["PyTorch (MB)"]!, 2); // the memory of its fastest mode, compile
  assertClose(row["ours (% of peak)"]!, row["ours (GFLOP/s)"]! * 100);
  // twice as fast as in fp32, beside a peak four times as high
  assertClose(row["ours bf16 (% of peak)"]!, row["ours (% of peak)"]! / 2);
});

Deno.test("rowOf() has no ratio where nobody else has a time, and empty columns go", () => {
  const row = rowOf(measured(forward, { ours: [0.002], eager: [] }), {});
  assertEquals([row["times as fast"], row["ours (% of peak)"]], [undefined, undefined]);
  const columns = withoutEmptyColumns([row, { ops: 1 }]).map((kept) => Object.keys(kept));
  assertEquals(columns, [["case", "ours (ms)", "ours (GFLOP/s)", "ours (faults)", "ops"], ["ops"]]);
});

Deno.test("judged() leaves out all ratios where other programs were at work", () => {
  const row = rowOf(measured(forward, { ours: [0.002], eager: [0.004] }), {});
  assertEquals(judged(row, 0.1), row);
  const busy = judged(row, 3);
  assertEquals([busy["times as fast"], busy["best : best"]], [undefined, undefined]);
  assertEquals([busy["ours (ms)"], busy["eager (ms)"]], [2, 4]);
});

const small: readonly BenchCase[] = [
  forward,
  { ...forward, pass: "dX" },
  { ...forward, pass: "dW" },
  { ...forward, kind: "block", group: "block", batchNorm: true },
  { ...forward, kind: "block", group: "block", batchNorm: false },
  ...[0, 2].map((biases) => ({
    ...{ kind: "attention", group: "attention" } as const,
    ...{ batch: 4, tokens: 5, heads: 2, headDim: 3, biases, name: "attention" },
  })),
];
/** The step of a method, on a few small images. */
function smallStep(subject: BenchCase): BenchCase {
  if (subject.kind !== "method") throw new TypeError(`${subject.name} is no step of a method`);
  const crops = { ...subject.recipe.crops, globalSize: 32, localSize: 32 };
  return { ...subject, batch: 4, recipe: { ...subject.recipe, crops, batchSize: 4 } };
}

for (const subject of [...small, ...casesOf("methods", { quick: true }).map(smallStep)]) {
  const { kind } = subject;
  Deno.test(`the ${kind} that is timed keeps no tensor, ${JSON.stringify(subject)}`, () => {
    assertNoLeak(createSubject(subject));
  });
}

Deno.test("startContender() reports an answer, an error, and the end of a process", async () => {
  const program = `
    for await (const chunk of Deno.stdin.readable) {
      const question = JSON.parse(new TextDecoder().decode(chunk));
      console.log("a library's log");
      if ("prepare" in question) console.log('{"value": 5}');
      else if ("sample" in question) console.log('{"error": "cannot"}');
      else { console.error("out of memory"); Deno.exit(1); }
    }`;
  const contender = startContender("test", [Deno.execPath(), "eval", program], {});
  assertEquals(await contender.prepare(forward), 5);
  await assertRejects(() => contender.sample(1), Error, "cannot");
  await assertRejects(() => contender.finish(), Error, "its process ended: out of memory");
  await contender.close();
});

Deno.test("the corruption that is timed corrupts the one picture that both sides get", async () => {
  const cases = casesOf("corruptions", { quick: false });
  assertEquals(cases.length, 19);
  const subject = await withPictures({ ...cases[0]!, width: 40, height: 30 } as BenchCase);
  assertTrue(subject.kind === "corruption" && subject.pictures.length === 1, "no picture");
  await createSubject(subject)();
});

Deno.test("the augmentation that is timed makes views of pictures that both sides get", async () => {
  const [quickCase] = casesOf("augment", { quick: true });
  const subject = await withPictures(
    { ...quickCase!, batch: 2, width: 40, height: 30 } as BenchCase,
  );
  assertTrue(subject.kind === "augment" && subject.pictures.length === 2, "no pictures");
  await createSubject(subject)();
  assertEquals(await withPictures(forward), forward);
});
