/** One table as HTML, CSV, Markdown and LaTeX. */

/** Cells by row; a cell is text, a number, a list of numbers, or nothing. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** Columns are the keys of all rows, in the order in which they first appear. */
export function tableOf(source: readonly object[] | { toRecords(): object[] }): Table {
  const records = isFrame(source) ? source.toRecords() : source;
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const rows = records.map((record) =>
    columns.map((column) => (record as Record<string, unknown>)[column])
  );
  return { columns, rows };
}

/** A DataFrame is a proxy whose `in` knows only its columns. */
function isFrame(source: object): source is { toRecords(): object[] } {
  return typeof (source as { toRecords?: unknown }).toRecords === "function";
}

/** RFC 4180, numbers in full. */
export function toCsv({ columns, rows }: Table): string {
  const cell = (value: unknown) => {
    const text = value === null || value === undefined ? "" : list(value).map(String).join(" ");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => row.map(cell).join(",") + "\n").join("");
}

export function toMarkdown({ columns, rows }: Table): string {
  const cell = (value: unknown) => shown(value).replaceAll("|", "\\|").replaceAll(/\s*\n\s*/g, " ");
  const rule = columns.map((_, i) => isNumeric(rows, i) ? "---:" : "---");
  const lines = [columns.map(heading).map(cell), rule, ...rows.map((row) => row.map(cell))];
  return lines.map((line) => `| ${line.join(" | ")} |\n`).join("");
}

/** A `tabular` in the style of the booktabs package, to be put into a `table`. */
export function toLatex({ columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `${cells.map(escapeLatex).join(" & ")} \\\\\n`;
  const alignment = columns.map((_, i) => isNumeric(rows, i) ? "r" : "l").join("");
  return `\\begin{tabular}{${alignment}}\n\\toprule\n${line(columns.map(heading))}\\midrule\n` +
    rows.map((row) => line(row.map(shown))).join("") + `\\bottomrule\n\\end{tabular}\n`;
}

export function toHtml({ columns, rows }: Table): string {
  const cell = (tag: string, text: string, i: number) =>
    `<${tag} style="text-align:${isNumeric(rows, i) ? "right" : "left"}">${
      escapeHtml(text)
    }</${tag}>`;
  const line = (tag: string, texts: readonly string[]) =>
    `<tr>${texts.map((text, i) => cell(tag, text, i)).join("")}</tr>`;
  return `<table><thead>${line("th", columns.map(heading))}</thead>` +
    `<tbody>${rows.map((row) => line("td", row.map(shown))).join("")}</tbody></table>`;
}

/** `standardError` → `standard error`; anything that is not one camelCase word stays. */
function heading(column: string): string {
  if (!/^[a-z][a-zA-Z0-9]*$/.test(column)) return column;
  return column.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** What a person reads: numbers to four digits, nothing as a dash. */
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

function isNumeric(rows: Table["rows"], column: number): boolean {
  const values = rows.map((row) => row[column]).filter((v) => v !== null && v !== undefined);
  return values.length > 0 && values.every((v) => typeof v === "number" || typeof v === "bigint");
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
};

/** In one pass, so that what one replacement brings is not replaced again. */
function escapeLatex(text: string): string {
  return text.replace(/[\\~^±−×≥≤∞–<>|]|[&%$#_{}]/gu, (c) => latexNames[c] ?? `\\${c}`);
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
