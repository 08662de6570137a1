/**
 * What a network looks at, and what it has learned: class activation maps and how well they find
 * the object, effective receptive fields, features of patches and of images, depthwise kernels.
 */
export {
  type CamDepth,
  camLayer,
  camLayerAt,
  type CamOptions,
  type Explained,
} from "lib/explain/cam_layers.ts";
export {
  type ContributionMap,
  contributionSide,
  effectiveReceptiveField,
  pooledContributions,
} from "lib/explain/effective_receptive_field.ts";
export { type ClassSimilarity, classSimilarity } from "lib/explain/class_similarity.ts";
export {
  type DepthwiseKernels,
  depthwiseKernels,
  kernelReach,
  type KernelSpectrum,
  meanFrequency,
  meanSpectrum,
} from "lib/explain/depthwise_kernels.ts";
export { eigenCam } from "lib/explain/eigen_cam.ts";
export { type GradCam, gradCam, type GradCamOptions } from "lib/explain/grad_cam.ts";
export type { Heatmap } from "lib/explain/heatmap.ts";
export { type CamScores, camScores, hotArea, hotThreshold } from "lib/explain/localisation.ts";
export {
  type PatchColours,
  patchColours,
  type PatchColoursOptions,
} from "lib/explain/patch_colours.ts";
export {
  lastPatchFeatures,
  layerPatchFeatures,
  type PatchFeatures,
} from "lib/explain/patch_features.ts";
export {
  type Patch,
  patchSimilarities,
  type ShortPatches,
  shortPatches,
} from "lib/explain/patch_similarity.ts";
export { planarMap, type PlanarMapOptions, trustworthiness } from "lib/explain/planar_map.ts";
export { tsneMap, type TsneMapOptions } from "lib/explain/tsne_map.ts";
export { type LinearClassifier, withClassifier } from "lib/explain/with_classifier.ts";
