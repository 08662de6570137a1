/**
 * The names of the optimisers. They are apart from the code, so that a schema can import them
 * without loading TensorFlow.
 */
export const optimizerNames = [
  "adamw",
  "adamw_all",
  "sgd",
  "lars",
  "lars_byol",
  "lars_simclr",
  "lars_swav",
  "lars_mocov3",
] as const;

/**
 * AdamW is for transformers and ConvNeXts, SGD with momentum 0.9 for ResNets, LARS for large
 * batches. By `adamw` biases, norms and layer scales do not decay; by `adamw_all` every weight does,
 * as in MoCo v3's code. `lars` is DINO's version, `lars_byol` BYOL's, `lars_simclr` SimCLR's, `lars_mocov3` MoCo v3's
 * and `lars_swav` the `LARC` of apex, which SwAV and DeepCluster-v2 use; they differ in which weights decay and adapt, and in where the learning
 * rate enters.
 */
export type OptimizerName = typeof optimizerNames[number];
