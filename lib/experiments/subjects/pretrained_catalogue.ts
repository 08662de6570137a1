/**
 * Catalogue of official weights: their addresses, and the lengths and digests of the files where
 * they are published.
 *
 * Addresses and licences are those of the authors' repositories. Most authors publish neither
 * lengths nor digests; those given here come from torchvision (first digits of SHA-256, in the
 * files' names), Intel's Open Model Zoo (bytes and SHA-384) and OpenMetricLearning (first digits of
 * MD5). Where both are unknown, later downloads are compared with the first one.
 */
import type { Digest } from "lib/datasets/files/download.ts";
import {
  convNeXtConfig,
  convNeXtIsotropicConfig,
  type ConvNeXtSize,
  type ModelConfig,
  resNetConfig,
  swinConfig,
  type SwinSize,
  vitConfig,
} from "lib/models/mod.ts";

/** One file of weights. */
export interface PretrainedEntry {
  /** Address to download the file from. */
  readonly url: string;
  /** Name of the file in `data/weights`. */
  readonly file: string;
  /** Length of the file; null if it is not known. */
  readonly bytes: number | null;
  /** Checksum of the file as published; null if there is none. */
  readonly digest: Digest | null;
  /** Licence of the repository that publishes it. */
  readonly licence: string;
  /** The network that the weights are for. */
  readonly config: ModelConfig;
  /** Number of classes of its classifier; 0 if the file has none. */
  readonly numClasses: number;
  /** Names of arrays in the file that do not belong to the network. */
  readonly beside?: RegExp;
}

type Known = Partial<Pick<PretrainedEntry, "bytes" | "digest" | "file" | "beside">>;

function entry(
  url: string,
  licence: string,
  config: ModelConfig,
  numClasses: number,
  known: Known,
): PretrainedEntry {
  const file = url.slice(url.lastIndexOf("/") + 1);
  return { url, file, bytes: null, digest: null, licence, config, numClasses, ...known };
}

/** Backbones trained by DINO (Caron et al. 2021), without a classifier, named as in `torch.hub`. */
function dino(folder: string, config: ModelConfig, known: Known): PretrainedEntry {
  const url = `https://dl.fbaipublicfiles.com/dino/${folder}/${folder}.pth`;
  return entry(url, "Apache-2.0", config, 0, known);
}

/**
 * ConvNeXt (Liu et al. 2022): trained with labels on ImageNet-1k, on -22k, or on -22k and then -1k.
 */
function convNeXt(size: ConvNeXtSize, variant: string, known: Known = {}): PretrainedEntry {
  const url = `https://dl.fbaipublicfiles.com/convnext/convnext_${size}_${variant}.pth`;
  return entry(url, "MIT", convNeXtConfig(size), variant === "22k_224" ? 21_841 : 1000, known);
}

function isotropic(size: "small" | "base" | "large"): PretrainedEntry {
  const url = `https://dl.fbaipublicfiles.com/convnext/convnext_iso_${size}_1k_224_ema.pth`;
  return entry(url, "MIT", convNeXtIsotropicConfig(size), 1000, {});
}

/** Swin (Liu et al. 2021), trained with labels; the official LayerNorm adds 1e-5, EsViT's 1e-6. */
function swin(
  size: SwinSize,
  variant: string,
  { release = "v1.0.0", ...known }: Known & { readonly release?: string } = {},
): PretrainedEntry {
  const [windowSize, imageSize] = /(\d+)_(\d+)/.exec(variant)!.slice(1).map(Number);
  const config = swinConfig(size, { windowSize, imageSize, normEps: 1e-5 });
  const storage = "https://github.com/SwinTransformer/storage/releases/download";
  const url = `${storage}/${release}/swin_${size}_patch4_window${variant}.pth`;
  return entry(url, "MIT", config, variant.endsWith("_22k") ? 21_841 : 1000, known);
}

/**
 * EsViT (Li et al. 2022), trained with its view and region losses. The files are whole checkpoints,
 * of which the teacher is loaded.
 */
function esvit(file: string, folder: string, config: ModelConfig): PretrainedEntry {
  const url = `https://chunyleu.blob.core.windows.net/output/ckpts/esvit/${folder}.pth`;
  const beside = /^teacher\.(?:head|head_dense)\./; // other parts of the checkpoint
  return entry(url, "MIT", config, 0, { file: `${file}.pth`, beside });
}

/**
 * torchvision's ResNets (He et al. 2016), trained with labels; the name holds the digest's first
 * digits.
 */
function torchvision(file: string, depth: 18 | 50 | 152): PretrainedEntry {
  const digest = { algorithm: "sha256", hex: file.split("-")[1]! } as const;
  const url = `https://download.pytorch.org/models/${file}.pth`;
  return entry(url, "BSD-3-Clause", resNetConfig(depth), 1000, { digest });
}

/** A digest, given by the first digits of an MD5. */
function md5(hex: string): Known {
  return { digest: { algorithm: "md5", hex } };
}

/** All entries by name: `<publisher>/<name>`. */
export const pretrainedCatalogue = {
  "facebookresearch/dino_resnet50": dino("dino_resnet50_pretrain", resNetConfig(50), {
    beside: /./, // the official hub ignores extra names in this file too
  }),
  "facebookresearch/dino_vits16": dino(
    "dino_deitsmall16_pretrain",
    vitConfig("small"),
    md5("cf0f22"),
  ),
  "facebookresearch/dino_vits8": dino(
    "dino_deitsmall8_pretrain",
    vitConfig("small", { patchSize: 8 }),
    md5("230cd5"),
  ),
  "facebookresearch/dino_vitb16": dino(
    "dino_vitbase16_pretrain",
    vitConfig("base"),
    md5("552daf"),
  ),
  "facebookresearch/dino_vitb8": dino(
    "dino_vitbase8_pretrain",
    vitConfig("base", { patchSize: 8 }),
    md5("556550"),
  ),

  "facebookresearch/convnext_tiny_1k_224": convNeXt("tiny", "1k_224_ema", {
    bytes: 114_414_741,
    digest: {
      algorithm: "sha384",
      hex:
        "f277194ca9561079ea0519fffc204820922ae46dc865b9def7208cf5993382d6cced681d3d26f6b70c31bf7cec4aba62",
    },
  }),
  "facebookresearch/convnext_small_1k_224": convNeXt("small", "1k_224_ema"),
  "facebookresearch/convnext_base_1k_224": convNeXt("base", "1k_224_ema"),
  "facebookresearch/convnext_base_1k_384": convNeXt("base", "1k_384"),
  "facebookresearch/convnext_large_1k_224": convNeXt("large", "1k_224_ema"),
  "facebookresearch/convnext_large_1k_384": convNeXt("large", "1k_384"),
  "facebookresearch/convnext_tiny_22k_224": convNeXt("tiny", "22k_224"),
  "facebookresearch/convnext_small_22k_224": convNeXt("small", "22k_224"),
  "facebookresearch/convnext_base_22k_224": convNeXt("base", "22k_224"),
  "facebookresearch/convnext_large_22k_224": convNeXt("large", "22k_224"),
  "facebookresearch/convnext_xlarge_22k_224": convNeXt("xlarge", "22k_224"),
  "facebookresearch/convnext_tiny_22k_1k_224": convNeXt("tiny", "22k_1k_224"),
  "facebookresearch/convnext_small_22k_1k_224": convNeXt("small", "22k_1k_224"),
  "facebookresearch/convnext_base_22k_1k_224": convNeXt("base", "22k_1k_224"),
  "facebookresearch/convnext_large_22k_1k_224": convNeXt("large", "22k_1k_224"),
  "facebookresearch/convnext_xlarge_22k_1k_224": convNeXt("xlarge", "22k_1k_224_ema"),
  "facebookresearch/convnext_tiny_22k_1k_384": convNeXt("tiny", "22k_1k_384"),
  "facebookresearch/convnext_small_22k_1k_384": convNeXt("small", "22k_1k_384"),
  "facebookresearch/convnext_base_22k_1k_384": convNeXt("base", "22k_1k_384"),
  "facebookresearch/convnext_large_22k_1k_384": convNeXt("large", "22k_1k_384"),
  "facebookresearch/convnext_xlarge_22k_1k_384": convNeXt("xlarge", "22k_1k_384_ema"),
  "facebookresearch/convnext_iso_small_1k_224": isotropic("small"),
  "facebookresearch/convnext_iso_base_1k_224": isotropic("base"),
  "facebookresearch/convnext_iso_large_1k_224": isotropic("large"),

  "microsoft/swin_tiny_window7_224": swin("tiny", "7_224", {
    bytes: 114_342_173,
    digest: {
      algorithm: "sha384",
      hex:
        "210021216e1f205617d885836b1ac59d725b8c41dbff8dc4c513e838911436b0b75e06529737e472d3167519a7c1a6ad",
    },
  }),
  "microsoft/swin_small_window7_224": swin("small", "7_224"),
  "microsoft/swin_base_window7_224": swin("base", "7_224"),
  "microsoft/swin_base_window12_384": swin("base", "12_384"),
  "microsoft/swin_tiny_window7_224_22k": swin("tiny", "7_224_22k", { release: "v1.0.8" }),
  "microsoft/swin_small_window7_224_22k": swin("small", "7_224_22k", { release: "v1.0.8" }),
  "microsoft/swin_base_window7_224_22k": swin("base", "7_224_22k"),

  "microsoft/esvit_resnet50": esvit(
    "esvit_resnet50",
    "resnet/resnet50/bl_lr0.0005_gpu16_bs64_multicrop_epoch300_dino_aug/resume_from_ckpt0200/checkpoint",
    resNetConfig(50),
  ),
  "microsoft/esvit_swin_tiny_window7": esvit(
    "esvit_swin_tiny_window7",
    "swin/swin_tiny/bl_lr0.0005_gpu16_bs32_dense_multicrop_epoch300/checkpoint_best",
    swinConfig("tiny"),
  ),
  "microsoft/esvit_swin_small_window7": esvit(
    "esvit_swin_small_window7",
    "swin/swin_small/bl_lr0.0005_gpu16_bs32_dense_multicrop_epoch300/checkpoint_best",
    swinConfig("small"),
  ),
  "microsoft/esvit_swin_base_window7": esvit(
    "esvit_swin_base_window7",
    "swin/swin_base/bl_lr0.0005_gpu16_bs32_multicrop_epoch300_dino_aug/continued_from0200_dense/checkpoint_best",
    swinConfig("base"),
  ),
  "microsoft/esvit_swin_tiny_window14": esvit(
    "esvit_swin_tiny_window14",
    "swin/swin_tiny/bl_lr0.0005_gpu16_bs32_multicrop_epoch300_dino_aug_window14/continued_from0200_dense/checkpoint_best",
    swinConfig("tiny", { windowSize: 14 }),
  ),
  "microsoft/esvit_swin_small_window14": esvit(
    "esvit_swin_small_window14",
    "swin/swin_small/bl_lr0.0005_gpu16_bs16_multicrop_epoch300_dino_aug_window14/continued_from0180_dense/checkpoint_best",
    swinConfig("small", { windowSize: 14 }),
  ),
  "microsoft/esvit_swin_base_window14": esvit(
    "esvit_swin_base_window14",
    "swin/swin_base/bl_lr0.0005_nodes4_gpu16_bs8_multicrop_epoch300_dino_aug_window14_lv/continued_from_epoch0200_dense_norm_true/checkpoint_best",
    swinConfig("base", { windowSize: 14 }),
  ),

  "pytorch/resnet18": torchvision("resnet18-f37072fd", 18),
  "pytorch/resnet50": torchvision("resnet50-0676ba61", 50),
  "pytorch/resnet152": torchvision("resnet152-394f9c45", 152),
} satisfies Record<string, PretrainedEntry>;

/** A name in the catalogue. */
export type PretrainedName = keyof typeof pretrainedCatalogue;
