/**
 * The paper's numbers: its tables and the values of its figures, as printed, each with its place in
 * the paper. Errors of the paper are noted, not corrected.
 */
export { type Claim, claims } from "lib/paper/claims.ts";
export { figure2, type Figure2Row } from "lib/paper/figure2.ts";
export { figure3, type Figure3Row } from "lib/paper/figure3.ts";
export { paperKernelSizes, type Printed, type PrintedRow } from "lib/paper/printed.ts";
export { type Slip, slips, slipsOf } from "lib/paper/slips.ts";
export { table1, type Table1Row } from "lib/paper/table1.ts";
export { table2, type Table2Row } from "lib/paper/table2.ts";
export { table3, type Table3Row } from "lib/paper/table3.ts";
export { table4, type Table4Row } from "lib/paper/table4.ts";
export { table5, type Table5Row } from "lib/paper/table5.ts";
export { table6, type Table6Row } from "lib/paper/table6.ts";
