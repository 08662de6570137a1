/** The optimisers by name, apart from their code: a schema needs no engine. */
export const optimizerNames = ["adamw", "sgd", "lars", "lars_byol"] as const;

/**
 * AdamW for transformers and ConvNeXts, SGD with momentum 0.9 for ResNets, LARS for large batches:
 * DINO's and BYOL's, which differ in the weights that decay and adapt.
 */
export type OptimizerName = typeof optimizerNames[number];
