/**
 * Claims that the paper makes in words: what it quotes, beside what its own tables and figures give.
 */
import { figure2 } from "lib/paper/figure2.ts";
import { figure3 } from "lib/paper/figure3.ts";
import { paperKernelSizes } from "lib/paper/printed.ts";
import { table1 } from "lib/paper/table1.ts";
import { table2 } from "lib/paper/table2.ts";
import { table3 } from "lib/paper/table3.ts";
import { table4 } from "lib/paper/table4.ts";
import { table5 } from "lib/paper/table5.ts";

/** A claim, of the paper or one of our own. */
export interface Claim {
  /** The claim in our words. */
  readonly says: string;
  /**
   * Place of the claim, and the table and number it is about: `§3.2, Table 1, linear`. `ours` for a
   * claim that the paper does not make.
   */
  readonly source: string;
  /**
   * The number that the text quotes; null where it only says which is larger. A fraction, except
   * for ratios.
   */
  readonly quoted: number | null;
  /**
   * The same number from the table, above 0 where it supports the claim; null where the paper prints
   * none. For a trend: the difference from end to end.
   */
  readonly printed: number | null;
}

type KernelSize = typeof paperKernelSizes[number];

/** Finds the one row with all values of `wanted`. */
function only<Row extends object>(rows: readonly Row[], wanted: Partial<Row>): Row {
  const keys = Object.keys(wanted) as (keyof Row)[];
  const found = rows.filter((row) => keys.every((key) => row[key] === wanted[key]));
  if (found.length === 1) return found[0]!;
  throw new RangeError(`Cannot find the row ${JSON.stringify(wanted)}: ${found.length} match`);
}

function vanilla(arch: "ResNet-50" | "ConvNeXt-T" | "Swin-T", kernelSize: KernelSize | null) {
  return only(table1.rows, { arch, kernelSize });
}

function linear(kernelSize: KernelSize, { batchNorm }: { readonly batchNorm: boolean }): number {
  return only(table2.rows, { kernelSize, batchNorm }).linear;
}

function knn(arch: "ConvNeXt-T" | "BC-SSL-T", kernelSize: KernelSize): number {
  return only(figure2.rows, { arch, kernelSize }).knn;
}

function ofDino(arch: string) {
  return only(table3.rows, { method: "DINO", arch });
}

function coco(epochs: 100 | 300, kernelSize: KernelSize) {
  return only(table4.rows, { arch: "BC-SSL-T", epochs, kernelSize });
}

function robust(kernelSize: KernelSize) {
  return only(table5.rows, { arch: "BC-SSL-T", epochs: 100, kernelSize });
}

/** A claim about class activation maps, which the paper shows in pictures, without a number. */
function ofMaps(method: "Grad-CAM" | "Eigen-CAM", grows: string) {
  return {
    says: `${method}: with larger kernels ${grows}`,
    source: "§5.1, Table 6, in pictures",
    quoted: null,
    printed: null,
  } as const;
}

/** Mean over all kernel sizes. */
function overSizes(gain: (kernelSize: KernelSize) => number): number {
  return paperKernelSizes.reduce((sum, size) => sum + gain(size), 0) / paperKernelSizes.length;
}

/** The share of the training that follows the best k-NN. */
function shareAfterPeak(arch: "BC-SSL-T" | "Swin-T"): number {
  const curve = figure3.rows.filter((row) => row.arch === arch);
  const peak = curve.reduce((best, row) => row.knn > best.knn ? row : best).epoch;
  return 1 - peak / curve.at(-1)!.epoch;
}

const [tiny, small] = [ofDino("BC-SSL-T"), ofDino("BC-SSL-S")];
const [swinT, swinS, resNet] = [ofDino("Swin-T"), ofDino("Swin-S"), ofDino("RN50")];
const robustSwin = only(table5.rows, { arch: "Swin-T", epochs: 100 });
const cocoSwin = only(table4.rows, { method: "DINO", arch: "Swin-T" });

/** The claims by name, as notebooks ask for them. */
export const claims = {
  convNeXtAboveResNet: {
    says: "ConvNeXt-T with 3×3 kernels is above ResNet-50",
    source: "§3.2, Table 1, linear",
    quoted: 0.0613,
    printed: vanilla("ConvNeXt-T", 3).linear - vanilla("ResNet-50", 3).linear,
  },
  vanillaRises: {
    says: "ConvNeXt-T improves from 3×3 to 7×7",
    source: "§3.2, Table 1, linear",
    quoted: 0.0083,
    printed: vanilla("ConvNeXt-T", 7).linear - vanilla("ConvNeXt-T", 3).linear,
  },
  swinAboveVanilla: {
    says: "Swin-T is above ConvNeXt-T with 7×7 kernels",
    source: "§3.2, Table 1, linear",
    quoted: null,
    printed: vanilla("Swin-T", null).linear - vanilla("ConvNeXt-T", 7).linear,
  },
  batchNormHelps: {
    says: "BatchNorm after depthwise convolutions helps",
    source: "§3.3, Table 2, linear, mean over kernel sizes",
    quoted: null,
    printed: overSizes((k) => linear(k, { batchNorm: true }) - linear(k, { batchNorm: false })),
  },
  batchNormHelpsKnn: {
    says: "BatchNorm after depthwise convolutions helps",
    source: "§3.3, Figure 2, k-NN, mean over kernel sizes",
    quoted: 0.007,
    printed: overSizes((k) => knn("BC-SSL-T", k) - knn("ConvNeXt-T", k)),
  },
  rises3To9: {
    says: "With BatchNorm, accuracy rises from 3×3 to 9×9",
    source: "§3.3, Table 2, linear",
    quoted: null,
    printed: linear(9, { batchNorm: true }) - linear(3, { batchNorm: true }),
  },
  falls9To15: {
    says: "With BatchNorm, 9×9 is above 15×15",
    source: "§3.3, Table 2, linear",
    quoted: null,
    printed: linear(9, { batchNorm: true }) - linear(15, { batchNorm: true }),
  },
  rises3To9Knn: {
    says: "With BatchNorm, accuracy rises from 3×3 to 9×9",
    source: "§3.3, Figure 2, k-NN",
    quoted: null,
    printed: knn("BC-SSL-T", 9) - knn("BC-SSL-T", 3),
  },
  rises7To9Knn: {
    says: "With BatchNorm, 9×9 is above 7×7",
    source: "§3.3, Figure 2, k-NN",
    quoted: 0.0097,
    printed: knn("BC-SSL-T", 9) - knn("BC-SSL-T", 7),
  },
  bcSslAboveVanillaKnn: {
    says: "BC-SSL-T is above ConvNeXt-T with 7×7 kernels",
    source: "§3.3, Figure 2, k-NN",
    quoted: 0.0167,
    printed: knn("BC-SSL-T", 9) - knn("ConvNeXt-T", 7),
  },
  bcSslAboveSwinEarlyKnn: {
    says: "BC-SSL-T is above Swin-T after 100 epochs",
    source: "§3.3, Figure 2, k-NN",
    quoted: null,
    printed: knn("BC-SSL-T", 9) - vanilla("Swin-T", null).knn,
  },
  bcSslAboveResNet: {
    says: "BC-SSL-T is above ResNet-50 after the full training",
    source: "§4.1, Table 3, linear",
    quoted: 0.025,
    printed: tiny.linear - resNet.linear,
  },
  bcSslAboveResNetKnn: {
    says: "BC-SSL-T is above ResNet-50 after the full training",
    source: "§4.1, Table 3, k-NN",
    quoted: 0.082,
    printed: tiny.knn! - resNet.knn!,
  },
  bcSslAboveSwin: {
    says: "BC-SSL-T is above Swin-T after the full training",
    source: "§4.1, Table 3, linear",
    quoted: 0.008,
    printed: tiny.linear - swinT.linear,
  },
  bcSslAboveSwinKnn: {
    says: "BC-SSL-T is above Swin-T after the full training",
    source: "§4.1, Table 3, k-NN",
    quoted: 0.015,
    printed: tiny.knn! - swinT.knn!,
  },
  smallMatchesSwin: {
    says: "BC-SSL-S matches Swin-S",
    source: "§4.1, Table 3, linear",
    quoted: null,
    printed: small.linear - swinS.linear,
  },
  bcSslAboveMoCo: {
    says: "BC-SSL is above MoCo-v3",
    source: "§4.1, Table 3, linear, BC-SSL-S against ViT-B",
    quoted: 0.023,
    printed: small.linear - only(table3.rows, { method: "MoCo-v3", arch: "ViT-B" }).linear,
  },
  tinyFasterThanSwin: {
    says: "On an A100, BC-SSL-T is faster than Swin-T",
    source: "Table 3, a fraction of Swin's images a second",
    quoted: 0.34,
    printed: tiny.throughputA100! / swinT.throughputA100! - 1,
  },
  smallFasterThanSwin: {
    says: "On an A100, BC-SSL-S is faster than Swin-S",
    source: "§4.1, Table 3, a fraction of Swin's images a second",
    quoted: 0.4,
    printed: small.throughputA100! / swinS.throughputA100! - 1,
  },
  smallFasterThanResNets: {
    says: "On a V100, BC-SSL-S is faster than large ResNets",
    source: "§4.1, Table 3, how many times the images a second of RN50w5",
    quoted: 5.8,
    printed: small.throughputV100! / only(table3.rows, { arch: "RN50w5" }).throughputV100!,
  },
  cocoBoxRises: {
    says: "Detection improves from 3×3 to 9×9",
    source: "§4.2, Table 4, box AP",
    quoted: null,
    printed: coco(100, 9).boxAp - coco(100, 3).boxAp,
  },
  cocoMaskRises: {
    says: "Segmentation improves from 3×3 to 9×9",
    source: "§4.2, Table 4, mask AP",
    quoted: null,
    printed: coco(100, 9).maskAp - coco(100, 3).maskAp,
  },
  cocoBox50Rises: {
    says: "Detection improves from 3×3 to 9×9",
    source: "§4.2, Table 4, box AP50",
    quoted: null,
    printed: coco(100, 9).boxAp50 - coco(100, 3).boxAp50,
  },
  cocoMask50Rises: {
    says: "Segmentation improves from 3×3 to 9×9",
    source: "§4.2, Table 4, mask AP50",
    quoted: null,
    printed: coco(100, 9).maskAp50 - coco(100, 3).maskAp50,
  },
  cocoBoxAboveSwin: {
    says: "BC-SSL-T detects better than Swin-T",
    source: "§4.2, Table 4, box AP, 300 epochs",
    quoted: null,
    printed: coco(300, 9).boxAp - cocoSwin.boxAp,
  },
  cocoMaskAboveSwin: {
    says: "BC-SSL-T segments better than Swin-T",
    source: "§4.2, Table 4, mask AP, 300 epochs",
    quoted: null,
    printed: coco(300, 9).maskAp - cocoSwin.maskAp,
  },
  corruptionFalls: {
    says: "The corruption error falls from 3×3 to 15×15",
    source: "§4.3, Table 5, C",
    quoted: null,
    printed: robust(3).corruption - robust(15).corruption,
  },
  sketchRises: {
    says: "Accuracy on sketches rises from 3×3 to 15×15",
    source: "§4.3, Table 5, SK",
    quoted: null,
    printed: robust(15).sketch - robust(3).sketch,
  },
  renditionRises: {
    says: "Accuracy on renditions rises from 3×3 to 15×15",
    source: "§4.3, Table 5, R",
    quoted: null,
    printed: robust(15).rendition - robust(3).rendition,
  },
  adversarialRises: {
    says: "Accuracy on adversarial pictures rises from 3×3 to 15×15",
    source: "§4.3, Table 5, A",
    quoted: null,
    printed: robust(15).adversarial - robust(3).adversarial,
  },
  corruptionBelowSwin: {
    says: "BC-SSL-T with 9×9 kernels has a lower corruption error than Swin-T",
    source: "§4.3, Table 5, C",
    quoted: null,
    printed: robustSwin.corruption - robust(9).corruption,
  },
  sketchAboveSwin: {
    says: "BC-SSL-T with 9×9 kernels is above Swin-T on sketches",
    source: "§4.3, Table 5, SK",
    quoted: null,
    printed: robust(9).sketch - robustSwin.sketch,
  },
  renditionAboveSwin: {
    says: "BC-SSL-T with 9×9 kernels is above Swin-T on renditions",
    source: "§4.3, Table 5, R",
    quoted: null,
    printed: robust(9).rendition - robustSwin.rendition,
  },
  adversarialAboveSwin: {
    says: "BC-SSL-T with 9×9 kernels is above Swin-T on adversarial pictures",
    source: "§4.3, Table 5, A",
    quoted: null,
    printed: robust(9).adversarial - robustSwin.adversarial,
  },
  gradCamHotArea: ofMaps("Grad-CAM", "more of the image is hot"),
  gradCamCovered: ofMaps("Grad-CAM", "more of the object is hot"),
  gradCamIou: ofMaps("Grad-CAM", "the hot part and the object agree better (IoU)"),
  eigenCamHotArea: ofMaps("Eigen-CAM", "more of the image is hot"),
  eigenCamCovered: ofMaps("Eigen-CAM", "more of the object is hot"),
  eigenCamIou: ofMaps("Eigen-CAM", "the hot part and the object agree better (IoU)"),
  peakOfBcSsl: {
    says: "BC-SSL-T's k-NN peaks before the end",
    source: "§A.1, Figure 3, share of the epochs after the peak",
    quoted: 0.1333, // epoch 260 of 300
    printed: shareAfterPeak("BC-SSL-T"),
  },
  peakOfSwin: {
    says: "Swin-T's k-NN peaks before the end",
    source: "§A.1, Figure 3, share of the epochs after the peak",
    quoted: 0.1333, // epoch 260 of 300
    printed: shareAfterPeak("Swin-T"),
  },
} as const satisfies Readonly<Record<string, Claim>>;
