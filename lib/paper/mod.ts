/** The numbers that the paper prints, one file a table, as printed: its own slips are noted, not mended. */
export type { Printed, PrintedRow } from "lib/paper/printed.ts";
export { table1, type Table1Row } from "lib/paper/table1.ts";
export { table2, type Table2Row } from "lib/paper/table2.ts";
export { table3, type Table3Row } from "lib/paper/table3.ts";
export { table5, type Table5Row } from "lib/paper/table5.ts";
