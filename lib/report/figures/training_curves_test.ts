import { trainingCurves } from "lib/report/figures/training_curves.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const history = (steps: number, seed = 0) =>
  Array.from({ length: steps }, (_, i) => ({
    step: i + 1,
    metrics: {
      gradNorm: 2,
      loss: 5 - i / steps + seed,
      ...((i + 1) % 50 === 0 ? { knn10Top1: 0.5, knn20Top1: 0.6 + seed / 10, knn20Top5: 0.9 } : {}),
    },
  }));
const count = (text: string, part: string) => text.split(part).length - 1;

Deno.test("trainingCurves() has the loss first, then the k-NN with dots, and no other k", () => {
  const svg = toSvg(trainingCurves([{ history: history(500) }]));
  const places = ["loss (nats)", "k-NN top-1 (%)"].map((title) => svg.indexOf(title));
  assertTrue(places[0]! > 0 && places[1]! > places[0]!, `titles at ${places}`);
  assertEquals(count(svg, "<svg"), 1 + 2);
  assertEquals(count(svg, "<circle"), 10);
});

Deno.test("trainingCurves() has a detector's average precisions in percent", () => {
  const metrics = (step: number) => ({ loss: 1, boxAp: step / 1000, maskAp: step / 2000 });
  const svg = toSvg(
    trainingCurves([{ history: [100, 300].map((step) => ({ step, metrics: metrics(step) })) }]),
  );
  assertTrue(svg.includes("box AP (%)") && svg.includes("mask AP (%)"), "both");
  assertTrue(svg.includes(">30</text>"), "0.3 is drawn as 30");
});

Deno.test("trainingCurves() has RankMe and α-ReQ of runs that measured them, and no panel for others", () => {
  const newer = history(200).map(({ step, metrics }) => ({
    step,
    metrics: { ...metrics, ...(step % 50 === 0 ? { rankMe: step / 10, alphaReQ: 1.5 } : {}) },
  }));
  const svg = toSvg(trainingCurves([{ history: newer }]));
  assertEquals(["RankMe", "α-ReQ"].map((title) => count(svg, `>${title}<`)), [1, 1]);
  assertEquals(count(svg, "<svg"), 1 + 4);
  const both = toSvg(trainingCurves([{ history: history(200) }, { history: newer }]));
  assertEquals([count(both, "<svg"), count(both, "NaN")], [1 + 4, 0]);
  assertEquals(count(toSvg(trainingCurves([{ history: history(200) }])), "RankMe"), 0);
});

Deno.test("trainingCurves() tells runs apart, and draws nothing, one step, and a constant", () => {
  const two = toSvg(trainingCurves([0, 1].map((seed) => ({ seed, history: history(100, seed) }))));
  assertTrue(two.includes("seed 0") && two.includes("seed 1"), "a legend");
  assertEquals(count(toSvg(trainingCurves([])), "<circle"), 0);
  assertEquals(count(toSvg(trainingCurves([{ history: history(1) }])), "<circle"), 1);
  const constant = [1, 2, 3].map((step) => ({ step, metrics: { loss: 2 } }));
  assertTrue(!toSvg(trainingCurves([{ history: constant }])).includes("NaN"), "a constant");
});
