/** The numbers that the paper prints, one file a table, as printed: its own slips are noted, not mended. */
export { table3, type Table3Row } from "lib/paper/table3.ts";
export { table5, type Table5Row } from "lib/paper/table5.ts";
