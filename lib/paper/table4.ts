/** Table 4, §4.2: Mask R-CNN on MS COCO after 36 epochs of fine-tuning. */
import { fraction, printed, type PrintedRow } from "lib/paper/printed.ts";

/** A row as printed; average precisions as fractions. */
export interface Table4Row extends PrintedRow {
  readonly method: "Supervised" | "DINO" | "EsViT";
  readonly arch: "Swin-T" | "ConvNeXt-T" | "BC-SSL-T";
  /** Whether the paper's authors trained it; the others are quoted. */
  readonly ours: boolean;
  /** Epochs of pre-training on ImageNet-1K. */
  readonly epochs: 100 | 300;
  /** Side in pixels; a transformer has none. */
  readonly kernelSize: number | null;
  readonly boxAp: number;
  readonly boxAp50: number;
  readonly boxAp75: number;
  readonly maskAp: number;
  readonly maskAp50: number;
  readonly maskAp75: number;
}

type Six = [number, number, number, number, number, number];

type Cells = readonly [Table4Row["method"], Table4Row["arch"], number | null, ...Six];

function row(epochs: Table4Row["epochs"], cells: Cells): Omit<Table4Row, "source"> {
  const [method, arch, kernelSize, ...percents] = cells;
  const [boxAp, boxAp50, boxAp75, maskAp, maskAp50, maskAp75] = percents.map(fraction) as Six;
  const precisions = { boxAp, boxAp50, boxAp75, maskAp, maskAp50, maskAp75 };
  return { method, arch, ours: arch === "BC-SSL-T", epochs, kernelSize, ...precisions };
}

const supervised: readonly Cells[] = [
  ["Supervised", "Swin-T", null, 46.0, 68.1, 50.3, 41.6, 65.1, 44.9],
  ["Supervised", "ConvNeXt-T", 7, 46.2, 67.9, 50.8, 41.7, 65.0, 44.9],
];

const after100: readonly Cells[] = [
  ["DINO", "BC-SSL-T", 3, 45.0, 66.3, 49.6, 40.5, 63.5, 43.6],
  ["DINO", "BC-SSL-T", 5, 45.9, 67.3, 50.6, 41.1, 64.3, 44.3],
  ["DINO", "BC-SSL-T", 7, 46.1, 67.4, 50.8, 41.2, 64.5, 44.2],
  ["DINO", "BC-SSL-T", 9, 46.3, 67.6, 51.0, 41.3, 64.7, 44.4],
];

const after300: readonly Cells[] = [
  ["DINO", "Swin-T", null, 46.2, 67.9, 50.5, 41.7, 64.8, 45.1],
  ["EsViT", "Swin-T", null, 46.2, 68.0, 50.6, 41.6, 64.9, 44.8],
  ["DINO", "BC-SSL-T", 9, 46.6, 68.1, 51.3, 41.6, 65.0, 44.5],
];

export const table4 = printed(
  {
    name: "Table 4",
    section: "§4.2",
    caption: "Average precision of Mask R-CNN on MS COCO, boxes and masks, percent.",
  },
  [
    ...supervised.map((cells) => row(300, cells)),
    ...after100.map((cells) => row(100, cells)),
    ...after300.map((cells) => row(300, cells)),
  ],
);
