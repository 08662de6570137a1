import { Buffer } from "node:buffer";
import sharp from "sharp";
import { fromFileUrl } from "@std/path";
import * as Plot from "@observablehq/plot";
import { gridOf, plot, toPng, toSvg } from "lib/report/draw/plot.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const figure = () =>
  plot({ width: 200, height: 100, x: { label: "a & b" }, marks: [Plot.dot([[1, 2], [3, 4]])] });

Deno.test("toSvg() is a file of its own: named, on white, well-formed, coordinates to a tenth", async () => {
  const svg = toSvg(figure());
  assertTrue(svg.startsWith("<svg ") && svg.includes('xmlns="http://www.w3.org/2000/svg"'), svg);
  assertTrue(svg.includes('<rect width="100%" height="100%" fill="white"/>'), "white");
  const { width, height } = await sharp(Buffer.from(svg)).metadata(); // throws where XML is broken
  assertEquals([width, height], [200, 100]);
  const path = 'd="M1.2345,-0.999L10,2.05"';
  const rounded = toSvg({ outerHTML: `<svg><path ${path}/><text>0.0015&nbsp;s</text></svg>` });
  assertTrue(rounded.includes('d="M1.2,-0.9L10,2.0"'), rounded);
  assertTrue(rounded.includes("0.0015&#160;s"), "text stays");
});

Deno.test("toSvg() refuses what is not one SVG", () => {
  const titled = plot({ title: "a title", marks: [] });
  assertThrows(() => toSvg(titled), TypeError, "leave out Plot's title");
  assertThrows(() => toSvg(undefined as never), TypeError, '"undefined"');
});

Deno.test("toPng() is twice as large, and its text is there on a machine without fonts", async () => {
  const png = await toPng(toSvg(figure()));
  const { width, height } = await sharp(png).metadata();
  assertEquals([width, height], [400, 200]);
  const plotModule = fromFileUrl(import.meta.resolve("lib/report/draw/plot.ts"));
  const draw = `const { toPng } = await import("file://${plotModule}");
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="40"><text y="20">words</text></svg>';
    console.log((await toPng(svg)).length);`;
  const size = async (env: Record<string, string>) => {
    const command = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        "--quiet",
        `--config=${fromFileUrl(import.meta.resolve("../../../deno.json"))}`,
        draw,
      ],
      env: { ...env, NO_COLOR: "1" },
    });
    const { stdout, stderr } = await command.output();
    return Number(new TextDecoder().decode(stdout)) || new TextDecoder().decode(stderr);
  };
  const noFonts = await Deno.makeTempFile({ suffix: ".conf" });
  await Deno.writeTextFile(noFonts, '<?xml version="1.0"?>\n<fontconfig></fontconfig>\n');
  const without = await size({ FONTCONFIG_FILE: noFonts });
  const ours = await size({ FONTCONFIG_FILE: "" });
  await Deno.remove(noFonts);
  assertTrue(
    Number(ours) > Number(without) + 200,
    `${ours} bytes with our font, ${without} with none`,
  );
});

Deno.test("gridOf() places figures row by row under its header", () => {
  const { outerHTML } = gridOf([figure(), figure(), figure()], {
    columns: 2,
    width: 200,
    height: 100,
    header: "<text>h</text>",
  });
  assertTrue(outerHTML.startsWith('<svg width="400" height="228"'), outerHTML.slice(0, 80));
  const places = [...outerHTML.matchAll(/<svg x="(\d+)" y="(\d+)"/g)].map(([, x, y]) => [x, y]);
  assertEquals(places, [["0", "28"], ["200", "28"], ["0", "128"]]);
});
