/** The form of every table and figure of the paper: its rows as printed, each with its place. */

/** A row, or a point of a figure. Accuracies are fractions. */
export interface PrintedRow {
  /** `§3.2, Table 1, row 4`; rows are counted below the heading, through all panels. */
  readonly source: string;
}

/** A table or a figure. */
export interface Printed<Row extends PrintedRow> {
  /** Name: `Table 1`. */
  readonly name: string;
  /** Section of the paper that discusses it. */
  readonly section: string;
  /** Caption in our words. */
  readonly caption: string;
  readonly rows: readonly Row[];
}

/** Adds its place to each row. */
export function printed<Row>(
  { name, section, caption }: Omit<Printed<PrintedRow>, "rows">,
  rows: readonly Row[],
): Printed<Row & PrintedRow> {
  const sourced = rows.map((row, i) => ({ ...row, source: `${section}, ${name}, row ${i + 1}` }));
  return { name, section, caption, rows: sourced };
}

/** A printed percentage as a fraction. */
export function fraction(percent: number): number {
  return percent / 100;
}

/** The kernel sizes that the paper compares, pixels a side (Table 2, Figure 2, Tables 4 and 5). */
export const paperKernelSizes = [3, 5, 7, 9, 15] as const;
