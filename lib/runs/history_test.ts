import type { HistoryLine } from "./events.ts";
import { addToHistory, historyLimit } from "./history.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

function historyOf(steps: number, totalSteps: number): HistoryLine[] {
  const history: HistoryLine[] = [];
  for (let step = 1; step <= steps; step++) {
    addToHistory(history, { step, metrics: { loss: step } }, totalSteps);
    if (step % 1000 === 1) {
      addToHistory(history, { step, metrics: { knn20Top1: 0.5 } }, totalSteps);
    }
  }
  return history;
}

Deno.test("addToHistory() keeps every step of a short run, and joins the metrics of one step", () => {
  const history = historyOf(historyLimit, historyLimit);
  assertEquals(
    history.map(({ step }) => step),
    Array.from({ length: historyLimit }, (_, i) => i + 1),
  );
  assertEquals(history[1000], { step: 1001, metrics: { loss: 1001, knn20Top1: 0.5 } });
});

Deno.test("addToHistory() keeps what the monitor of a detector measured in a long run", () => {
  const history: HistoryLine[] = [];
  const total = 5 * historyLimit;
  for (const step of [1, 2, 3, 4]) addToHistory(history, { step, metrics: { loss: 1 } }, total);
  addToHistory(history, { step: 4, metrics: { boxAp: 0.3, maskAp: 0.2 } }, total);
  for (const step of [6, 7]) addToHistory(history, { step, metrics: { loss: 1 } }, total);
  assertEquals(history, [
    { step: 4, metrics: { loss: 1, boxAp: 0.3, maskAp: 0.2 } },
    { step: 7, metrics: { loss: 1 } },
  ]);
});

Deno.test("addToHistory() keeps of a long run every n-th step, those with a k-NN, and the newest", () => {
  const total = 5 * historyLimit;
  const history = historyOf(total - 1, total);
  const steps = history.map(({ step }) => step);
  assertTrue(history.length < 1.01 * historyLimit, `${history.length} lines`);
  assertEquals(steps.at(-1), total - 1);
  assertEquals(steps.filter((step) => step % 5 !== 0 && step % 1000 !== 1), [total - 1]);
  assertEquals(steps.filter((step) => step % 1000 === 1).length, total / 1000);
});
