/**
 * Swin's windows: cuts a map into windows and puts it together again, masks tokens of a rolled
 * window that are no neighbours, and looks up the bias for the relative position of two tokens.
 *
 * B batch, H W map, C channels, w side of a window, N = w² tokens of a window.
 */
import * as tf from "lib/tf.ts";
import type { SwinConfig } from "lib/models/swin/swin_configs.ts";

/**
 * A layer's window, and how far every second block rolls the map, from the map's size at
 * `imageSize`.
 */
export function windowOf(
  { imageSize, patchSize, windowSize }: SwinConfig,
  layer: number,
): { readonly side: number; readonly window: number; readonly shift: number } {
  const side = Math.floor(Math.floor(imageSize / patchSize) / 2 ** layer);
  if (side < 1) {
    throw new RangeError(
      `Cannot build layer ${layer}: ${imageSize} pixels in patches of ${patchSize} leave it no token`,
    );
  }
  return side > windowSize
    ? { side, window: windowSize, shift: Math.floor(windowSize / 2) }
    : { side, window: side, shift: 0 };
}

/** How a map is cut into windows. */
export interface WindowPlan {
  /** Rows and columns of the map. */
  readonly size: readonly [number, number];
  /** Rows and columns after padding with zeros below and to the right, multiples of the window. */
  readonly padded: readonly [number, number];
  /** Tokens per side of a window. */
  readonly window: number;
  /** Tokens that the map is rolled up and to the left before it is cut. */
  readonly shift: number;
  /** Number of windows. */
  readonly windows: number;
  /** `[windows · N]`: the place in the padded map that each token of the windows comes from. */
  readonly sources: Int32Array;
  /** `[H · W]`: the place in the windows that each token of the map goes to. */
  readonly targets: Int32Array;
}

/**
 * Plans the windows of a map. Costs a third of a millisecond per pass for all layers of a Swin-T at
 * 224 pixels.
 */
export function windowPlan(
  height: number,
  width: number,
  window: number,
  shift: number,
): WindowPlan {
  const [rows, columns] = [height, width].map((side) => Math.ceil(side / window) * window) as [
    number,
    number,
  ];
  const sources = new Int32Array(rows * columns);
  const targets = new Int32Array(height * width);
  for (let slot = 0; slot < sources.length; slot++) {
    const [y, x] = placeOf(slot, columns, window);
    const [row, column] = [(y + shift) % rows, (x + shift) % columns];
    sources[slot] = row * columns + column;
    if (row < height && column < width) targets[row * width + column] = slot;
  }
  const windows = sources.length / window ** 2;
  return {
    size: [height, width],
    padded: [rows, columns],
    window,
    shift,
    windows,
    sources,
    targets,
  };
}

/** Row and column, in the rolled and padded map, of token number `slot` of all windows. */
function placeOf(slot: number, columns: number, window: number): [number, number] {
  const perRow = columns / window;
  const [index, inside] = [Math.floor(slot / window ** 2), slot % window ** 2];
  const y = Math.floor(index / perRow) * window + Math.floor(inside / window);
  const x = (index % perRow) * window + inside % window;
  return [y, x];
}

/**
 * Pads with zeros, rolls and cuts a map in one pass. The zeros are tokens like all others.
 *
 * @param x `[B, H, W, C]`
 * @returns `[B · windows, N, C]`
 */
export function toWindows(x: tf.Tensor4D, plan: WindowPlan): tf.Tensor3D {
  const op = tf.customGrad((x) => ({
    value: gatherWindows(x as tf.Tensor4D, plan),
    gradFunc: (dy) => gatherMap(dy as tf.Tensor3D, plan), // what fell on zeros is dropped
  }));
  return tf.tidy(() => op(x) as tf.Tensor3D);
}

/**
 * Puts windows together to a map: the reverse of {@linkcode toWindows}.
 *
 * @param x `[B · windows, N, C]`
 * @returns `[B, H, W, C]`
 */
export function fromWindows(x: tf.Tensor3D, plan: WindowPlan): tf.Tensor4D {
  const op = tf.customGrad((x) => ({
    value: gatherMap(x as tf.Tensor3D, plan),
    gradFunc: (dy) => gatherWindows(dy as tf.Tensor4D, plan), // nothing comes from what was cropped
  }));
  return tf.tidy(() => op(x) as tf.Tensor4D);
}

function gatherWindows(x: tf.Tensor4D, { padded, window, sources }: WindowPlan): tf.Tensor3D {
  const [batch, height, width, channels] = x.shape;
  const [rows, columns] = padded;
  const whole = rows === height && columns === width
    ? x
    : tf.pad(x, [[0, 0], [0, rows - height], [0, columns - width], [0, 0]]);
  const tokens = whole.reshape([batch, rows * columns, channels]);
  return tf.gather(tokens, tf.tensor1d(sources, "int32"), 1).reshape([-1, window ** 2, channels]);
}

function gatherMap(x: tf.Tensor3D, { size, windows, targets }: WindowPlan): tf.Tensor4D {
  const [groups, tokens, channels] = x.shape;
  const all = x.reshape([groups / windows, windows * tokens, channels]);
  return tf.gather(all, tf.tensor1d(targets, "int32"), 1).reshape([-1, ...size, channels]);
}

/**
 * The mask for rolled windows: −100 between two tokens that come from opposite edges of the map,
 * else 0. As in the references, it does not mask the zeros of the padding.
 *
 * @returns `[windows, 1, N, N]`
 */
export function rollMask(plan: WindowPlan): tf.Tensor4D {
  const N = plan.window ** 2;
  return tf.tensor4d(rollMaskValues(plan), [plan.windows, 1, N, N]);
}

/** The values of {@linkcode rollMask}. */
export function rollMaskValues({ padded, window, shift, windows }: WindowPlan): Float32Array {
  const [rows, columns] = padded;
  const strip = (at: number, side: number) => at < side - window ? 0 : at < side - shift ? 1 : 2;
  const N = window ** 2;
  const regions = new Uint8Array(windows * N).map((_, slot) => {
    const [y, x] = placeOf(slot, columns, window);
    return 3 * strip(y, rows) + strip(x, columns);
  });
  const mask = new Float32Array(windows * N * N);
  for (let token = 0; token < regions.length; token++) {
    const first = token - token % N; // the first token of its window
    for (let other = 0; other < N; other++) {
      if (regions[token] !== regions[first + other]) mask[token * N + other] = -100;
    }
  }
  return mask;
}

/**
 * The learned bias of each pair of tokens of a window, which depends on their relative position.
 *
 * @param table `[(2w − 1)², h]`
 * @returns `[1, h, N, N]`
 */
export function relativePositionBias(table: tf.Tensor2D, window: number): tf.Tensor4D {
  const N = window ** 2;
  const offsets = offsetsWithin(window);
  return tf.tidy(() =>
    tf.gather(table, tf.tensor1d(offsets, "int32")) // [N · N, h]
      .transpose().reshape<tf.Tensor4D>([1, table.shape[1], N, N])
  );
}

/** `[N · N]`: the row of the table for each pair of tokens. */
export function offsetsWithin(window: number): Int32Array {
  const N = window ** 2;
  const span = 2 * window - 1;
  const offsets = new Int32Array(N * N);
  for (let a = 0; a < N; a++) { // twenty times as fast as Int32Array.from
    for (let b = 0; b < N; b++) {
      const dy = Math.floor(a / window) - Math.floor(b / window) + window - 1;
      const dx = a % window - b % window + window - 1;
      offsets[a * N + b] = dy * span + dx;
    }
  }
  return offsets;
}
