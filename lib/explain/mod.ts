/**
 * What a network looks at: class activation maps, how well they find the object, and effective
 * receptive fields.
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
export { eigenCam } from "lib/explain/eigen_cam.ts";
export { type GradCam, gradCam, type GradCamOptions } from "lib/explain/grad_cam.ts";
export type { Heatmap } from "lib/explain/heatmap.ts";
export { type CamScores, camScores, hotArea, hotThreshold } from "lib/explain/localisation.ts";
export { type LinearClassifier, withClassifier } from "lib/explain/with_classifier.ts";
