import sharp from "sharp";
import pl from "nodejs-polars";
import { imageGridPng } from "lib/report/draw/image_grid.ts";
import { plot } from "lib/report/draw/plot.ts";
import { saveFigure, saveImage } from "lib/report/save/save_figure.ts";
import { saveTable } from "lib/report/save/save_table.ts";
import { tableOf, toCsv, toHtml, toLatex, toMarkdown } from "lib/report/tables/table_formats.ts";
import { assertEquals, assertRejects, assertThrows, assertTrue } from "lib/testing/assert.ts";

/**
 * Runs a test with an empty outputs folder and without output, and returns the paths of the files
 * written.
 */
async function filesOf(run: () => Promise<void>): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  const [before, log] = [Deno.env.get("BCSSL_OUTPUTS"), console.log];
  Deno.env.set("BCSSL_OUTPUTS", folder);
  console.log = () => {};
  try {
    await run();
    const files: string[] = [];
    for (const { name: kind } of Deno.readDirSync(folder)) {
      for (const { name } of Deno.readDirSync(`${folder}/${kind}`)) files.push(`${kind}/${name}`);
    }
    return files.sort();
  } finally {
    console.log = log;
    if (before === undefined) Deno.env.delete("BCSSL_OUTPUTS");
    else Deno.env.set("BCSSL_OUTPUTS", before);
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("saveFigure(), saveImage() and saveTable() write whole files under their names", async () => {
  const files = await filesOf(async () => {
    await saveFigure("a_figure", () => plot({ marks: [] }));
    await saveImage("an-image", new Uint8Array([1]));
    await saveTable("table.1", [{ a: 1 }]);
  });
  const figures = ["a_figure.pdf", "a_figure.png", "a_figure.svg", "an-image.png"].map((name) =>
    `figures/${name}`
  );
  assertEquals(files, [...figures, ...["csv", "md", "tex"].map((end) => `tables/table.1.${end}`)]);
});

for (const name of ["../up", "", "a b", ".hidden", "a/b", "a..b"]) {
  Deno.test(`saveFigure() refuses the name ${JSON.stringify(name)}`, async () => {
    const save = () => saveFigure(name, plot({ marks: [] }));
    await assertRejects(save, RangeError, "use letters, digits");
  });
}

Deno.test("saveTable() refuses an empty table, and says so where outputs cannot be written", async () => {
  await assertRejects(() => saveTable("empty", []), RangeError, "it has no row");
  const before = Deno.env.get("BCSSL_OUTPUTS");
  Deno.env.set("BCSSL_OUTPUTS", "/dev/null");
  try {
    await assertRejects(
      () => saveTable("t", [{ a: 1 }]),
      Error,
      "free space, or set BCSSL_OUTPUTS",
    );
  } finally {
    if (before === undefined) Deno.env.delete("BCSSL_OUTPUTS");
    else Deno.env.set("BCSSL_OUTPUTS", before);
  }
});

const table = tableOf([
  { trainedModel: "R&D_1 | 50 %", top1: 1 / 3, n: 3 },
  { trainedModel: 'a "quote", ±', top1: -Infinity, each: [1, 2.5] },
]);

Deno.test("toCsv() keeps all digits and quotes what needs it", () => {
  assertEquals(
    toCsv(table),
    'trainedModel,top1,n,each\nR&D_1 | 50 %,0.3333333333333333,3,\n"a ""quote"", ±",-Infinity,,1 2.5\n',
  );
});

Deno.test("toMarkdown() rounds, aligns numbers, escapes bars, and says nothing by a dash", () => {
  assertEquals(
    toMarkdown(table),
    "| trained model | top1 | n | each |\n| --- | ---: | ---: | --- |\n" +
      '| R&D_1 \\| 50 % | 0.3333 | 3 | – |\n| a "quote", ± | −∞ | – | 1, 2.5 |\n',
  );
});

Deno.test("toLatex() escapes each character once", () => {
  const rows = toLatex(table).split("\n");
  assertEquals(rows[0], "\\begin{tabular}{lrrl}");
  assertEquals(rows[4], "R\\&D\\_1 \\textbar{} 50 \\% & 0.3333 & 3 & -- \\\\");
  assertTrue(toLatex(tableOf([{ a: "\\{" }])).includes("\\textbackslash{}\\{ \\\\"), "backslash");
});

Deno.test("toHtml() escapes, and a polars DataFrame is a table", () => {
  assertTrue(toHtml(tableOf([{ a: "<b>" }])).includes(">&lt;b&gt;</td>"), "escaped");
  const frame = tableOf(pl.DataFrame({ a: [1, 2], b: ["x", null] }));
  assertEquals(frame, { columns: ["a", "b"], rows: [[1, "x"], [2, null]] });
});

/** A table like the paper's: a heading across, numbers as text with their digits, a note. */
const laidOut = {
  columns: ["network", "top1 ↑"],
  rows: ["300 epochs", ["BC-SSL ¹", "77.80"], ["Swin", null], "100 epochs", ["|", "74.10"]],
  notes: ["§4, percent", "¹ <at its peak>"],
};

Deno.test("a table keeps its headings and notes, and is taken as it is", () => {
  assertTrue(tableOf(laidOut) === laidOut, "as it is");
  assertEquals(
    toMarkdown(laidOut),
    "| network | top1 ↑ |\n| --- | ---: |\n| **300 epochs** |  |\n| BC-SSL ¹ | 77.80 |\n" +
      "| Swin | – |\n| **100 epochs** |  |\n| \\| | 74.10 |\n\n§4, percent\n\n¹ <at its peak>\n",
  );
  assertEquals(
    toCsv(laidOut),
    "network,top1 ↑\n300 epochs,\nBC-SSL ¹,77.80\nSwin,\n100 epochs,\n|,74.10\n",
  );
  assertEquals(toLatex(laidOut).split("\n").slice(1, 11), [
    "\\toprule",
    "network & top1 $\\uparrow$ \\\\",
    "\\midrule",
    "\\multicolumn{2}{l}{\\emph{300 epochs}} \\\\",
    "BC-SSL $^{1}$ & 77.80 \\\\",
    "Swin & -- \\\\",
    "\\midrule",
    "\\multicolumn{2}{l}{\\emph{100 epochs}} \\\\",
    "\\textbar{} & 74.10 \\\\",
    "\\bottomrule",
  ]);
  assertTrue(
    toLatex(laidOut).endsWith(
      "\\par{\\footnotesize $^{1}$ \\textless{}at its peak\\textgreater{}}\n",
    ),
    "note",
  );
  const html = toHtml(laidOut);
  assertTrue(html.includes('<th colspan="2" style="text-align:left">300 epochs</th>'), html);
  assertTrue(html.includes('<td style="text-align:right">77.80</td>'), "a number, to the right");
  assertTrue(html.includes("<tfoot>") && html.includes("¹ &lt;at its peak&gt;</td>"), "notes");
  assertTrue(!toHtml(table).includes("tfoot"), "no notes, no foot");
});

Deno.test("a number and its standard error are read in one column, and written in two", () => {
  const source = tableOf([
    { name: "a", "top-1 (%)": 24.0912, "± s.e.": 1.0833, runs: "a-1, a-2" },
    { name: "b", "top-1 (%)": -3.25, "± s.e.": 0.0551, runs: "b-1" },
    { name: "c", "top-1 (%)": 66.28, "± s.e.": undefined, runs: "" },
    { name: "d", "top-1 (%)": 22.62, "± s.e.": 0, runs: "d-1, d-2" },
  ]);
  const lines = toMarkdown(source).split("\n");
  assertEquals(lines.slice(0, 2), ["| name | top-1 ± s.e. (%) | runs |", "| --- | ---: | --- |"]);
  assertEquals(lines.slice(2, 6).map((line) => line.split(" | ")[1]), [
    "24.1 ± 1.1",
    "−3.250 ± 0.055",
    "66.28",
    "22.62 ± 0",
  ]);
  assertTrue(toLatex(source).includes("24.1 $\\pm$ 1.1 &"), toLatex(source));
  assertEquals(toCsv(source).split("\n")[1], 'a,24.0912,1.0833,"a-1, a-2"');
  const html = toHtml(source);
  assertTrue(
    html.includes('<td style="text-align:right">24.1 ±&nbsp;1.1</td>'),
    html,
  );
  assertTrue(html.includes("<details><summary>2</summary>a-1, a-2</details>"), "several, folded");
  assertTrue(html.includes('<td style="text-align:left">b-1</td>'), "one, as it is");
  const texts = tableOf([{ name: "a", "± s.e.": 1 }]);
  assertTrue(toMarkdown(texts).startsWith("| name | ± s.e. |"), "not of a number");
});

Deno.test("toHtml() says below what all rows share, and leaves it in a row that differs", () => {
  const rows = [
    { name: "a", scale: "laptop", seeds: "0, 1", n: 2 },
    { name: "b", scale: "laptop", seeds: "0, 1", n: 3 },
  ];
  const html = toHtml({ ...tableOf(rows), notes: ["Note."] });
  assertTrue(!html.includes(">scale<") && html.includes(">n</th>"), html);
  const below = html.slice(html.indexOf("<tfoot>"));
  assertTrue(/All rows: scale: laptop; seeds: 0, 1\..*Note\./.test(below), below);
  assertTrue(toHtml(tableOf(rows.slice(1))).includes(">scale</th>"), "one row has it beside");
  assertTrue(toMarkdown(tableOf(rows)).includes("| scale |"), "what is written has all");
});

/** Four images of 2 × 2 pixels; all values of image i are 10 · i. */
const images = {
  width: 2,
  height: 2,
  pixels: Uint8Array.from({ length: 4 * 12 }, (_, i) => 10 * Math.floor(i / 12)),
};

Deno.test("imageGridPng() magnifies without mixing pixels, row by row", async () => {
  const png = await imageGridPng(images, { columns: 3, scale: 8 });
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  assertEquals([info.width, info.height], [3 * 20 + 4, 2 * 20 + 4]);
  const at = (x: number, y: number) => data[(y * info.width + x) * info.channels]!;
  assertEquals([at(4, 4), at(19, 19), at(24, 4), at(44, 12), at(4, 24)], [0, 0, 10, 20, 30]);
  assertEquals([at(3, 3), at(22, 10), at(30, 30)], [255, 255, 255]);
});

Deno.test("imageGridPng() draws borders, captions and a title", async () => {
  const options = { columns: 4, scale: 16 };
  const pixel = async (png: Uint8Array, x: number, y: number) => {
    const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({
      resolveWithObject: true,
    });
    return [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
  };
  const sameClass = [true, false, true, true];
  const bordered = await imageGridPng(images, { ...options, sameClass });
  const [r, g, b] = await pixel(bordered, 3, 20);
  assertTrue(g! > r! && g! > b!, `green: ${[r, g, b]}`);
  const [r2, g2] = await pixel(bordered, 41, 3);
  assertTrue(r2! > g2!, `vermilion: ${[r2, g2]}`);
  const heightOf = async (more: object) =>
    (await sharp(await imageGridPng(images, { ...options, ...more })).metadata()).height! - 40;
  const captions = ["a", "b", "c", "d"];
  assertEquals(await heightOf({ title: "all" }), 22);
  assertEquals(await heightOf({ captions }), 18);
  assertEquals(await heightOf({ columns: 2, captions }) - 36, 2 * 18);
});

Deno.test("imageGridPng() says what does not fit", async () => {
  const draw = (options: object) => () => imageGridPng(images, { columns: 2, ...options });
  await assertRejects(draw({ columns: 0 }), RangeError, "integer as columns, current is 0");
  await assertRejects(
    draw({ captions: ["a"] }),
    RangeError,
    "need 4 of captions, current count is 1",
  );
  await assertRejects(draw({ sameClass: [true] }), RangeError, "need 4 of sameClass");
  const half = { ...images, pixels: images.pixels.subarray(0, 13) };
  await assertRejects(() => imageGridPng(half, { columns: 2 }), TypeError, "got 13");
  assertThrows(() => tableOf(undefined as never), TypeError, "");
});
