/** Tables: shown here, and written to `outputs/tables/` as CSV, Markdown and LaTeX. */
import { show } from "lib/report/kernel.ts";
import { checkName, writeOutputs } from "lib/report/output_files.ts";
import {
  type Table,
  tableOf,
  toCsv,
  toHtml,
  toLatex,
  toMarkdown,
} from "lib/report/table_formats.ts";

/** Rows as objects (column names are their keys), or a polars DataFrame. */
export type TableRows = readonly object[] | { toRecords(): object[] };

/**
 * Shows a table and writes it in three formats. Shown numbers have four digits; the CSV has all.
 *
 * @throws {RangeError} If the name cannot be a file's name, or there is no row.
 */
export async function saveTable(name: string, rows: TableRows): Promise<void> {
  checkName(name);
  const table = tableOf(rows);
  if (table.rows.length === 0) throw new RangeError(`Cannot save table "${name}": it has no row`);
  await writeOutputs("tables", name, {
    csv: toCsv(table),
    md: toMarkdown(table),
    tex: toLatex(table),
  });
  await showTable(table);
}

/** Shows a table without writing it. */
export async function showTable(table: Table): Promise<void> {
  await show({ "text/html": toHtml(table), "text/plain": toMarkdown(table) });
}
