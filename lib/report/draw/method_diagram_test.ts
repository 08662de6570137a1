import { toSvg } from "lib/report/draw/plot.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { diagramNames, methodDiagram } from "./method_diagram.ts";
import { type DiagramName, methodDrawings } from "./method_drawings.ts";

/** Rectangles of a drawing, without its background: `[x, y, width, height]`. */
function rectanglesOf(svg: string): number[][] {
  const ofPlot = [...svg.matchAll(/<rect [^>]*rx="4"[^>]*>|<g [^>]*>\s*(?:<rect [^>]*>)+/g)];
  return ofPlot.flatMap(([text]) => [...text.matchAll(/<rect ([^>]*)>/g)])
    .map(([, attributes]) =>
      ["x", "y", "width", "height"].map((name) =>
        Number(new RegExp(`(?:^| )${name}="([^"]+)"`).exec(attributes!)![1])
      )
    );
}

for (const name of diagramNames) {
  Deno.test(`the boxes of the diagram of ${name} do not overlap, and hold their text`, () => {
    const { left, right, loss } = methodDrawings[name];
    const boxes = rectanglesOf(toSvg(methodDiagram(name))).filter(([, , , height]) => height! > 20);
    assertEquals(boxes.length, left.length + right.length + 1);
    for (const [i, [x, y, width, height]] of boxes.entries()) {
      const hit = boxes.slice(i + 1).filter(([x2, y2, width2, height2]) =>
        x2! < x! + width! && x! < x2! + width2! && y2! < y! + height! && y! < y2! + height2!
      );
      assertEquals(hit, []);
    }
    const letters = [...left, ...right].flatMap(({ label, detail }) => [label, detail]);
    const longest = Math.max(
      ...[...letters, loss.label, ...loss.details].map((text) => text.length),
    );
    assertTrue(longest <= 26, `${longest} letters need ${7.2 * longest} of 200 pixels`);
  });
}

Deno.test("a diagram says where the gradient stops, what is averaged and what is remembered, if anything is", () => {
  const words = (name: DiagramName) => {
    const svg = toSvg(methodDiagram(name));
    return ["no gradient", "moving average", "same weights", "remembered"]
      .filter((text) => svg.includes(`>${text}<`));
  };
  assertEquals(words("dino"), ["no gradient", "moving average", "remembered"]);
  assertEquals(words("byol"), ["no gradient", "moving average"]);
  assertEquals(words("simclr"), ["same weights"]);
  assertEquals(words("swav"), ["no gradient", "same weights", "remembered"]);
  assertEquals(words("deepcluster_v2"), ["no gradient", "remembered"]);
});

Deno.test("methodDiagram() refuses a method that it does not know", () => {
  const draw = () => methodDiagram("moco" as DiagramName);
  assertThrows(draw, RangeError, 'Cannot draw "moco": there are dino, byol, simclr');
});
