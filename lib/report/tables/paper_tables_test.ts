import { slipsOf, table3, table5 } from "lib/paper/mod.ts";
import { paperTable } from "lib/report/tables/paper_tables.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const numbers = [1, 2, 3, 4, 5, 6] as const;
const rowsOf = (number: typeof numbers[number]) =>
  paperTable(number).rows.filter((row) => typeof row !== "string");

for (const number of numbers) {
  Deno.test(`paperTable(${number}) fills every column and says everything that is to be known`, () => {
    const { columns, notes } = paperTable(number);
    for (const row of rowsOf(number)) assertEquals(row.length, columns.length);
    for (const { note } of slipsOf(`Table ${number}`)) {
      assertTrue(notes!.some((text) => text.includes(note)), note);
    }
    assertTrue(notes![0]!.startsWith(`Table ${number}, §`), notes![0]!);
  });
}

Deno.test("paperTable() has the digits and the panels of the paper", () => {
  assertEquals(rowsOf(1)[3], ["ConvNeXt-T ¹", "7×7", 29, "74.10", "68.65"]);
  assertEquals(rowsOf(2), [
    ["ConvNeXt-T w/o BN", "73.27", "73.82", "74.10", "74.52", "74.28"],
    ["ConvNeXt-T w/ BN", "74.04", "74.35", "74.48", "75.01", "74.47"],
  ]);
  assertEquals(rowsOf(3)[0], ["iGPT", "iGPT-XL", 6801, null, "72.0", null]);
  const small = ["DINO (Ours) ⁷", "BC-SSL-S", 50, "442/1197 (+40 %)", "79.0", "76.6"];
  assertEquals(rowsOf(3).at(-1), small);
  assertEquals(rowsOf(4)[2]!.slice(1), [
    ...["BC-SSL-T", "3×3", "45.0", "66.3", "49.6", "40.5", "63.5", "43.6"],
  ]);
  const nine = ["9×9", "– / 29", "75.0", "70.3", "59.39", "24.55", "22.79", "4.66"];
  assertEquals(rowsOf(5)[6]!.slice(2), nine);
  const panels = (number: typeof numbers[number]) =>
    paperTable(number).rows.flatMap((row, i) => typeof row === "string" ? [i] : []);
  assertEquals(numbers.map(panels), [[], [], [0, 8], [0, 3, 8], [0, 9], []]);
});

Deno.test("paperTable() marks the rows that a note is about, and no others", () => {
  const marked = (number: typeof numbers[number]) =>
    rowsOf(number).flatMap((row, i) => /[⁰¹²³⁴⁵⁶⁷⁸⁹]/.test(String(row[0])) ? [i + 1] : []);
  for (const [number, { rows }] of [[3, table3], [5, table5]] as const) {
    const about = slipsOf(`Table ${number}`).flatMap(({ rows = [] }) => rows);
    assertEquals(marked(number), [...new Set(about)].sort((a, b) => a - b));
    assertEquals(rowsOf(number).length, rows.length);
  }
  const swin = rowsOf(3)[17]!;
  const note = paperTable(3).notes!.find((text) => text.startsWith("² "))!;
  assertTrue(String(swin[0]).includes("²") && note.includes("Swin-S"), `${swin[0]}: ${note}`);
});
