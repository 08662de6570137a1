import { inflateSync } from "node:zlib";
import * as Plot from "@observablehq/plot";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { toPdf } from "./pdf.ts";
import { plot, toSvg } from "./plot.ts";

const figure = () =>
  toSvg(plot({
    ...{ width: 300, height: 200 },
    y: { grid: true },
    marks: [Plot.dot([[1, 2], [2, 3]], { fill: "#0072B2", r: 4 })],
  }));

/** What the page draws: PDF's operators, a line each. */
function drawnIn(pdf: Uint8Array): string {
  const text = new TextDecoder("latin1").decode(pdf);
  const streams = [...text.matchAll(/\/Filter \/FlateDecode[^]*?stream\n/g)].map((match) => {
    const from = match.index + match[0].length;
    try {
      return new TextDecoder("latin1").decode(inflateSync(pdf.subarray(from)));
    } catch {
      return "";
    }
  });
  return streams.find((stream) => stream.includes("/DeviceRGB cs")) ?? "";
}

Deno.test("toPdf() draws one page of the figure's size, with its colours, and the font inside", async () => {
  const pdf = await toPdf(figure());
  const text = new TextDecoder("latin1").decode(pdf);
  assertTrue(text.startsWith("%PDF-1."), text.slice(0, 20));
  assertTrue(text.includes("/MediaBox [0 0 300 200]"), "the size");
  assertEquals(text.match(/\/Type \/Page\b/g)?.length, 1);
  assertTrue(/\/FontName \/\w+\+DejaVuSans/.test(text) && text.includes("/FontFile2"), "the font");
  const drawn = drawnIn(pdf);
  assertTrue(/\n0 0\.4470\d* 0\.698\d* scn\n/.test(drawn), "the dots are blue");
  assertTrue(/\/CA 0\.1\b/.test(text), "grid lines are pale");
});

Deno.test("toPdf() gives equal bytes for equal figures", async () => {
  assertEquals(await toPdf(figure()), await toPdf(figure()));
});

Deno.test("toPdf() says what it cannot draw", async () => {
  const svg =
    '<svg width="10" height="10"><text font-size="1" x="0" y="0">a</text><image href="no"/></svg>';
  await assertRejects(() => toPdf(svg), Error, "Cannot draw a figure as PDF: ");
});
