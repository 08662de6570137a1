import { figure2 } from "lib/paper/mod.ts";
import { type KernelArm, kernelSizeFigure } from "lib/report/figures/kernel_size_figure.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const count = (text: string, part: string) => text.split(part).length - 1;
const paper: readonly KernelArm[] = figure2.rows.map(({ knn, ...arm }) => ({ ...arm, paper: knn }));
const draw = (arms: readonly KernelArm[]) => toSvg(kernelSizeFigure(arms, { label: "k-NN (%)" }));
/** Three seeds of each arm, `above` the paper. */
const withOurs = (above: number) =>
  paper.map((arm) => ({
    ...arm,
    ours: [-0.002, 0.001, 0.004].map((x) => arm.paper! + above + x),
  }));

Deno.test("kernelSizeFigure() has a hollow mark with a title for each of the paper's points", () => {
  const svg = draw(paper);
  assertEquals(count(svg, "<title>the paper, "), 11);
  const hollow = svg.match(/<g [^>]*fill="white"[^>]*aria-label="dot"[^>]*>/g)!;
  assertEquals(hollow.map((group) => /stroke="(#\w+)"/.exec(group)![1]), [
    ...["#0072B2", "#D55E00", "#009E73"],
  ]);
  assertTrue(svg.includes("<title>the paper, BC-SSL-T, 9×9: 70.32 %</title>"), "a tip");
  for (const name of ["ConvNeXt-T<", "BC-SSL-T<", "Swin-T<", "k-NN (%)", "kernel size"]) {
    assertTrue(svg.includes(name), name);
  }
  assertTrue(svg.includes("hollow: the paper") && !svg.includes("filled"), "the key");
});

Deno.test("kernelSizeFigure() fills our marks, with a bar for each, dashes the paper's lines", () => {
  const svg = draw(withOurs(0.005));
  assertEquals(count(svg, "seeds</title>"), 11);
  const bars = svg.match(/<g [^>]*stroke-width="2" [^>]*aria-label="rule">.*?<\/g>/g)!;
  assertEquals(bars.reduce((sum, group) => sum + count(group, "<line"), 0), 11);
  assertEquals(count(svg, 'stroke-dasharray="5 4"'), 3);
  assertTrue(svg.includes("filled: ours, ± 1 s.e. of 3 seeds; hollow: the paper"), "the key");
  assertTrue(!svg.includes("NaN"), "no NaN");
});

Deno.test("kernelSizeFigure() has one panel where ours are near, two where they are far off", () => {
  assertEquals(count(draw(withOurs(0.005)), ">kernel size<"), 1);
  assertEquals(count(draw(withOurs(-0.3)), ">kernel size<"), 2);
  assertEquals(count(draw(withOurs(-0.3)), "<title>"), 22);
});

Deno.test("kernelSizeFigure() draws one seed without a bar, an arm without kernels alone, not nothing", () => {
  const one = draw([{ arch: "BC-SSL", kernelSize: 7, ours: [0.5] }]);
  assertEquals([count(one, "1 seed</title>"), count(one, "NaN")], [1, 0]);
  const swin = draw([{ arch: "Swin", kernelSize: null, paper: 0.5 }]);
  assertEquals([count(swin, "<title>"), count(swin, "NaN")], [1, 0]);
  assertThrows(() => kernelSizeFigure([], { label: "" }), RangeError, "there is no value");
});
