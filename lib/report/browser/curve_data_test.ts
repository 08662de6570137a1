import type { HistoryLine } from "lib/runs/events.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { linesOf } from "lib/testing/runs/listed_runs.ts";
import { curvesOf, measuredMetrics } from "./curve_data.ts";

const run = (id: string, history: readonly HistoryLine[]) => ({ id, history });

Deno.test("measuredMetrics() has what some run measured: first those with a panel, no alarms", () => {
  const odd = [{ step: 1, metrics: { kl: 1, knn10Top1: 0.1, alarmCollapse: 1, rankMe: 2 } }];
  const metrics = measuredMetrics([run("a", linesOf(0, 20)), run("b", odd)]);
  assertEquals(metrics, [
    { name: "loss", label: "loss (nats)" },
    { name: "knn20Top1", label: "k-NN top-1 (%)" },
    { name: "rankMe", label: "RankMe" },
    { name: "gradNorm", label: "gradNorm" },
    { name: "kl", label: "kl" },
    { name: "knn10Top1", label: "knn10Top1 (%)" },
  ]);
  assertEquals(measuredMetrics([]), []);
});

Deno.test("curvesOf() has few scores as dots, in percent, and many losses as a line", () => {
  const runs = [run("a", linesOf(0, 40))];
  const [scores] = curvesOf(runs, "knn20Top1", 300);
  const points = [10, 20, 30, 40].map((step) => [step, 30 + step / 10]);
  assertEquals(scores, { id: "a", dots: true, points });
  const [losses] = curvesOf(runs, "loss", 300);
  assertEquals([losses!.dots, losses!.points.length, losses!.points[0]], [false, 40, [1, 4.99]]);
  assertEquals(curvesOf(runs, "rankMe", 300)[0]!.points, []);
});

Deno.test("curvesOf() averages all runs over equally many steps", () => {
  const runs = [run("long", linesOf(0, 3000)), run("begun", linesOf(0, 300))];
  const [long, begun] = curvesOf(runs, "loss", 300);
  assertEquals([long!.points.length, begun!.points.length], [300, 30]);
  assertEquals(long!.points.slice(0, 30), begun!.points);
  const short = curvesOf([runs[0]!, run("new", linesOf(0, 8))], "loss", 300)[1]!;
  assertTrue(short.points.length === 8, "a few steps are all there");
});
