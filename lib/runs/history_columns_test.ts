import { brotliCompressSync } from "node:zlib";
import { createRng } from "lib/rng.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import type { HistoryLine } from "./events.ts";
import { decodeHistory, encodeHistory } from "./history_columns.ts";

/** The history after it was encoded, and its code as JSON, as in a file. */
function roundTrip(history: readonly HistoryLine[]): HistoryLine[] {
  const { code, bytes } = encodeHistory(history);
  return decodeHistory({ code: JSON.parse(JSON.stringify(code)), bytes });
}

/** Steps as a run logs them: a cosine, noise of either precision, a score now and then. */
function longRun(steps: number): HistoryLine[] {
  const rng = createRng(0);
  return Array.from({ length: steps }, (_, i) => ({
    step: i + 1,
    metrics: {
      lr: 0.0005 * (1 + Math.cos(Math.PI * i / steps)),
      loss: Math.fround(6 + rng.normal()),
      gradNorm: 2 + Math.abs(rng.normal()),
      ...((i + 1) % 500 === 0 && { knn20Top1: rng.uniform() }),
    },
  }));
}

Deno.test("a history comes back to the bit, with metrics that some lines lack", () => {
  const history = longRun(1_203);
  assertEquals(roundTrip(history), history);
  assertEquals(roundTrip([]), []);
  const odd: HistoryLine[] = [
    { step: 3, metrics: { a: -0, b: 1e-310, c: Number.MAX_VALUE } },
    { step: 4, metrics: { a: -2, c: -Infinity, d: 2 ** 31 } },
    { step: 900_000, metrics: { b: -5e-324, a: 7, d: -(2 ** 31) } },
    { step: 900_001, metrics: {} },
  ];
  const back = roundTrip(odd);
  assertEquals(back, odd);
  assertTrue(Object.is(back[0]!.metrics.a, -0), "the sign of zero");
});

Deno.test("decodeHistory() decodes some metrics alone, and all lines have their steps", () => {
  const history = longRun(1_203);
  const encoded = encodeHistory(history);
  const pick = (...names: string[]) =>
    history.map(({ step, metrics }) => ({
      step,
      metrics: Object.fromEntries(names.flatMap((n) => n in metrics ? [[n, metrics[n]!]] : [])),
    }));
  assertEquals(decodeHistory(encoded, ["gradNorm"]), pick("gradNorm"));
  assertEquals(decodeHistory(encoded, ["knn20Top1", "lr"]), pick("lr", "knn20Top1"));
  assertEquals(decodeHistory(encoded, []), pick());
  const rare: HistoryLine[] = [{ step: 1, metrics: { a: 1 } }, { step: 2, metrics: { b: 2 } }];
  assertEquals(decodeHistory(encodeHistory(rare), ["b"])[1], rare[1]); // behind another rare one
});

Deno.test("a value that JSON has as null comes back as NaN", () => {
  const lines = [{ step: 1, metrics: { norm: null as unknown as number } }];
  assertEquals(roundTrip(lines), [{ step: 1, metrics: { norm: NaN } }]);
});

Deno.test("a history takes a fraction of its lines as text", () => {
  const history = longRun(3_000);
  const { bytes } = encodeHistory(history);
  const packed = brotliCompressSync(bytes).length;
  const text = history.map(({ step, metrics }) => JSON.stringify({ step, ...metrics })).join("\n");
  // 3 bytes of a float32 are noise and 6.5 of a float64; the cosine takes less than two.
  assertTrue(packed < 12 * history.length, `${packed} bytes`);
  assertTrue(packed < brotliCompressSync(new TextEncoder().encode(text)).length / 2, `${packed}`);
});
