/** Figure 2, §3.3: k-NN accuracy against kernel size after 100 epochs. */
import { fraction, type Printed, type PrintedRow } from "lib/paper/printed.ts";

/**
 * A point. The figure is drawn without numbers: they are those of Table 1 where it has them, else
 * of the authors' plotting script.
 */
export interface Figure2Row extends PrintedRow {
  readonly arch: "ConvNeXt-T" | "BC-SSL-T" | "Swin-T";
  /** Side in pixels; Swin-T has windows of 7 patches and is drawn as a line across. */
  readonly kernelSize: number | null;
  /** Top-1 accuracy, a fraction. */
  readonly knn: number;
}

const [name, section] = ["Figure 2", "§3.3"];
const script = "plots/teaser.py of the authors' code";

const points: readonly (readonly [Figure2Row["arch"], number | null, number, string])[] = [
  ["ConvNeXt-T", 3, 67.98, "Table 1, row 2"],
  ["ConvNeXt-T", 5, 68.34, "Table 1, row 3"],
  ["ConvNeXt-T", 7, 68.654, script],
  ["ConvNeXt-T", 9, 69.688, script],
  ["ConvNeXt-T", 15, 69.398, script],
  ["BC-SSL-T", 3, 68.406, script],
  ["BC-SSL-T", 5, 68.798, script],
  ["BC-SSL-T", 7, 69.364, script],
  ["BC-SSL-T", 9, 70.324, script],
  ["BC-SSL-T", 15, 69.729, script],
  ["Swin-T", null, 69.72, "Table 1, row 6"],
];

export const figure2: Printed<Figure2Row> = {
  name,
  section,
  caption: "k-NN top-1 on ImageNet-1K after 100 epochs of DINO, by kernel size.",
  rows: points.map(([arch, kernelSize, percent, from]) => ({
    arch,
    kernelSize,
    knn: fraction(percent),
    source: `${section}, ${name}: ${from}`,
  })),
};
