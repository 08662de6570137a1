/**
 * The arms of the notebooks' comparisons: networks that differ in one thing, trained alike on the
 * same images.
 */
import { figure2, table1, table2 } from "lib/paper/mod.ts";
import { checkKernelSize } from "lib/nn/kernel_size.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { resNetConfig } from "lib/models/resnet/resnet_configs.ts";
import { swinConfig } from "lib/models/swin/swin_configs.ts";
import { vitConfig } from "lib/models/vit/vit_configs.ts";
import { override, type PretrainConfig, type ScaleName } from "./config.ts";
import { bcSslEmoji, bcSslStart } from "./notebook_runs.ts";
import { convNeXtRun, paperRuns } from "./paper_runs.ts";

/** One network of a comparison. */
export interface Arm {
  /** Family of the network; a BC-SSL is a `convnext` with BatchNorm. */
  readonly arch: "resnet" | "convnext" | "vit" | "swin";
  /**
   * Pixels a side of a ConvNeXt's depthwise convolutions, an odd number. Other networks have no
   * kernel to choose.
   */
  readonly kernelSize?: number;
  /**
   * Whether a BatchNorm follows each depthwise convolution of a ConvNeXt, which makes it BC-SSL.
   */
  readonly batchNorm?: boolean;
}

/** One of the two accuracies that the paper prints. */
type Metric = "linear" | "knn";

/** The properties of the arms of one architecture. To add an architecture, add one of these. */
interface ArmKind {
  /** Whether its arms have a kernel size, and may have a BatchNorm. */
  readonly hasKernel: boolean;
  /** The paper's name of its networks, without the size: `BC-SSL`. */
  readonly family: (arm: Arm) => string;
  /** The paper's own run of it: 100 epochs on ImageNet-1K. */
  readonly paperRun: (arm: Arm) => PretrainConfig;
  /**
   * The small network of that kind, with 0.6 to 0.7 million weights. A crop of 32 pixels gives a
   * first map of 8 × 8 positions. That of the ViT is 4 × 4, since every position of a ViT goes
   * through all weights, which makes a position expensive.
   */
  readonly small: (arm: Arm) => ModelConfig;
  /**
   * What the paper prints after 100 epochs (Tables 1 and 2, Figure 2), a fraction; `undefined`
   * where it prints nothing.
   */
  readonly printed: (arm: Arm, metric: Metric) => number | undefined;
}

const kinds: Readonly<Record<Arm["arch"], ArmKind>> = {
  resnet: {
    ...baseline("ResNet", "resnet50_100ep", "ResNet-50"),
    small: () => ({ ...resNetConfig(50), depths: [1, 1, 2, 1], dims: [16, 32, 64, 128] }),
  },
  convnext: {
    hasKernel: true,
    family: ({ batchNorm = false }) => batchNorm ? "BC-SSL" : "ConvNeXt",
    paperRun: ({ kernelSize, batchNorm = false }) => convNeXtRun(kernelSize!, batchNorm),
    small: ({ kernelSize, batchNorm = false }) =>
      override(bcSslStart.recipe.model, { kernelSize, batchNorm }),
    printed: printedConvNeXt,
  },
  vit: {
    ...baseline("ViT", "vit_s_100ep", "ViT-S"),
    small: () => ({ ...vitConfig("nano"), patchSize: 8, dropPathRate: 0 }),
  },
  swin: {
    ...baseline("Swin", "swin_t_100ep", "Swin-T"),
    small: () => ({ ...swinConfig("nano"), dropPathRate: 0 }),
  },
};

/**
 * A network of the paper's Table 1 without a kernel to choose.
 *
 * @param run The name of its run in `paperRuns`.
 * @param printedName Its name in the table.
 */
function baseline(family: string, run: string, printedName: string): Omit<ArmKind, "small"> {
  return {
    hasKernel: false,
    family: () => family,
    paperRun: () => paperRuns.find(({ config }) => config.name === run)!.config,
    printed: (_, metric) => table1.rows.find((row) => row.arch === printedName)?.[metric],
  };
}

function printedConvNeXt({ kernelSize, batchNorm = false }: Arm, metric: Metric) {
  if (metric === "linear") {
    return table2.rows.find((row) => row.kernelSize === kernelSize && row.batchNorm === batchNorm)
      ?.linear;
  }
  const name = batchNorm ? "BC-SSL-T" : "ConvNeXt-T";
  return figure2.rows.find((row) => row.kernelSize === kernelSize && row.arch === name)?.knn;
}

/**
 * Configs whose data the arms of a comparison are trained on at `smoke` and `laptop`. At `paper` it
 * is ImageNet-1K.
 */
export const armData = { emoji: bcSslEmoji, fashion: bcSslStart } as const;
/** Name of a data set that arms can be trained on at `smoke` and `laptop`. */
export type ArmData = keyof typeof armData;

/** The paper's name of an arm's network, without the size: `BC-SSL`, `ConvNeXt`, `Swin`. */
export function familyOfArm(arm: Arm): string {
  return kindOf(arm).family(arm);
}

/**
 * The name of an arm: `BC-SSL, 9×9`, or that of its family if it has no kernel size to choose.
 *
 * @example
 * ```ts
 * import { armName } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * assertEquals(armName({ arch: "convnext", kernelSize: 9, batchNorm: true }), "BC-SSL, 9×9");
 * assertEquals(armName({ arch: "swin" }), "Swin");
 * ```
 */
export function armName(arm: Arm): string {
  const family = familyOfArm(arm);
  const { kernelSize } = arm;
  return kernelSize === undefined ? family : `${family}, ${kernelSize}×${kernelSize}`;
}

/** The name of an arm's config, by which the command line knows it: `emoji_bcssl_k9`. */
function configName(arm: Arm, data: ArmData): string {
  const family = familyOfArm(arm).toLowerCase().replace("-", "");
  return [data, family, ...(arm.kernelSize ? [`k${arm.kernelSize}`] : [])].join("_");
}

/**
 * The config of an arm. At `paper` it is the paper's own recipe, 100 epochs on ImageNet-1K, even
 * for kernels that the paper did not try. The smaller scales train the small network of that kind
 * on small images.
 *
 * @throws {RangeError} If the architecture or the data are unknown, a ConvNeXt has no odd kernel
 *   size, or another network has one.
 * @throws {TypeError} If `batchNorm` is neither true nor false.
 */
export function armConfig(
  arm: Arm,
  { scale, data = "emoji" }: { readonly scale: ScaleName; readonly data?: ArmData },
): PretrainConfig {
  const kind = kindOf(arm);
  if (scale === "paper") return kind.paperRun(arm);
  if (!Object.hasOwn(armData, data)) {
    throw new RangeError(`Unknown data "${data}": use ${Object.keys(armData).join(", ")}`);
  }
  const { recipe } = armData[data];
  const base: PretrainConfig = { ...armData[data], recipe: { ...recipe, model: kind.small(arm) } };
  return override(base, { name: configName(arm, data), scales: { laptop: laptop[data] } });
}

/** Half as many epochs as the data's own configs have: 3,120 steps with either data. */
const laptop = {
  emoji: { epochs: 30, monitorEvery: 312 },
  fashion: { epochs: 10, monitorEvery: 312 },
} as const;

/**
 * The properties of an arm's architecture. It checks the arm, since notebook cells run without a
 * type check.
 *
 * @throws {RangeError | TypeError} For the reasons of {@linkcode armConfig}.
 */
function kindOf({ arch, kernelSize, batchNorm = false }: Arm): ArmKind {
  if (!Object.hasOwn(kinds, arch)) {
    throw new RangeError(`Unknown architecture "${arch}": use ${Object.keys(kinds).join(", ")}`);
  }
  if (typeof batchNorm !== "boolean") {
    const now = JSON.stringify(batchNorm);
    throw new TypeError(`Cannot build a ${arch}: batchNorm is ${now}, but must be true or false`);
  }
  const kind = kinds[arch];
  if (kind.hasKernel) checkKernelSize(`Cannot build a ${arch}`, kernelSize);
  else if (kernelSize !== undefined || batchNorm) {
    throw new RangeError(
      `Cannot choose kernels of a "${arch}", or put a BatchNorm behind them: ` +
        "only a convnext has depthwise convolutions",
    );
  }
  return kind;
}

/**
 * What the paper prints of an arm after 100 epochs (Tables 1 and 2, Figure 2), a fraction;
 * `undefined` where it prints nothing.
 */
export function printedOfArm(arm: Arm, metric: Metric): number | undefined {
  return kindOf(arm).printed(arm, metric);
}
