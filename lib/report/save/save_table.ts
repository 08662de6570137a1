/** Tables, shown in the notebook and written to `outputs/tables/` as CSV, Markdown and LaTeX. */
import { show } from "lib/report/notebook/jupyter.ts";
import { checkName, writeOutputs } from "lib/report/save/output_files.ts";
import {
  tableOf,
  type TableSource,
  toCsv,
  toHtml,
  toLatex,
  toMarkdown,
} from "lib/report/tables/table_formats.ts";

/**
 * Shows a table and writes it in three formats. Shown numbers have four digits; the CSV has all.
 *
 * @throws {RangeError} If the name cannot be a file's name, or there is no row.
 *
 * @example
 * ```ts
 * import { outputsFolder } from "lib/paths.ts";
 * import { saveTable } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * await saveTable("two_networks", [
 *   { network: "ConvNeXt", "k-NN (%)": 71.5 },
 *   { network: "BC-SSL", "k-NN (%)": 73.2 },
 * ]); // two_networks.csv, two_networks.md and two_networks.tex
 * const csv = await Deno.readTextFile(`${outputsFolder()}/tables/two_networks.csv`);
 * assertEquals(csv.trim().split("\n").length, 3);
 * ```
 */
export async function saveTable(name: string, source: TableSource): Promise<void> {
  checkName(name);
  const table = tableOf(source);
  if (table.rows.length === 0) throw new RangeError(`Cannot save table "${name}": it has no row`);
  await writeOutputs("tables", name, {
    csv: toCsv(table),
    md: toMarkdown(table),
    tex: toLatex(table),
  });
  await showTable(table);
}

/** Shows a table without writing it. */
export async function showTable(source: TableSource): Promise<void> {
  const table = tableOf(source);
  await show({ "text/html": toHtml(table), "text/plain": toMarkdown(table) });
}
