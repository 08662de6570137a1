import { monitorFigure } from "lib/report/figures/monitor_figure.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

const count = (text: string, part: string) => text.split(part).length - 1;
const curve = (arch: string, shares: readonly number[]) => ({
  arch,
  points: shares.map((share, i) => ({ epoch: i + 1, values: [share, share + 0.01] })),
});

Deno.test("monitorFigure() has the paper's Figure 3, and ours beside it in the same colours", () => {
  const paper = toSvg(monitorFigure([]));
  assertEquals([count(paper, "<title>the paper, "), count(paper, ">hollow: the paper<")], [33, 1]);
  const svg = toSvg(monitorFigure([curve("BC-SSL", [0.4, 0.6, 0.5])]));
  assertEquals([count(svg, "2 seeds</title>"), count(svg, "<title>the paper, ")], [3, 33]);
  assertEquals(count(svg, ">k-NN top-1 (%)<"), 2);
  assertTrue(svg.includes("BC-SSL<") && !svg.includes("BC-SSL-T<"), "one name in the legend");
  assertTrue(svg.includes("filled: ours, ± 1 s.e. of 2 seeds"), "the key");
});

Deno.test("monitorFigure() has a thin line for each seed, and room for the lowest and the highest", () => {
  const points = [0.4, 0.5].map((share, i) => ({ epoch: i, values: [share - 0.2, share, share] }));
  const svg = toSvg(monitorFigure([{ arch: "Swin", points }]));
  const lines = [
    ...svg.matchAll(/<g [^>]*stroke-opacity="0.45"[^>]*>(.*?)<\/g>/g),
  ];
  assertEquals(lines.map(([, inside]) => count(inside!, "<path")), [3]);
  const heights = [...lines[0]![1]!.matchAll(/[ML][\d.]+,([\d.]+)/g)].map(([, y]) => Number(y));
  assertEquals(heights.length, 6);
  assertTrue(heights.every((y) => y > 40 && y < 340 - 44), `${heights}`); // between the margins
});

Deno.test("monitorFigure() rings the best epoch of each curve", () => {
  const svg = toSvg(monitorFigure([curve("Swin", [0.4, 0.6, 0.5])]));
  const rings = [...svg.matchAll(/<circle r="9" cy="[\d.]+" cx="([\d.]+)"/g)];
  const at = rings.map(([, x]) => Number(x));
  const [first, last] = [66, 366]; // ends of the x axis: 400 pixels minus margins and inset
  assertClose(at, [(first + last) / 2, first + 0.8 * (last - first), first + 0.8 * 300, last]);
});
