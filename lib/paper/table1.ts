/** Table 1, §3.2: vanilla networks after 100 epochs of DINO, by linear probe and k-NN. */
import { fraction, printed, type PrintedRow } from "lib/paper/printed.ts";

/** A row as printed; accuracies as fractions. */
export interface Table1Row extends PrintedRow {
  readonly arch: "ResNet-50" | "ConvNeXt-T" | "ViT-S" | "Swin-T";
  /** Side in pixels; a transformer has none. */
  readonly kernelSize: number | null;
  /**
   * Millions of weights: ResNet-50 and ViT-S without a classifier, ConvNeXt-T with one of 1,000
   * classes.
   */
  readonly millionParameters: number;
  readonly linear: number;
  readonly knn: number;
}

const rows: readonly (readonly [Table1Row["arch"], number | null, number, number, number])[] = [
  ["ResNet-50", 3, 23, 67.14, 58.88],
  ["ConvNeXt-T", 3, 28, 73.27, 67.98],
  ["ConvNeXt-T", 5, 28, 73.82, 68.34],
  ["ConvNeXt-T", 7, 29, 74.10, 68.65],
  ["ViT-S", null, 21, 73.51, 68.77],
  ["Swin-T", null, 28, 74.98, 69.72],
];

export const table1 = printed(
  {
    name: "Table 1",
    section: "§3.2",
    caption: "Top-1 on ImageNet-1K by linear probe and k-NN after 100 epochs of DINO, percent.",
  },
  rows.map(([arch, kernelSize, millionParameters, linear, knn]) => ({
    arch,
    kernelSize,
    millionParameters,
    linear: fraction(linear),
    knn: fraction(knn),
  })),
);
