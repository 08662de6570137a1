/** Table 3, §4.1: linear and k-NN accuracy on ImageNet-1K beside size and throughput. */
import { fraction, printed, type PrintedRow } from "lib/paper/printed.ts";

/** A row as printed; accuracies as fractions, null where the paper prints nothing. */
export interface Table3Row extends PrintedRow {
  /** Method of training, by the paper's abbreviation: `SCLR`, `DCv2`. */
  readonly method: string;
  /** Network, with its size: `RN50w4`. */
  readonly arch: string;
  /** Which of the paper's two panels. */
  readonly size: "big" | "small";
  /** Whether the paper's authors trained it; the others are quoted. */
  readonly ours: boolean;
  /** Millions of weights. */
  readonly millionParameters: number;
  /** Images per second on a V100 (quoted from DINO, or measured). */
  readonly throughputV100: number | null;
  /** Images per second on an A100, measured for Swin and BC-SSL only. */
  readonly throughputA100: number | null;
  /**
   * How many more images per second than the Swin of its size on an A100, a fraction; printed for
   * BC-SSL.
   */
  readonly speedUpA100: number | null;
  /** Top-1 of the linear probe. */
  readonly linear: number;
  /** Top-1 of the k-NN. */
  readonly knn: number | null;
}

type Cells = readonly [
  string,
  string,
  number,
  number | null,
  number | null,
  number,
  number | null,
  speedUpA100?: number,
];

const big: readonly Cells[] = [
  ["iGPT", "iGPT-XL", 6801, null, null, 72.0, null],
  ["SCLR", "RN50w4", 375, 117, null, 76.8, 69.3],
  ["SwAV", "RN50w5", 586, 76, null, 78.5, 67.1],
  ["BYOL", "RN50w4", 375, 117, null, 78.6, null],
  ["MoCo-v3", "ViT-H-BN/16", 632, 32, null, 79.1, null],
  ["SimCLR-v2", "RN152w2+SK", 354, null, null, 79.4, null],
  ["BYOL", "RN200w2", 250, 123, null, 79.6, 73.9],
];

const small: readonly Cells[] = [
  ["BYOL", "RN50", 23, 1237, null, 74.4, 64.8],
  ["MoBY", "Swin-T", 28, 758, 1326, 75.1, null],
  ["DCv2", "RN50", 23, 1237, null, 75.2, 67.1],
  ["SwAV", "RN50", 23, 1237, null, 75.3, 65.7],
  ["DINO", "RN50", 23, 1237, null, 75.3, 67.5],
  ["MoCo-v3", "ViT-B", 85, 312, null, 76.7, null],
  ["DINO", "ViT-S", 21, 1007, null, 77.0, 74.5],
  ["DINO", "Swin-T", 28, 758, 1326, 77.0, 74.2],
  ["DINO (Ours)", "BC-SSL-T", 29, 762, 1777, 77.8, 75.7, 34],
  ["DINO", "ViT-B", 85, 312, null, 78.2, 76.1],
  ["DINO", "Swin-S", 49, 437, 857, 79.2, 76.8],
  ["DINO (Ours)", "BC-SSL-S", 50, 442, 1197, 79.0, 76.6, 40],
];

function row(size: Table3Row["size"], cells: Cells): Omit<Table3Row, "source"> {
  const [method, arch, millionParameters, throughputV100, throughputA100, ...rest] = cells;
  const [linear, knn, speedUpA100] = rest;
  return {
    method: method.replace(" (Ours)", ""),
    arch,
    size,
    ours: method.includes("(Ours)"),
    millionParameters,
    throughputV100,
    throughputA100,
    speedUpA100: speedUpA100 === undefined ? null : fraction(speedUpA100),
    linear: fraction(linear),
    knn: knn === null ? null : fraction(knn),
  };
}

export const table3 = printed(
  {
    name: "Table 3",
    section: "§4.1",
    caption:
      "Self-supervised networks on ImageNet-1K: size, images a second on a V100 / an A100, " +
      "and top-1 by linear probe and k-NN, percent.",
  },
  [...big.map((cells) => row("big", cells)), ...small.map((cells) => row("small", cells))],
);
