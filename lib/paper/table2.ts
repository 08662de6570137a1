/** Table 2, §3.3: ConvNeXt-T with and without BatchNorm, over kernel sizes. */
import { fraction, paperKernelSizes, type Printed, type PrintedRow } from "lib/paper/printed.ts";

/**
 * One cell: the paper has a row with BatchNorm, a row without, and a column for each kernel size.
 */
export interface Table2Row extends PrintedRow {
  readonly arch: "ConvNeXt-T";
  /** Whether a BatchNorm follows each depthwise convolution. */
  readonly batchNorm: boolean;
  /** Side in pixels. */
  readonly kernelSize: number;
  /** Top-1 of the linear probe, a fraction. */
  readonly linear: number;
}

const [name, section] = ["Table 2", "§3.3"];
const without = [73.27, 73.82, 74.10, 74.52, 74.28];
const withBatchNorm = [74.04, 74.35, 74.48, 75.01, 74.47];

function row(percents: readonly number[], number: number, batchNorm: boolean): Table2Row[] {
  return percents.map((percent, i) => ({
    arch: "ConvNeXt-T",
    batchNorm,
    kernelSize: paperKernelSizes[i]!,
    linear: fraction(percent),
    source: `${section}, ${name}, row ${number}, ${paperKernelSizes[i]}×${paperKernelSizes[i]}`,
  }));
}

export const table2: Printed<Table2Row> = {
  name,
  section,
  caption: "Top-1 of a linear probe on ImageNet-1K after 100 epochs of DINO, percent.",
  rows: [...row(without, 1, false), ...row(withBatchNorm, 2, true)],
};
