import { toSvg } from "lib/report/draw/plot.ts";
import { paperSpeeds, throughputFigure } from "lib/report/figures/throughput_figure.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const count = (text: string, part: string) => text.split(part).length - 1;
const label = "linear top-1 (%)";

Deno.test("paperSpeeds() has seven networks on a V100 and four on an A100", () => {
  const points = paperSpeeds("linear");
  assertEquals(points.map(({ device }) => device), [
    ...Array(7).fill("V100"),
    ...Array(4).fill("A100"),
  ]);
  const tiny = { arch: "BC-SSL-T", device: "A100", imagesPerSecond: 1777, ours: false };
  assertEquals(points.find(({ imagesPerSecond }) => imagesPerSecond === 1777), {
    ...tiny,
    accuracy: 0.778,
  });
  assertEquals(paperSpeeds("knn")[0]!.accuracy, 0.675);
});

Deno.test("throughputFigure() has a panel for each machine, a name and a tip for each network", () => {
  const ours = { arch: "BC-SSL-T", device: "two cores", imagesPerSecond: 12.5, ours: true };
  const svg = toSvg(
    throughputFigure([...paperSpeeds("linear"), { ...ours, accuracy: [0.77, 0.78] }], { label }),
  );
  for (const title of ["V100 (the paper)<", "A100 (the paper)<", "two cores (ours)<"]) {
    assertEquals(count(svg, title), 1, title);
  }
  assertEquals([count(svg, ">BC-SSL-T<"), count(svg, ">RN50<"), count(svg, "<title>")], [3, 1, 12]);
  assertTrue(svg.includes("BC-SSL-T, 12.5 images/s on two cores: 77.50 ± 0.50 %, 2 seeds"), "tip");
  assertTrue(!svg.includes("NaN"), "no NaN");
});

Deno.test("throughputFigure() shares the axis of accuracy unless a machine's would be flat", () => {
  const at = (device: string, shares: readonly number[]) =>
    shares.map((accuracy, i) => ({
      arch: `BC-SSL-${i}`,
      device,
      imagesPerSecond: 10 + i,
      accuracy,
      ours: true,
    }));
  const ticks = (svg: string) => new Set(svg.match(/>\d\d(\.\d)?<\/text>/g)).size;
  const near = toSvg(
    throughputFigure([...at("a", [0.7, 0.8]), ...at("b", [0.72, 0.82])], { label }),
  );
  const far = toSvg(throughputFigure([...at("a", [0.7, 0.8]), ...at("b", [0.2, 0.3])], { label }));
  assertTrue(ticks(far) > ticks(near), `${ticks(far)} and ${ticks(near)} different ticks`);
});

Deno.test("throughputFigure() draws one network alone, not nothing", () => {
  const svg = toSvg(throughputFigure(paperSpeeds("knn").slice(0, 1), { label }));
  assertEquals([count(svg, "<title>"), count(svg, "NaN")], [1, 0]);
  assertThrows(() => throughputFigure([], { label }), RangeError, "there is no point");
});
