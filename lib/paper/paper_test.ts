import {
  type Claim,
  claims,
  figure2,
  figure3,
  type Printed,
  type PrintedRow,
  slips,
  slipsOf,
  table1,
  table2,
  table3,
  table4,
  table5,
  table6,
} from "lib/paper/mod.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

const tables = [table1, table2, table3, table4, table5, table6];
const all: readonly Printed<PrintedRow>[] = [...tables, figure2, figure3];

/** Numbers that `pick` takes from rows, in percent as printed. */
function percents<Row>(rows: readonly Row[], pick: (row: Row) => number | null): number[] {
  return rows.map((row) => Number((100 * pick(row)!).toFixed(3)));
}

const rising = (values: readonly number[]) =>
  values.every((value, i) => i === 0 || value > values[i - 1]!);

Deno.test("the tables have as many rows as the paper prints", () => {
  assertEquals(all.map(({ name, rows }) => [name, rows.length]), [
    ["Table 1", 6],
    ["Table 2", 10],
    ["Table 3", 19],
    ["Table 4", 9],
    ["Table 5", 11],
    ["Table 6", 7],
    ["Figure 2", 11],
    ["Figure 3", 33],
  ]);
});

Deno.test("every row says where it stands, and none stands where another does", () => {
  for (const { name, section, rows } of all) {
    assertTrue(rows.every(({ source }) => source.startsWith(`${section}, ${name}`)), name);
  }
  const sources = tables.flatMap(({ rows }) => rows.map(({ source }) => source));
  assertEquals(new Set(sources).size, sources.length);
  assertEquals(table3.rows[15]!.source, "§4.1, Table 3, row 16");
  assertEquals(table2.rows[8]!.source, "§3.3, Table 2, row 2, 9×9");
});

Deno.test("accuracies are fractions", () => {
  const keys = /^(linear|knn|box.*|mask.*|corruption|sketch|rendition|adversarial|speedUpA100)$/;
  for (const { name, rows } of all) {
    for (const [key, value] of rows.flatMap((row) => Object.entries(row))) {
      if (!keys.test(key) || value === null) continue;
      assertTrue(value > 0 && value < 1, `${name}: ${key} is ${value}`);
    }
  }
});

Deno.test("a number that the paper prints twice is the same both times", () => {
  const ofTable1 = table1.rows.filter(({ arch }) => arch === "ConvNeXt-T");
  const without = table2.rows.filter(({ batchNorm, kernelSize }) => !batchNorm && kernelSize <= 7);
  assertEquals(percents(without, (r) => r.linear), percents(ofTable1, (r) => r.linear));

  const others = table1.rows.filter(({ arch }) => arch !== "ConvNeXt-T");
  const clean = table5.rows.filter(({ epochs, arch }) => epochs === 100 && arch !== "BC-SSL-T");
  for (const key of ["linear", "knn"] as const) {
    assertClose(percents(clean, (r) => r[key]), percents(others, (r) => r[key]), 0.051 / 75);
  }

  const bcSsl = table5.rows.filter(({ epochs, arch }) => epochs === 100 && arch === "BC-SSL-T");
  const withNorm = table2.rows.filter(({ batchNorm }) => batchNorm);
  const ofFigure = figure2.rows.filter(({ arch }) => arch === "BC-SSL-T");
  assertEquals(bcSsl.map(({ kernelSize }) => kernelSize), [3, 5, 7, 9, 15]);
  assertClose(percents(bcSsl, (r) => r.linear), percents(withNorm, (r) => r.linear), 0.051 / 75);
  assertClose(percents(bcSsl, (r) => r.knn), percents(ofFigure, (r) => r.knn), 0.051 / 75);

  const late = table5.rows.filter(({ epochs }) => epochs === 300);
  const inTable3 = ["RN50", "Swin-T", "BC-SSL-T"].map((arch) =>
    table3.rows.find((row) => row.method === "DINO" && row.arch === arch)!
  );
  for (const key of ["linear", "knn", "millionParameters"] as const) {
    assertEquals(late.map((row) => row[key]), inTable3.map((row) => row[key]));
  }
});

/** Claims whose number in the text differs from the table's: each has its slip. */
const wrong = ["batchNormHelpsKnn", "rises7To9Knn"];

for (const [name, { says, quoted, printed }] of Object.entries<Claim>(claims)) {
  if (quoted === null || printed === null) continue;
  const digits = `${quoted}`.split(".")[1]?.length ?? 0;
  const agrees = Number(printed.toFixed(digits)) === quoted;
  Deno.test(`claims.${name}: the text quotes ${agrees ? "the table's" : "another"} number`, () => {
    assertEquals(agrees, !wrong.includes(name), `${says}: ${quoted}, by the table ${printed}`);
  });
}

Deno.test("what the text says is more is more, but for what the slips say", () => {
  const not = Object.entries<Claim>(claims)
    .filter(([, { printed }]) => printed !== null && printed <= 0);
  assertEquals(not.map(([name]) => name), [
    "smallMatchesSwin",
    "cocoMaskAboveSwin",
  ]);
});

Deno.test("claims without a printed number are those about pictures", () => {
  const without = Object.entries<Claim>(claims).filter(([, { printed }]) => printed === null);
  assertEquals(without.length, 6);
  assertTrue(without.every(([name]) => name.includes("Cam")), "all are about maps");
});

Deno.test("trends that the text states are the tables', but where the slips say", () => {
  const vanilla = table1.rows.filter(({ arch }) => arch === "ConvNeXt-T");
  assertTrue(rising(percents(vanilla, (r) => r.linear)), "Table 1");
  for (const batchNorm of [false, true]) {
    const values = percents(table2.rows.filter((r) => r.batchNorm === batchNorm), (r) => r.linear);
    assertTrue(rising(values.slice(0, 4)) && values[4]! < values[3]!, "Table 2 peaks at 9×9");
  }
  const coco = table4.rows.filter(({ epochs, ours }) => epochs === 100 && ours);
  const ofCoco = ["boxAp", "boxAp50", "boxAp75", "maskAp", "maskAp50", "maskAp75"] as const;
  assertEquals(ofCoco.filter((key) => !rising(percents(coco, (r) => r[key]))), ["maskAp75"]);
  const robust = table5.rows.filter(({ epochs, arch }) => epochs === 100 && arch === "BC-SSL-T");
  assertTrue(rising(percents(robust, (r) => -r.corruption)), "C falls");
  const accuracies = ["sketch", "rendition", "adversarial"] as const;
  assertEquals(accuracies.filter((key) => rising(percents(robust, (r) => r[key]))), []);
});

Deno.test("Figure 3: ViT-S passes Swin-T at the end only, BC-SSL-T is always above", () => {
  const [bcSsl, swin, vit] = ["BC-SSL-T", "Swin-T", "ViT-S"].map((arch) =>
    percents(figure3.rows.filter((row) => row.arch === arch), (row) => row.knn)
  ) as [number[], number[], number[]];
  assertEquals(bcSsl.map((value, i) => value > swin[i]! && value > vit[i]!).includes(false), false);
  assertEquals(vit.map((value, i) => value > swin[i]!).indexOf(true), 10);
  assertEquals(figure3.rows.at(-1)!.epoch, 300);
});

Deno.test("slips are about rows that exist", () => {
  for (const { about, rows, note } of slips.filter(({ about }) => about !== "text")) {
    const printed = all.find(({ name }) => name === about);
    assertTrue(printed !== undefined, `${about} of: ${note}`);
    const last = Math.max(0, ...rows ?? []);
    assertTrue(last <= printed!.rows.length, `row ${last} of ${about}`);
  }
  assertEquals(slipsOf("Table 2"), slips.filter(({ about }) => about === "Table 2"));
  assertTrue(slipsOf("Table 2").length > 0, "Table 2 has a slip");
});

/** Numbers in notes that no table has: quoted by the text, published elsewhere, or an overlap. */
const elsewhere = ["0.4", "0.04", "2.3", "76.9", "76.0", "73.3", "78.0", "77.7", "79.5", "0.75"];

Deno.test("every number in a slip is in the paper, or a difference of two that are", () => {
  const values = all.flatMap(({ rows }) =>
    rows.flatMap((row) => Object.values(row).filter((value) => typeof value === "number"))
  );
  const differences = Object.values<Claim>(claims)
    .flatMap(({ quoted, printed }) => [quoted!, printed!]);
  const sizes = [3, 5, 7, 9, 15];
  const gains = sizes.map((size) => {
    const [without, withNorm] = figure2.rows.filter(({ kernelSize }) => kernelSize === size);
    return withNorm!.knn - without!.knn;
  });
  const known = new Set(
    [...values, ...differences, ...gains].flatMap((value) => [
      `${value}`,
      ...[1, 2, 3].map((digits) => Math.abs(100 * value).toFixed(digits)),
    ]),
  );
  const decimals = slips.flatMap(({ note }) => note.match(/\d+\.\d+/g) ?? []);
  assertTrue(decimals.length > 50, `${decimals.length} numbers`);
  const unknown = decimals.filter((text) => !known.has(text) && !elsewhere.includes(text));
  assertEquals([...new Set(unknown)], []);
});
