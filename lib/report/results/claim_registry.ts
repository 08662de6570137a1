/**
 * Every claim that notebooks test, in the groups that are tested together. A notebook's table of
 * verdicts and the overview of all claims both draw from here.
 *
 * What the paper says and prints stands in `lib/paper/claims.ts`; how a claim is tested, in the file
 * that its group names.
 */
import { type Claim, claims } from "lib/paper/mod.ts";

/** Claims of our own, which the notebooks test beside the paper's. */
export const ownClaims = {
  repLKNetAboveBcSslKnn: {
    says: "RepLKNet is above BC-SSL with 9×9 kernels",
    source: "ours, beside §3.3, k-NN",
    quoted: null,
    printed: null,
  },
  repLKNetAboveBcSsl: {
    says: "RepLKNet is above BC-SSL with 9×9 kernels",
    source: "ours, beside §3.3, linear",
    quoted: null,
    printed: null,
  },
  sLaKAboveBcSslKnn: {
    says: "SLaK is above BC-SSL with 9×9 kernels",
    source: "ours, beside §3.3, k-NN",
    quoted: null,
    printed: null,
  },
  sLaKAboveBcSsl: {
    says: "SLaK is above BC-SSL with 9×9 kernels",
    source: "ours, beside §3.3, linear",
    quoted: null,
    printed: null,
  },
  pretrainingHelpsBoxes: {
    says: "Pre-training beats from scratch, by AP of boxes",
    source: "ours, beside Table 4",
    quoted: null,
    printed: null,
  },
  pretrainingHelpsMasks: {
    says: "Pre-training beats from scratch, by AP of masks",
    source: "ours, beside Table 4",
    quoted: null,
    printed: null,
  },
  pretrainingHelpsBoxes50: {
    says: "Pre-training beats from scratch, by AP50 of boxes",
    source: "ours, beside Table 4",
    quoted: null,
    printed: null,
  },
  pretrainingHelpsMasks50: {
    says: "Pre-training beats from scratch, by AP50 of masks",
    source: "ours, beside Table 4",
    quoted: null,
    printed: null,
  },
  peakOfViT: {
    says: "ViT-S's k-NN peaks before the end, too",
    source: "ours, beside Figure 3: share of the epochs after the peak",
    quoted: null,
    printed: null,
  },
} as const satisfies Readonly<Record<string, Claim>>;

/** Every claim by its name: what it says, where it stands, and what the paper prints. */
export const statements: Readonly<Record<ClaimName, Claim>> = { ...claims, ...ownClaims };

/** Name of a claim: one of the paper's `claims`, or of our own. */
export type ClaimName = keyof typeof claims | keyof typeof ownClaims;

/** What the effects of a group are differences of; effects of one kind share an axis. */
export type EffectKind = "accuracy" | "detection" | "robustness" | "maps" | "monitor";

/** Claims that are tested together: one table of a notebook, for which Holm's method counts. */
export interface ClaimGroup {
  /** Notebook that tests them. */
  readonly notebook: string;
  /** Heading in the overview. */
  readonly title: string;
  /** What their effects are differences of. */
  readonly kind: EffectKind;
  /** Names of the claims, in the order of the table. */
  readonly claims: readonly ClaimName[];
  /** Whether the study now has no such networks, so that only the first one says something. */
  readonly firstStudyOnly?: true;
}

/** All groups, in the order of the notebooks. */
export const claimGroups = {
  // tested by claim_tests.ts
  vanilla: {
    notebook: "01_vanilla_convnext",
    title: "A plain ConvNeXt beside ResNet and Swin",
    kind: "accuracy",
    claims: ["convNeXtAboveResNet", "vanillaRises", "swinAboveVanilla"],
  },
  batchNorm: {
    notebook: "02_batchnorm",
    title: "BatchNorm after depthwise convolutions",
    kind: "accuracy",
    claims: ["batchNormHelps", "batchNormHelpsKnn"],
  },
  batchNormGarments: {
    notebook: "02_batchnorm",
    title: "BatchNorm, on garments",
    firstStudyOnly: true,
    kind: "accuracy",
    claims: ["batchNormHelps", "batchNormHelpsKnn"],
  },
  kernelSize: {
    notebook: "03_kernel_size",
    title: "The kernel size",
    kind: "accuracy",
    claims: ["rises3To9Knn", "rises3To9", "falls9To15", "rises7To9Knn"],
  },
  kernelSizeAgainst: {
    notebook: "03_kernel_size",
    title: "BC-SSL beside other networks",
    kind: "accuracy",
    claims: ["bcSslAboveVanillaKnn", "bcSslAboveSwinEarlyKnn"],
  },
  kernelSizeGarments: {
    notebook: "03_kernel_size",
    title: "The kernel size, on garments",
    firstStudyOnly: true,
    kind: "accuracy",
    claims: ["rises3To9Knn", "rises3To9"],
  },
  largeKernels: {
    notebook: "03b_when",
    title: "Networks with kernels beyond 9×9",
    kind: "accuracy",
    claims: ["repLKNetAboveBcSslKnn", "repLKNetAboveBcSsl", "sLaKAboveBcSslKnn", "sLaKAboveBcSsl"],
  },
  imageNet: {
    notebook: "04_imagenet",
    title: "BC-SSL after the full training",
    kind: "accuracy",
    claims: ["bcSslAboveResNet", "bcSslAboveResNetKnn", "bcSslAboveSwin", "bcSslAboveSwinKnn"],
  },
  // tested by detector_results.ts
  detection: {
    notebook: "05_coco",
    title: "Detection",
    kind: "detection",
    claims: [
      "cocoBoxRises",
      "cocoMaskRises",
      "cocoBox50Rises",
      "cocoMask50Rises",
      "pretrainingHelpsBoxes",
      "pretrainingHelpsMasks",
      "pretrainingHelpsBoxes50",
      "pretrainingHelpsMasks50",
    ],
  },
  // tested by robust_claims.ts
  robustness: {
    notebook: "06_robustness",
    title: "Robustness",
    kind: "robustness",
    claims: [
      "corruptionFalls",
      "sketchRises",
      "renditionRises",
      "adversarialRises",
      "corruptionBelowSwin",
      "sketchAboveSwin",
      "renditionAboveSwin",
      "adversarialAboveSwin",
    ],
  },
  // tested by cam_results.ts
  maps: {
    notebook: "07_cam",
    title: "What networks look at",
    kind: "maps",
    claims: [
      "gradCamHotArea",
      "gradCamCovered",
      "gradCamIou",
      "eigenCamHotArea",
      "eigenCamCovered",
      "eigenCamIou",
    ],
  },
  // tested by peak_claims.ts
  monitor: {
    notebook: "08_knn_monitor",
    title: "The k-NN during training",
    kind: "monitor",
    claims: ["peakOfBcSsl", "peakOfSwin", "peakOfViT"],
  },
} as const satisfies Readonly<Record<string, ClaimGroup>>;

/**
 * Claims of the paper that no notebook tests, each with the reason. Their numbers stand in the
 * paper's tables, which the notebooks show.
 */
export const untested = {
  smallMatchesSwin: "needs the networks of size S, each twice as deep",
  bcSslAboveMoCo: "needs MoCo-v3 and a ViT-B",
  tinyFasterThanSwin: "about an A100; 04_imagenet times these networks on this machine",
  smallFasterThanSwin: "about an A100; 04_imagenet times these networks on this machine",
  smallFasterThanResNets: "about a V100 and ResNets five times as wide",
  cocoBoxAboveSwin: "needs a detector on Swin",
  cocoMaskAboveSwin: "needs a detector on Swin",
} as const satisfies Partial<Readonly<Record<ClaimName, string>>>;

/** Name of a group of claims. */
export type GroupName = keyof typeof claimGroups;

/** Names of the groups, in the order of the notebooks. */
export const groupNames = Object.keys(claimGroups) as readonly GroupName[];
