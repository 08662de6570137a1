import type { HistoryLine } from "./events.ts";
import { openMetricsLog, readMetrics } from "./metrics_log.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

const line = (step: number): HistoryLine => ({ step, metrics: { loss: step / 3 } });

function inFile(run: (path: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    run(`${folder}/metrics.jsonl`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function linesUpTo(path: string, lastStep: number) {
  const lines: HistoryLine[] = [];
  return { ...readMetrics(path, lastStep, (line) => lines.push(line)), lines };
}

function write(path: string, bytes: number, steps: readonly number[]): void {
  using log = openMetricsLog(path, bytes);
  for (const step of steps) log.write(line(step));
  log.flush();
}

Deno.test("readMetrics() reads what was written, also across the pieces of a large file", () =>
  inFile((path) => {
    const steps = Array.from({ length: 60_000 }, (_, i) => i + 1); // 2 MB
    write(path, 0, steps);
    const { lines, bytes, steps: count } = linesUpTo(path, Infinity);
    assertEquals(lines, steps.map(line));
    assertEquals([bytes, count], [Deno.statSync(path).size, steps.length]);
  }));

Deno.test("a log goes on behind the last line of its checkpoint; a line cut short does not count", () =>
  inFile((path) => {
    assertEquals(linesUpTo(path, 5), { lines: [], bytes: 0, steps: 0 });
    write(path, 0, [1, 2, 3, 4]);
    Deno.writeTextFileSync(path, '{"step":5,"lo', { append: true });
    const { lines, bytes } = linesUpTo(path, 2);
    assertEquals(lines, [line(1), line(2)]);
    assertEquals(linesUpTo(path, 9).lines.length, 4);
    write(path, bytes, [3]);
    assertEquals(linesUpTo(path, 9).lines, [1, 2, 3].map(line));
    assertEquals(Deno.readTextFileSync(path).split("\n").length, 4);
  }));

Deno.test("readMetrics() goes on from a byte, and skips the rest of a line there", () =>
  inFile((path) => {
    const read = (from: number) => {
      const lines: HistoryLine[] = [];
      return { lines, ...readMetrics(path, Infinity, (line) => lines.push(line), from) };
    };
    write(path, 0, [1, 2]);
    const { bytes } = read(0);
    assertEquals(read(bytes), { lines: [], bytes, steps: 0 });
    write(path, bytes, [3, 4]);
    assertEquals(read(bytes), {
      lines: [3, 4].map(line),
      bytes: Deno.statSync(path).size,
      steps: 2,
    });
    assertEquals(read(5).lines, [2, 3, 4].map(line));
  }));

Deno.test("readMetrics() passes over damage, and counts steps, not lines", () =>
  inFile((path) => {
    Deno.writeTextFileSync(path, '{"step":1,"a":1}\n{"step":1,"b":2}\n\0\0\0\n{}\n{"step":3}\n');
    const { lines, steps } = linesUpTo(path, 3);
    assertEquals(lines, [
      { step: 1, metrics: { a: 1 } },
      { step: 1, metrics: { b: 2 } },
      { step: 3, metrics: {} },
    ]);
    assertEquals(steps, 2);
  }));

Deno.test("openMetricsLog() names the file when it cannot be written, or the disk is full", () => {
  assertThrows(() => openMetricsLog("/proc/none", 0), Error, "Cannot write /proc/none");
  const folder = Deno.makeTempDirSync();
  try {
    Deno.symlinkSync("/dev/full", `${folder}/full`);
    assertThrows(() => openMetricsLog(`${folder}/full`, 0).write(line(1)), Error, "No space left");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
