/** A table as HTML, CSV, Markdown and LaTeX. */
import { escapeText } from "lib/report/draw/text.ts";

/** Columns and cells; a cell is text, a number, a list of numbers, or nothing. */
export interface Table {
  /** Names of the columns. */
  readonly columns: readonly string[];
  /**
   * Rows of cells. A row that is only text stands across all columns, as a heading of the rows
   * after it.
   */
  readonly rows: readonly (readonly unknown[] | string)[];
  /** Lines below the table; the CSV leaves them out. */
  readonly notes?: readonly string[];
}

/**
 * Anything that can be a table: rows as objects, whose keys are columns in the order in which they
 * first appear; a polars DataFrame; or a table.
 */
export type TableSource = readonly object[] | { toRecords(): object[] } | Table;

export function tableOf(source: TableSource): Table {
  if (isTable(source)) return source;
  const records = isFrame(source) ? source.toRecords() : source;
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const rows = records.map((record) =>
    columns.map((column) => (record as Record<string, unknown>)[column])
  );
  return { columns, rows };
}

function isTable(source: TableSource): source is Table {
  return !Array.isArray(source) && !isFrame(source) && "rows" in source;
}

/** Whether rows are a polars DataFrame. It is a proxy whose `in` knows only its columns. */
function isFrame(source: object): source is { toRecords(): object[] } {
  return typeof (source as { toRecords?: unknown }).toRecords === "function";
}

/** The table as CSV (RFC 4180), with all digits. */
export function toCsv({ columns, rows }: Table): string {
  const cell = (value: unknown) => {
    const text = value === null || value === undefined ? "" : list(value).map(String).join(" ");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const across = (text: string) => columns.map((_, i) => i === 0 ? text : undefined);
  const lines = [columns, ...rows.map((row) => typeof row === "string" ? across(row) : row)];
  return lines.map((line) => line.map(cell).join(",") + "\n").join("");
}

/**
 * Joins numbers and their standard errors into one column, `24.1 ± 1.1`, with as many decimals as
 * show the error to two digits. A column of standard errors is one whose name ends in `± s.e.`; it
 * follows the column that it belongs to.
 */
export function withErrors(table: Table): Table {
  const isError = table.columns.map((name, i) =>
    i > 0 && name.endsWith("± s.e.") && isNumeric(table.rows, i - 1)
  );
  const join = <T>(cells: readonly T[], joined: (value: T, error: T) => T) =>
    cells.flatMap((cell, i) => {
      if (isError[i]) return [];
      return [isError[i + 1] ? joined(cell, cells[i + 1]!) : cell];
    });
  return {
    ...table,
    columns: join(table.columns, (name) => heading(name).replace(/( \([^)]*\))?$/, " ± s.e.$1")),
    rows: table.rows.map((row) => typeof row === "string" ? row : join<unknown>(row, withError)),
  };
}

function withError(value: unknown, error: unknown): unknown {
  if (typeof value !== "number" || typeof error !== "number" || !Number.isFinite(error)) {
    return value;
  }
  if (error === 0) return `${shown(value)} ± 0`;
  const digits = Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(error))));
  return `${value.toFixed(digits)} ± ${error.toFixed(digits)}`.replace(/^-/, "−");
}

export function toMarkdown(table: Table): string {
  const { columns, rows, notes = [] } = withErrors(table);
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll(/\s*\n\s*/g, " ");
  const rule = columns.map((_, i) => isNumeric(rows, i) ? "---:" : "---");
  const across = (text: string) => columns.map((_, i) => i === 0 ? `**${cell(text)}**` : "");
  const lines = [
    columns.map(heading).map(cell),
    rule,
    ...rows.map((row) => typeof row === "string" ? across(row) : row.map(shown).map(cell)),
  ];
  return lines.map((line) => `| ${line.join(" | ")} |\n`).join("") +
    notes.map((note) => `\n${note}\n`).join("");
}

/**
 * The table as a LaTeX `tabular` in the style of the booktabs package, for use inside a `table`.
 */
export function toLatex(table: Table): string {
  const { columns, rows, notes = [] } = withErrors(table);
  const line = (cells: readonly string[]) => `${cells.map(escapeLatex).join(" & ")} \\\\\n`;
  const across = (text: string) =>
    `\\midrule\n\\multicolumn{${columns.length}}{l}{\\emph{${escapeLatex(text)}}} \\\\\n`;
  const alignment = columns.map((_, i) => isNumeric(rows, i) ? "r" : "l").join("");
  const body = rows.map((row) => typeof row === "string" ? across(row) : line(row.map(shown)));
  return `\\begin{tabular}{${alignment}}\n\\toprule\n${line(columns.map(heading))}\\midrule\n` +
    `${body.join("").replace(/^\\midrule\n/, "")}\\bottomrule\n\\end{tabular}\n` +
    notes.map((note) => `\\par{\\footnotesize ${escapeLatex(note)}}\n`).join("");
}

/** Columns that say how the numbers were obtained. */
const circumstances = ["n", "data", "scale", "seeds", "engine"];

/** Moves such columns below the table where all rows have the same value. */
function withSharedBelow({ columns, rows, notes = [] }: Table): Table {
  const values = rows.filter((row) => typeof row !== "string");
  const isShared = columns.map((name, i) =>
    values.length > 1 && circumstances.includes(name) &&
    values.every((row) => shown(row[i]) === shown(values[0]![i]))
  );
  const own = <T>(cells: readonly T[]) => cells.filter((_, i) => !isShared[i]);
  const shared = columns.flatMap((name, i) =>
    isShared[i] ? `${name}: ${shown(values[0]![i])}` : []
  );
  return {
    columns: own(columns),
    rows: rows.map((row) => typeof row === "string" ? row : own(row)),
    notes: [...(shared.length > 0 ? [`All rows: ${shared.join("; ")}.`] : []), ...notes],
  };
}

/** The table as HTML, as narrow as possible; ids of runs unfold on a click. */
export function toHtml(table: Table): string {
  const { columns, rows, notes = [] } = withSharedBelow(withErrors(table));
  const left = 'style="text-align:left"';
  const folded = (tag: string, text: string, i: number) =>
    tag === "td" && columns[i] === "runs" && text.includes(", ")
      ? `<details><summary>${text.split(", ").length}</summary>${escapeText(text)}</details>`
      : escapeText(text);
  const cell = (tag: string, text: string, i: number) =>
    `<${tag} style="text-align:${isNumeric(rows, i) ? "right" : "left"}">${
      folded(tag, text, i).replace("± ", "±&nbsp;")
    }</${tag}>`;
  const line = (tag: string, texts: readonly string[]) =>
    `<tr>${texts.map((text, i) => cell(tag, text, i)).join("")}</tr>`;
  const across = (tag: string, text: string) =>
    `<tr><${tag} colspan="${columns.length}" ${left}>${escapeText(text)}</${tag}></tr>`;
  const body = rows.map((row) =>
    typeof row === "string" ? across("th", row) : line("td", row.map(shown))
  );
  const foot = notes.map((note) => across("td", note)).join("");
  return `<table><thead>${line("th", columns.map(heading))}</thead>` +
    `<tbody>${body.join("")}</tbody>${foot && `<tfoot>${foot}</tfoot>`}</table>`;
}

/**
 * Heading of a column: `standardError` → `standard error`; anything that is not one camelCase word
 * stays.
 */
function heading(column: string): string {
  if (!/^[a-z][a-zA-Z0-9]*$/.test(column)) return column;
  return column.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** A cell as text: numbers to four digits, a dash for nothing. */
function shown(value: unknown): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (Array.isArray(value)) return value.map(shown).join(", ");
  if (typeof value !== "number") return String(value);
  if (value === Infinity || value === -Infinity) return value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value)) return String(value);
  const text = String(Number(value.toPrecision(4)));
  return text.replace(/^-/, "−");
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** Whether a cell is a number, or a number as text, as printed or with its error. */
function isNumber(value: unknown): boolean {
  if (typeof value === "string") return /^[−-]?\d+(\.\d+)?( ± \d+(\.\d+)?)?$/.test(value);
  return typeof value === "number" || typeof value === "bigint";
}

function isNumeric(rows: Table["rows"], column: number): boolean {
  const values = rows.filter((row) => typeof row !== "string").map((row) => row[column])
    .filter((value) => value !== null && value !== undefined);
  return values.length > 0 && values.every(isNumber);
}

const latexNames: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "±": "$\\pm$",
  "−": "$-$",
  "×": "$\\times$",
  "≥": "$\\geq$",
  "≤": "$\\leq$",
  "∞": "$\\infty$",
  "–": "--",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "|": "\\textbar{}",
  "↑": "$\\uparrow$",
  "↓": "$\\downarrow$",
  "§": "\\S{}",
  ...Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].map((mark, digit) => [mark, `$^{${digit}}$`])),
};

/**
 * Escapes all characters in one pass, so that the result of one replacement is not replaced again.
 */
function escapeLatex(text: string): string {
  return text.replace(
    /[\\~^±−×≥≤∞–<>|↑↓§⁰¹²³⁴⁵⁶⁷⁸⁹]|[&%$#_{}]/gu,
    (c) => latexNames[c] ?? `\\${c}`,
  );
}
