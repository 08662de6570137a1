/** The paper's tables in its own layout, with remarks on their errors below. */
import {
  type Printed,
  type PrintedRow,
  slipsOf,
  table1,
  table2,
  table3,
  table4,
  table5,
  table6,
} from "lib/paper/mod.ts";
import type { Table } from "lib/report/tables/table_formats.ts";
import { printedPercent } from "./percent.ts";

/**
 * Lines to print: `of` is the row of `lib/paper`, counted from 1, or 0 where one line shows several
 * rows.
 */
type Lines = readonly (string | { readonly of: number; readonly cells: readonly unknown[] })[];

const costs3 = ["#Parameters (M) ↓", "Throughput (images/s), V100/A100 ↑"];
const precisions = ["box", "mask"].flatMap((of) =>
  ["AP", "AP50", "AP75"].map((ap) => `${of} ${ap}`)
);
const scores5 = ["FLOPs (G) / #Param. (M) ↓", "Clean (linear) ↑", "Clean (k-NN) ↑", "C ↓"]
  .concat(["SK ↑", "R ↑", "A ↑"]);

const layouts = {
  1: () => layOut(table1, ["Model", "Kernel size", "Param (M)", "Linear", "k-NN"], lines1()),
  2: () => layOut(table2, ["Model", ...sizes().map(square)], lines2()),
  3: () => layOut(table3, ["Method", "Architecture", ...costs3, "Linear ↑", "k-NN ↑"], lines3()),
  4: () => layOut(table4, ["Method", "Architecture", "Kernel size", ...precisions], lines4()),
  5: () => layOut(table5, ["Method", "Architecture", "Kernel size", ...scores5], lines5()),
  6: () => layOut(table6, ["Network", "Layer whose activations are drawn"], lines6()),
};

/**
 * A table of the paper in its own layout, for `showTable` and `saveTable`: percent, with the digits
 * printed. Table 6 lists whose heat maps are shown. Errors in a row, and what a reader should know
 * of it, stand below the table under a mark.
 *
 * @example
 * ```ts
 * import { paperTable, saveTable } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const table = paperTable(2); // accuracy by kernel size, with and without BatchNorm
 * assertEquals(table.rows.length, 2);
 * await saveTable("paper_table2", table);
 * ```
 */
export function paperTable(number: 1 | 2 | 3 | 4 | 5 | 6): Table {
  return layouts[number]();
}

function layOut(
  { name, section, caption }: Printed<PrintedRow>,
  columns: readonly string[],
  lines: Lines,
): Table {
  const marked = slipsOf(name).filter(({ rows }) => rows !== undefined);
  const whole = slipsOf(name).filter(({ rows }) => rows === undefined);
  const marksOf = (row: number) =>
    marked.flatMap(({ rows }, i) => rows!.includes(row) ? [` ${superscript(i + 1)}`] : []).join("");
  const rows = lines.map((line) => {
    if (typeof line === "string") return line;
    const [first, ...others] = line.cells;
    return [`${first}${marksOf(line.of)}`, ...others];
  });
  const notes = [
    [`${name}, ${section}. ${caption}`, ...whole.map(({ note }) => note)].join(" "),
    ...marked.map(({ note }, i) => `${superscript(i + 1)} ${note}`),
  ];
  return { columns, rows, notes };
}

function lines1(): Lines {
  return table1.rows.map((row, i) => ({
    of: i + 1,
    cells: [
      row.arch,
      square(row.kernelSize),
      row.millionParameters,
      printedPercent(row.linear, 2),
      printedPercent(row.knn, 2),
    ],
  }));
}

function sizes(): number[] {
  return [...new Set(table2.rows.map(({ kernelSize }) => kernelSize))];
}

function lines2(): Lines {
  return [false, true].map((batchNorm) => {
    const rows = table2.rows.filter((row) => row.batchNorm === batchNorm);
    const model = `ConvNeXt-T ${batchNorm ? "w/" : "w/o"} BN`;
    return { of: 0, cells: [model, ...rows.map(({ linear }) => printedPercent(linear, 2))] };
  });
}

function lines3(): Lines {
  return inPanels(
    table3.rows,
    ({ size }) => `SoTA SSL with ${capital(size)} Model Sizes`,
    (row) => {
      const { method, arch, ours, millionParameters, throughputV100, linear, knn } = row;
      const faster = row.speedUpA100 === null ? "" : ` (+${printedPercent(row.speedUpA100, 0)} %)`;
      const throughput = row.throughputA100 === null
        ? throughputV100
        : `${throughputV100}/${row.throughputA100}${faster}`;
      const accuracies = [printedPercent(linear, 1), printedPercent(knn, 1)];
      return [
        ours ? `${method} (Ours)` : method,
        arch,
        millionParameters,
        throughput,
        ...accuracies,
      ];
    },
  );
}

function lines4(): Lines {
  const panel = ({ method, epochs }: typeof table4.rows[number]) =>
    method === "Supervised" ? "300-epoch supervised learning" : pretraining({ epochs });
  return inPanels(table4.rows, panel, (row) => [
    row.method,
    row.arch,
    square(row.kernelSize),
    ...[row.boxAp, row.boxAp50, row.boxAp75, row.maskAp, row.maskAp50, row.maskAp75]
      .map((value) => printedPercent(value, 1)),
  ]);
}

function lines5(): Lines {
  return inPanels(table5.rows, pretraining, (row) => [
    row.method,
    row.arch,
    square(row.kernelSize),
    `${row.gigaFlops?.toFixed(1) ?? "–"} / ${row.millionParameters}`,
    ...[row.linear, row.knn].map((value) => printedPercent(value, 1)),
    ...[row.corruption, row.sketch, row.rendition, row.adversarial]
      .map((value) => printedPercent(value, 2)),
  ]);
}

function lines6(): Lines {
  return table6.rows.map(({ label, layer }, i) => ({ of: i + 1, cells: [label, layer] }));
}

/** Lines with a heading wherever the panel changes. */
function inPanels<Row>(
  rows: readonly Row[],
  panelOf: (row: Row) => string,
  cellsOf: (row: Row) => readonly unknown[],
): Lines {
  return rows.flatMap((row, i) => {
    const panel = panelOf(row);
    const line = { of: i + 1, cells: cellsOf(row) };
    return i > 0 && panelOf(rows[i - 1]!) === panel ? [line] : [panel, line];
  });
}

function pretraining({ epochs }: { readonly epochs: number }): string {
  return `${epochs}-epoch SSL pre-training`;
}

function square(kernelSize: number | null): string {
  return kernelSize === null ? "–" : `${kernelSize}×${kernelSize}`;
}

function capital(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1);
}

function superscript(number: number): string {
  return String(number).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]!);
}
