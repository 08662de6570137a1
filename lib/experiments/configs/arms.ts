/** The arms of the notebooks' comparisons: networks that differ in one thing, trained alike on the same images. */
import { figure2, table1, table2 } from "lib/paper/mod.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { resNetConfig } from "lib/models/resnet/resnet_configs.ts";
import { swinConfig } from "lib/models/swin/swin_configs.ts";
import { vitConfig } from "lib/models/vit/vit_configs.ts";
import { override, type PretrainConfig, type ScaleName } from "lib/experiments/configs/config.ts";
import { bcSslEmoji, bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { convNeXtRun, paperRuns } from "lib/experiments/configs/paper_runs.ts";

/** One network of a comparison. */
export interface Arm {
  readonly arch: "resnet" | "convnext" | "vit" | "swin";
  /** Of a ConvNeXt's depthwise convolutions: odd, pixels a side. Others have none to choose. */
  readonly kernelSize?: number;
  /** After each depthwise convolution of a ConvNeXt: then it is BC-SSL. By default, none. */
  readonly batchNorm?: boolean;
}

/** What the arms of a comparison are trained on, at `smoke` and `laptop`; at `paper` it is ImageNet-1K. */
export const armData = { emoji: bcSslEmoji, fashion: bcSslStart } as const;
export type ArmData = keyof typeof armData;

/** How arms are called, as in the paper but for the size: `BC-SSL`, `ConvNeXt`, `Swin`. */
export function familyOfArm({ arch, batchNorm = false }: Arm): string {
  if (arch === "convnext") return batchNorm ? "BC-SSL" : "ConvNeXt";
  return { resnet: "ResNet", vit: "ViT", swin: "Swin" }[arch];
}

/** `BC-SSL, 9×9`; networks without a choice of kernel have their family's name. */
export function armName(arm: Arm): string {
  const { kernelSize } = checked(arm);
  const family = familyOfArm(arm);
  return kernelSize === undefined ? family : `${family}, ${kernelSize}×${kernelSize}`;
}

/** Below these names the command line knows them: `emoji_bcssl_k9`. */
function configName(arm: Arm, data: ArmData): string {
  const family = familyOfArm(arm).toLowerCase().replace("-", "");
  return [data, family, ...(arm.kernelSize ? [`k${arm.kernelSize}`] : [])].join("_");
}

/**
 * An arm as an experiment. At `paper` it is the paper's own, 100 epochs on ImageNet-1K, also for a kernel that the paper did
 * not try; the smaller scales have the small network of that kind, on small images.
 *
 * @throws {RangeError} If the architecture or the data are unknown, a ConvNeXt has no odd kernel size, or another network has one.
 */
export function armConfig(
  arm: Arm,
  { scale, data = "emoji" }: { readonly scale: ScaleName; readonly data?: ArmData },
): PretrainConfig {
  const { arch, kernelSize, batchNorm = false } = checked(arm);
  if (scale === "paper") {
    if (arch === "convnext") return convNeXtRun(kernelSize!, batchNorm);
    const name = { resnet: "resnet50_100ep", vit: "vit_s_100ep", swin: "swin_t_100ep" }[arch];
    return paperRuns.find(({ config }) => config.name === name)!.config;
  }
  if (!(data in armData)) {
    throw new RangeError(`Unknown data "${data}": use ${Object.keys(armData).join(", ")}`);
  }
  const base = override(armData[data] as PretrainConfig, {
    name: configName(arm, data),
    scales: { laptop: laptop[data] },
  });
  return { ...base, recipe: { ...base.recipe, model: smallModel(arm) } };
}

/** Half of what the configs take by themselves: 3,120 steps on either. */
const laptop = {
  emoji: { epochs: 30, monitorEvery: 312 },
  fashion: { epochs: 10, monitorEvery: 312 },
} as const;

/**
 * The small networks, of 0.6 to 0.7 million weights. All see a crop of 32 pixels in a first map of 8 × 8, but for ViT: its patches are
 * of 8 pixels, as every one of them meets all weights, and so costs as much as all positions of the others together.
 */
function smallModel({ arch, kernelSize, batchNorm = false }: Arm): ModelConfig {
  const { model } = bcSslStart.recipe;
  switch (arch) {
    case "convnext":
      return { ...model, kernelSize: kernelSize!, batchNorm } as ModelConfig;
    case "resnet":
      return { ...resNetConfig(50), depths: [1, 1, 2, 1], dims: [16, 32, 64, 128] };
    case "vit":
      return { ...vitConfig("nano"), patchSize: 8, dropPathRate: 0 };
    case "swin":
      return { ...swinConfig("nano"), dropPathRate: 0 };
  }
}

/** @throws {RangeError} As {@linkcode armConfig}: a cell's types are not checked. */
function checked(arm: Arm): Arm {
  const { arch, kernelSize, batchNorm } = arm;
  if (!["resnet", "convnext", "vit", "swin"].includes(arch)) {
    throw new RangeError(`Unknown architecture "${arch}": use resnet, convnext, vit, swin`);
  }
  if (arch !== "convnext" && (kernelSize !== undefined || batchNorm)) {
    throw new RangeError(
      `Cannot choose kernels of a "${arch}", or put a BatchNorm behind them: only a convnext has depthwise convolutions`,
    );
  }
  if (arch === "convnext" && !(Number.isInteger(kernelSize) && kernelSize! % 2 === 1)) {
    throw new RangeError(
      `Cannot build a convnext: need an odd kernelSize, current is ${kernelSize}`,
    );
  }
  return arm;
}

/** What the paper prints of an arm after 100 epochs: Tables 1 and 2, Figure 2; `undefined` where it prints nothing. A fraction. */
export function printedOfArm(arm: Arm, metric: "linear" | "knn"): number | undefined {
  const { arch, kernelSize, batchNorm = false } = arm;
  if (arch !== "convnext") {
    const name = { resnet: "ResNet-50", vit: "ViT-S", swin: "Swin-T" }[arch];
    return table1.rows.find((row) => row.arch === name)?.[metric];
  }
  if (metric === "linear") {
    return table2.rows.find((row) => row.kernelSize === kernelSize && row.batchNorm === batchNorm)
      ?.linear;
  }
  const name = batchNorm ? "BC-SSL-T" : "ConvNeXt-T";
  return figure2.rows.find((row) => row.kernelSize === kernelSize && row.arch === name)?.knn;
}
