/**
 * The names of the optimisers. They are apart from the code, so that a schema can import them
 * without loading TensorFlow.
 */
export const optimizerNames = [
  "adamw",
  "sgd",
  "lars",
  "lars_byol",
  "lars_simclr",
  "lars_swav",
] as const;

/**
 * AdamW is for transformers and ConvNeXts, SGD with momentum 0.9 for ResNets, LARS for large
 * batches. `lars` is DINO's version, `lars_byol` BYOL's, `lars_simclr` SimCLR's and `lars_swav` the
 * `LARC` of apex, which SwAV and DeepCluster-v2 use; they differ in which weights decay and adapt,
 * and in where the learning rate enters.
 */
export type OptimizerName = typeof optimizerNames[number];
