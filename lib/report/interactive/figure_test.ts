import * as Plot from "@observablehq/plot";
import { plot, toPng, toSvg } from "lib/report/draw/plot.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { figureOutput } from "./figure.ts";

const points = [{ x: 1, y: 2, title: "a & b\nseed 0" }];

Deno.test("figureOutput() adds a script where marks have titles, and leaves other figures alone", async () => {
  const dots = (more: object) =>
    toSvg(plot({ marks: [Plot.dot(points, { x: "x", y: "y", ...more })] }));
  const [told, bare] = [dots({ title: "title" }), dots({})];
  const output = async (svg: string) => figureOutput(svg, await toPng(svg), "a.svg and .png");
  assertEquals(Object.keys(await output(bare)), ["image/svg+xml", "image/png", "text/plain"]);
  const { "text/html": html, ...rest } = await output(told);
  assertEquals(Object.keys(rest), ["image/png", "text/plain"]);
  assertTrue(
    html!.includes('<img alt="a.svg and .png" src="data:image/svg+xml;base64,'),
    "a still",
  );
});
