/**
 * iGPT (Chen et al. 2020): a network learns to predict the colour of each pixel of a small image,
 * from all pixels before it, or, in the masked variant, from those that are not hidden. The official
 * code is openai/image-gpt.
 *
 * iGPT has no pairs of views. It reads the first view of each image, which its crops leave as it is.
 *
 * Differs: the official code of the training is not public; the optimiser is AdamW with this
 * library's constants, where the paper's has β₂ = 0.95.
 *
 * B images, N positions, C channels, K colours.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { constant } from "lib/nn/init.ts";
import { disposeTree, namedVariables } from "lib/nn/parameters.ts";
import { codesOf, positionColours } from "lib/models/igpt/igpt_codes.ts";
import { type IGptParams, runIGpt } from "lib/models/igpt/igpt.ts";
import type { Method, Moment, Pass } from "lib/ssl/method/method.ts";
import { createNetwork, type Network } from "lib/ssl/method/network.ts";
import { cosineValues } from "lib/ssl/method/recipe.ts";
import { directionSpread } from "lib/ssl/method/signals.ts";
import { imagesIn, type Views } from "lib/ssl/views/views.ts";
import { iGptAlarms } from "./alarms.ts";
import { colourLoss } from "./loss.ts";
import { kMeansPalette } from "./palette.ts";
import { checkIGpt, type IGptRecipe } from "./recipe.ts";

/** The backbone with an output embedding of each colour. */
export type IGptNetwork = Network<{ readonly wtet: tf.Variable<tf.Rank.R2> }>; // [K, C]

/** Images whose colours the palette is made of. */
const paletteImages = 1024;

/** The output embeddings start at 0, so that all colours are equally likely at first. */
export function createIGptNetwork(model: IGptRecipe["model"], rng: Rng): IGptNetwork {
  const heads = (featureDim: number) => ({
    wtet: constant<tf.Rank.R2>([model.colours, featureDim], 0),
  });
  return createNetwork(model, heads, rng);
}

/**
 * iGPT with a fresh network.
 *
 * @throws {RangeError} If it cannot follow the recipe.
 */
export function createIGpt(recipe: IGptRecipe, rng: Rng): Method {
  checkIGpt(recipe);
  return iGpt(createIGptNetwork(recipe.model, rng), recipe);
}

/** iGPT on an existing network. Disposing of the method frees it. */
export function iGpt(network: IGptNetwork, recipe: IGptRecipe): Method {
  const state = { network: network.params };
  const { palette } = network.params.backbone as IGptParams;
  const { model } = recipe;
  return {
    evaluated: network.model,
    weights: network.weights,
    divides: "iGPT draws its palette and its masks for a whole batch",
    state: namedVariables(state),
    alarms: iGptAlarms(model.colours),
    optimizerValues: (now) => cosineValues(recipe, now),
    beginning: {
      images: paletteImages,
      async begin(views, rng) {
        const colours = tf.tidy(() => positionColours(firstViews(views), model));
        const read = await colours.data<"float32">().finally(() => colours.dispose());
        const values = kMeansPalette(read, model.colours, rng);
        tf.tidy(() => palette.assign(tf.tensor2d(values, palette.shape)));
      },
    },
    pass: (views, now) => iGptPass(network, views, recipe, now),
    afterUpdate() {},
    signals: ({ rows }) => ({ featureStd: directionSpread(rows.features as tf.Tensor2D) }),
    [Symbol.dispose]: () => disposeTree(state),
  };
}

/** @returns `[B, H, W, 3]` */
function firstViews(views: Views): tf.Tensor4D {
  return views.global.slice([0], [imagesIn(views)]);
}

/** The loss runs the network, on the tape, on the colours of the images. */
function iGptPass(
  { params }: IGptNetwork,
  views: Views,
  { model, head }: IGptRecipe,
  now: Moment,
): Pass {
  const backbone = params.backbone as IGptParams;
  const codes = codesOf(firstViews(views), backbone.palette, model);
  const hidden = model.masked ? drawHidden(codes.shape, head.maskShare, now.rng) : undefined;
  return {
    loss(note) {
      const kept = hidden && tf.sub<tf.Tensor2D>(1, hidden);
      const { middle, tokens } = runIGpt(codes, backbone, model, { kept });
      note?.("features", middle.mean(1));
      const [batch, positions, channels] = tokens.shape;
      const rows = tokens.reshape<tf.Tensor2D>([-1, channels]);
      const logits = tf.matMul(rows, params.wtet as tf.Tensor2D, false, true);
      return colourLoss(logits.reshape([batch, positions, -1]), codes, hidden);
    },
  };
}

/**
 * Draws the positions whose colour is hidden: each with the same probability, by itself.
 *
 * @param shape `[B, N]`
 * @returns 1 for hidden positions, 0 for others, `[B, N]`
 */
export function drawHidden(shape: [number, number], share: number, rng: Rng): tf.Tensor2D {
  const stream = rng.fork("mask");
  const hidden = Array.from({ length: shape[0] * shape[1] }, () => Number(stream.bernoulli(share)));
  return tf.tensor2d(hidden, shape, "float32");
}
