import { curvePoints } from "./curve_points.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";

const history = (steps: number) =>
  Array.from({ length: steps }, (_, i) => ({
    step: i + 1,
    metrics: { loss: 5 - i / steps, ...((i + 1) % 50 === 0 && { knn20Top1: 0.6 }) },
  }));

Deno.test("curvePoints() averages neighbouring steps, all of them", () => {
  const points = curvePoints(history(1000), "loss", { most: 160 });
  assertEquals(points.length, 142); // 7 values to a point, and 13 to the last
  assertClose(points[0]!.step, (1 + 7) / 2);
  assertClose(points[0]!.value, 5 - 3 / 1000);
  assertClose(points.at(-1)!.step, (988 + 1000) / 2);
});

Deno.test("curvePoints() leaves few values as they are, and drops what is not finite", () => {
  const percent = [50, 100].map((step) => ({ step, value: 60 }));
  assertEquals(curvePoints(history(100), "knn20Top1", { most: 2, factor: 100 }), percent);
  const broken = [{ step: 1, metrics: { loss: NaN } }, { step: 2, metrics: { loss: 1 } }];
  assertEquals(curvePoints(broken, "loss", { most: 9 }), [{ step: 2, value: 1 }]);
  assertEquals(curvePoints(broken, "kl", { most: 9 }), []);
});
