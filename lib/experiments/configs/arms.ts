/**
 * The arms of the notebooks' comparisons: networks that differ in one thing, trained alike on the
 * same images.
 */
import { figure2, table1, table2 } from "lib/paper/mod.ts";
import { checkKernelSize } from "lib/nn/kernel_size.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { repLKNetConfig } from "lib/models/replknet/replknet_configs.ts";
import { resNetConfig } from "lib/models/resnet/resnet_configs.ts";
import { sLaKConfig } from "lib/models/slak/slak_configs.ts";
import { swinConfig } from "lib/models/swin/swin_configs.ts";
import { vitConfig } from "lib/models/vit/vit_configs.ts";
import type { DinoRecipe } from "lib/ssl/dino/recipe.ts";
import { override, type PretrainConfig, type Scale, type ScaleName } from "./config.ts";
import { bcSslEmoji, bcSslFineEmoji, bcSslFineStart, bcSslStart } from "./notebook_runs.ts";
import { convNeXtRun, paperRuns } from "./paper_runs.ts";

/** One network of a comparison. */
export interface Arm {
  /** Family of the network; a BC-SSL is a `convnext` with BatchNorm. */
  readonly arch: "resnet" | "convnext" | "vit" | "swin" | "replknet" | "slak";
  /**
   * Pixels a side of a ConvNeXt's depthwise convolutions, an odd number. Other networks have no
   * kernel to choose.
   */
  readonly kernelSize?: number;
  /**
   * Whether a BatchNorm follows each depthwise convolution of a ConvNeXt, which makes it BC-SSL.
   */
  readonly batchNorm?: boolean;
  /** With `bn`, a transformer has a BatchNorm before each perceptron, in place of a LayerNorm. */
  readonly normBeforeMlp?: "bn";
}

/** One of the two accuracies that the paper prints. */
type Metric = "linear" | "knn";

/** The properties of the arms of one architecture. To add an architecture, add one of these. */
interface ArmKind {
  /** Whether its arms have a kernel size, and may have a BatchNorm. */
  readonly hasKernel: boolean;
  /** The paper's name of its networks, without the size: `BC-SSL`. */
  readonly family: (arm: Arm) => string;
  /** Whether its arms may have a BatchNorm before each perceptron. */
  readonly hasMlpNorm?: boolean;
  /**
   * The paper's own run of it: 100 epochs on ImageNet-1K. Absent, or `undefined`, where the paper
   * has none, as of the networks that it names only as future work.
   */
  readonly paperRun?: (arm: Arm) => PretrainConfig | undefined;
  /** The small networks of that kind, by geometry. */
  readonly small: Readonly<Record<ArmGeometry, (arm: Arm) => ModelConfig>>;
  /**
   * What the paper prints after 100 epochs (Tables 1 and 2, Figure 2), a fraction; `undefined`
   * where it prints nothing.
   */
  readonly printed: (arm: Arm, metric: Metric) => number | undefined;
}

/**
 * The geometries that arms are trained in at `smoke` and `laptop`. What matters is how large a
 * kernel is beside the map it slides over, in the stage with most blocks:
 *
 * - `coarse`: 32 pixels a side, maps of 8, 4, 2 and 1, most blocks at 2 × 2. Kernels of 3 to 15 are
 *   1.5 to 7.5 times the side of that map. Networks have 0.6 to 0.7 million weights; a ViT has 4 × 4
 *   tokens.
 * - `fine`: 80 pixels a side, maps of 20, 10, 5 and 2, most blocks at 10 × 10. Kernels of 3 to 15
 *   are 0.3 to 1.5 times the side of that map; in the paper, with maps of 14, 0.21 to 1.07.
 *   Networks have 0.2 to 0.45 million weights and need 6 to 11 million multiply-adds an image; a
 *   ViT has 5 × 5 tokens, since each token goes through all weights.
 */
export const armGeometries = ["coarse", "fine"] as const;
/** Name of a geometry. */
export type ArmGeometry = typeof armGeometries[number];

const fineStages = { depths: [1, 3, 1, 1], dims: [16, 32, 64, 128] } as const;

const kinds: Readonly<Record<Arm["arch"], ArmKind>> = {
  resnet: {
    ...baseline("ResNet", "resnet50_100ep", "ResNet-50"),
    small: {
      coarse: () => ({ ...resNetConfig(50), depths: [1, 1, 2, 1], dims: [16, 32, 64, 128] }),
      fine: () => ({ ...resNetConfig(50), depths: fineStages.depths, dims: [10, 20, 40, 80] }),
    },
  },
  convnext: {
    hasKernel: true,
    family: ({ batchNorm = false }) => batchNorm ? "BC-SSL" : "ConvNeXt",
    paperRun: ({ kernelSize, batchNorm = false }) => convNeXtRun(kernelSize!, batchNorm),
    small: {
      coarse: ({ kernelSize, batchNorm = false }) =>
        override(bcSslStart.recipe.model, { kernelSize, batchNorm }),
      fine: ({ kernelSize, batchNorm = false }) =>
        override(bcSslFineStart.recipe.model, { kernelSize, batchNorm }),
    },
    printed: printedConvNeXt,
  },
  vit: {
    ...transformer("ViT", "vit_s_100ep", "ViT-S"),
    small: {
      coarse: (arm) => ({ ...vitConfig("nano", mlpNorm(arm)), patchSize: 8, dropPathRate: 0 }),
      fine: (arm) => ({
        ...vitConfig("nano", { patchSize: 16, imageSize: 80, ...mlpNorm(arm) }),
        ...{ embedDim: 64, depth: 4, numHeads: 4, dropPathRate: 0 },
      }),
    },
  },
  swin: {
    ...transformer("Swin", "swin_t_100ep", "Swin-T"),
    small: {
      coarse: (arm) => ({ ...swinConfig("nano", mlpNorm(arm)), dropPathRate: 0 }),
      fine: (arm) => ({
        ...swinConfig("nano", { windowSize: 5, imageSize: 80, ...mlpNorm(arm) }),
        ...{ embedDim: 12, depths: [2, 4, 2, 2], dropPathRate: 0 },
      }),
    },
  },
  // The branches start at a tenth of the official code's scale, as BC-SSL's and SLaK's do in this
  // study. From the official 1 it learns with labels, but not by DINO in 2,080 steps: k-NN 6.0 % over
  // three seeds, where raw pixels have 20.6, and no better with an eighth of the learning rate. The
  // features of two crops of an image have a correlation of 0.18 in such a new network, 0.33 with a
  // tenth of the scale, and 0.62 in a new BC-SSL: DINO's student then finds little to follow.
  replknet: {
    ...futureWork("RepLKNet"),
    small: onlyFine(() => ({
      ...repLKNetConfig("nano"),
      ...{ ...fineStages, kernelSizes: [11, 11, 9, 5], dropPathRate: 0, branchScaleInit: 0.1 },
    })),
  },
  slak: {
    ...futureWork("SLaK"),
    small: onlyFine(() => ({
      ...sLaKConfig("nano"),
      ...{ ...fineStages, kernelSizes: [19, 17, 17, 5], dropPathRate: 0, layerScaleInit: 0.1 },
    })),
  },
};

/**
 * A network that the paper leaves for future work (§1, §3.3). Each kernel of the small one is as
 * large beside its map as its authors' beside theirs: RepLKNet's 31, 29, 27 and 13, and SLaK's 51,
 * 49, 47 and 13, on maps of 56, 28, 14 and 7.
 */
function futureWork(family: string): Omit<ArmKind, "small"> {
  return { hasKernel: false, family: () => family, printed: () => undefined };
}

function onlyFine(fine: () => ModelConfig): ArmKind["small"] {
  const coarse = ({ arch }: Arm): never => {
    throw new RangeError(`Cannot build a coarse ${arch}: its kernels need the geometry "fine"`);
  };
  return { coarse, fine };
}

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

/**
 * A transformer of Table 1, which may also have a BatchNorm before each perceptron. The paper has no
 * run of that, and prints nothing.
 */
function transformer(family: string, run: string, printedName: string): Omit<ArmKind, "small"> {
  const { paperRun, printed, ...kind } = baseline(family, run, printedName);
  return {
    ...kind,
    hasMlpNorm: true,
    family: ({ normBeforeMlp }) => normBeforeMlp ? `${family}-BN` : family,
    paperRun: (arm) => arm.normBeforeMlp ? undefined : paperRun!(arm),
    printed: (arm, metric) => arm.normBeforeMlp ? undefined : printed(arm, metric),
  };
}

/** An arm's norm as an option of its network; nothing where it is the usual one. */
function mlpNorm({ normBeforeMlp }: Arm): Pick<Arm, "normBeforeMlp"> {
  return normBeforeMlp === undefined ? {} : { normBeforeMlp };
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
 * Images that arms are trained on at `smoke` and `laptop`: flat drawings, garments, the same drawings
 * on textures, and scenes of several drawings; or photographs that you bring: CIFAR-10, STL-10,
 * Imagenette. At `paper` it is ImageNet-1K.
 */
export const armData = [
  ...["emoji", "fashion", "textured", "scenes"] as const,
  ...["cifar10", "stl10", "imagenette"] as const,
] as const;
/** Name of a data set that arms can be trained on at `smoke` and `laptop`. */
export type ArmData = typeof armData[number];

const armBases: Readonly<
  Record<ArmGeometry, Readonly<Record<ArmData, PretrainConfig<DinoRecipe>>>>
> = {
  coarse: { ...withDrawings(bcSslEmoji), fashion: bcSslStart, ...withPhotographs(bcSslStart) },
  fine: {
    ...withDrawings(bcSslFineEmoji),
    fashion: bcSslFineStart,
    ...withPhotographs(bcSslFineStart),
  },
};

type Photographs = "cifar10" | "stl10" | "imagenette";

/** A config of garments, whose colours change as in the reference, on photographs. */
function withPhotographs(
  start: PretrainConfig<DinoRecipe>,
): Readonly<Record<Photographs, PretrainConfig<DinoRecipe>>> {
  const on = (kind: Photographs) => ({ ...start, data: { kind } });
  return { cifar10: on("cifar10"), stl10: on("stl10"), imagenette: on("imagenette") };
}

/** A config of emoji, with its data and with the two other kinds of pictures of emoji. */
function withDrawings(
  emoji: PretrainConfig<DinoRecipe>,
): Readonly<Record<Exclude<ArmData, "fashion" | Photographs>, PretrainConfig<DinoRecipe>>> {
  const labels = "subgroup";
  return {
    emoji,
    textured: { ...emoji, data: { kind: "emoji", labels, background: "textured" } },
    scenes: { ...emoji, data: { kind: "scenes", labels } },
  };
}

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

/**
 * The name of an arm's config, by which the command line knows it: `emoji_bcssl_k9`, and in the
 * geometry `fine`, `emoji_fine_bcssl_k9`.
 */
function configName(arm: Arm, data: ArmData, geometry: ArmGeometry): string {
  const family = familyOfArm(arm).toLowerCase().replace("-", "");
  const size = arm.kernelSize ? [`k${arm.kernelSize}`] : [];
  return [data, ...(geometry === "fine" ? ["fine"] : []), family, ...size].join("_");
}

/** What else the config of an arm depends on. */
export interface ArmOptions {
  /** Name of the scale whose sizes are taken. */
  readonly scale: ScaleName;
  /** Images to train on; by default emoji. At `paper` they are always ImageNet-1K. */
  readonly data?: ArmData;
  /** Geometry at `smoke` and `laptop`; by default {@linkcode armGeometry}. */
  readonly geometry?: ArmGeometry;
}

/** The geometry of the notebooks' comparisons. */
export const armGeometry: ArmGeometry = "fine";

/**
 * The config of an arm. At `paper` it is the paper's own recipe, 100 epochs on ImageNet-1K, even
 * for kernels that the paper did not try. The smaller scales train the small network of that kind
 * on small images.
 *
 * @throws {RangeError} If the architecture, the data or the geometry is unknown, a ConvNeXt has no
 *   odd kernel size, another network has one, a norm is not one to choose, or there is no such
 *   network in that geometry or at that scale.
 * @throws {TypeError} If `batchNorm` is neither true nor false.
 */
export function armConfig(
  arm: Arm,
  { scale, data = "emoji", geometry = armGeometry }: ArmOptions,
): PretrainConfig {
  const kind = kindOf(arm);
  if (scale === "paper") {
    const run = kind.paperRun?.(arm);
    if (run) return run;
    throw new RangeError(
      `Cannot train a ${armName(arm)} at paper scale: the paper has no such run`,
    );
  }
  checkName("data", data, armData);
  checkName("geometry", geometry, armGeometries);
  const { recipe, ...rest } = armBases[geometry][data];
  const model = kind.small[geometry](arm);
  const base: PretrainConfig<DinoRecipe> = { ...rest, recipe: { ...recipe, model } };
  return override(
    base,
    {
      name: configName(arm, data, geometry),
      scales: { smoke: smokeSizes, laptop: laptopLength(geometry, data) },
    },
  );
}

/** Four steps, with the monitor after two: a comparison at `smoke` trains a dozen networks. */
const smokeSizes = { trainCount: 32, testCount: 16, batchSize: 8, epochs: 1, monitorEvery: 2 };

function checkName(what: string, name: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  throw new RangeError(`Unknown ${what} "${name}": use ${names.join(", ")}`);
}

/**
 * Length of the arms' runs. Coarse ones have half as many epochs as the data's own configs: 3,120
 * steps with emoji, garments, CIFAR-10 and STL-10, 2,940 with Imagenette. Fine ones have 2,080 steps.
 */
function laptopLength(
  geometry: ArmGeometry,
  data: ArmData,
): Pick<Scale, "epochs" | "monitorEvery"> {
  if (geometry === "fine") return { epochs: 20, monitorEvery: 208 };
  return { epochs: coarseEpochs[data], monitorEvery: 312 };
}

/** About 20,000 garments, CIFAR-10 or STL-10 are three times as many as there are emoji. */
const coarseEpochs: Readonly<Record<ArmData, number>> = {
  ...{ emoji: 30, textured: 30, scenes: 30 },
  ...{ fashion: 10, cifar10: 10, stl10: 10, imagenette: 20 },
};

/**
 * The properties of an arm's architecture. It checks the arm, since notebook cells run without a
 * type check.
 *
 * @throws {RangeError | TypeError} For the reasons of {@linkcode armConfig}.
 */
function kindOf({ arch, kernelSize, batchNorm = false, normBeforeMlp }: Arm): ArmKind {
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
  if (normBeforeMlp !== undefined && !(kind.hasMlpNorm && normBeforeMlp === "bn")) {
    const now = JSON.stringify(normBeforeMlp);
    throw new RangeError(
      `Cannot build a ${arch} with normBeforeMlp ${now}: only a vit or a swin has it, and it is "bn"`,
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
