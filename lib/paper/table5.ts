/** Table 5, §4.3: robustness of linear probes on ImageNet-1K, with each network's cost. */
import { fraction, printed, type PrintedRow } from "lib/paper/printed.ts";

/** A row as printed; accuracies and errors as fractions, null where the paper prints nothing. */
export interface Table5Row extends PrintedRow {
  /** Name of the method of pre-training. */
  readonly method: "DINO";
  /** Name of the network. */
  readonly arch: "ResNet-50" | "ViT-S" | "Swin-T" | "BC-SSL-T";
  /** Epochs of pre-training. */
  readonly epochs: 100 | 300;
  /** Side in pixels. */
  readonly kernelSize: number | null;
  /** Billions of multiply–adds for one image of 224 pixels a side. */
  readonly gigaFlops: number | null;
  /**
   * Millions of weights: ResNet-50 and ViT-S without a classifier, the others with one of 1,000
   * classes.
   */
  readonly millionParameters: number;
  /** Accuracy of the linear probe on ImageNet-1K. */
  readonly linear: number;
  /** Accuracy of the k-NN on ImageNet-1K. */
  readonly knn: number;
  /** Mean corruption error on ImageNet-C; lower is better. */
  readonly corruption: number;
  /** Accuracy on ImageNet-Sketch. */
  readonly sketch: number;
  /** Accuracy on ImageNet-R. */
  readonly rendition: number;
  /** Accuracy on ImageNet-A. */
  readonly adversarial: number;
}

type Six = [number, number, number, number, number, number];

type Cells = readonly [
  Table5Row["arch"],
  number | null,
  number | null,
  number,
  ...Six,
];

function row(epochs: Table5Row["epochs"], cells: Cells): Omit<Table5Row, "source"> {
  const [arch, kernelSize, gigaFlops, millionParameters, ...percents] = cells;
  const [linear, knn, corruption, sketch, rendition, adversarial] = percents.map(fraction) as Six;
  const cost = { kernelSize, gigaFlops, millionParameters };
  const scores = { linear, knn, corruption, sketch, rendition, adversarial };
  return { method: "DINO", arch, epochs, ...cost, ...scores };
}

const after100: readonly Cells[] = [
  ["ResNet-50", 3, 4.1, 23, 67.1, 58.9, 71.85, 14.77, 15.02, 0.76],
  ["ViT-S", null, 4.6, 21, 73.5, 68.8, 59.57, 20.08, 21.89, 3.04],
  ["Swin-T", null, 4.5, 28, 75.0, 69.7, 61.86, 20.16, 20.18, 3.49],
  ["BC-SSL-T", 3, 4.4, 28, 74.0, 68.4, 61.82, 23.18, 21.60, 3.80],
  ["BC-SSL-T", 5, 4.4, 28, 74.4, 68.8, 61.48, 23.45, 22.92, 4.75],
  ["BC-SSL-T", 7, 4.5, 29, 74.5, 69.4, 60.40, 24.55, 22.92, 4.74],
  ["BC-SSL-T", 9, null, 29, 75.0, 70.3, 59.39, 24.55, 22.79, 4.66],
  ["BC-SSL-T", 15, 4.8, 30, 74.5, 69.7, 58.80, 25.33, 23.25, 5.31],
];

const after300: readonly Cells[] = [
  ["ResNet-50", 3, 4.1, 23, 75.3, 67.5, 70.28, 14.24, 14.4, 0.88],
  ["Swin-T", null, 4.5, 28, 77.0, 74.2, 59.39, 21.96, 21.18, 5.34],
  ["BC-SSL-T", 9, 4.5, 29, 77.8, 75.7, 57.44, 25.32, 23.82, 5.72],
];

export const table5 = printed(
  {
    name: "Table 5",
    section: "§4.3",
    caption: "Linear probes under shifts of distribution: top-1 on ImageNet-1K, mean corruption " +
      "error on ImageNet-C, and top-1 on Sketch, R and A, percent.",
  },
  [...after100.map((cells) => row(100, cells)), ...after300.map((cells) => row(300, cells))],
);
