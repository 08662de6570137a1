/** Figure 3, §A.1: the k-NN monitor of three networks over 300 epochs of DINO. */
import { fraction, type Printed, type PrintedRow } from "lib/paper/printed.ts";

/** A point. The figure is drawn without numbers: they are those of the authors' plotting script. */
export interface Figure3Row extends PrintedRow {
  readonly arch: "BC-SSL-T" | "Swin-T" | "ViT-S";
  /** Epoch of pre-training, of 300. */
  readonly epoch: number;
  /** Top-1 accuracy, a fraction. */
  readonly knn: number;
}

const [name, section] = ["Figure 3", "§A.1"];
const [firstEpoch, everyEpochs] = [100, 20];

// deno-fmt-ignore -- a curve a line
const curves: readonly (readonly [Figure3Row["arch"], readonly number[]])[] = [
  ["BC-SSL-T", [72.378, 73.028, 73.532, 73.947, 74.432, 75.046, 75.346, 75.704, 75.71, 75.334, 75.128]],
  ["Swin-T", [70.398, 70.924, 71.248, 71.752, 72.276, 72.782, 73.550, 73.944, 74.022, 73.812, 73.752]],
  ["ViT-S", [68.876, 69.322, 69.636, 70.004, 70.326, 71.182, 71.834, 72.492, 73.122, 73.438, 74.408]],
];

export const figure3: Printed<Figure3Row> = {
  name,
  section,
  caption: "k-NN top-1 on ImageNet-1K through 300 epochs of DINO, every 20 epochs.",
  rows: curves.flatMap(([arch, percents]) =>
    percents.map((percent, i) => ({
      arch,
      epoch: firstEpoch + everyEpochs * i,
      knn: fraction(percent),
      source: `${section}, ${name}: plots/KNN_monitor.py of the authors' code`,
    }))
  ),
};
