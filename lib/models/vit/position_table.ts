/** A ViT's table of positions: interpolated for images of another size, or fixed. */
import * as tf from "lib/tf.ts";

/**
 * The table of `rows × columns` patches, interpolated as DINO does.
 *
 * DINO calls `F.interpolate(mode="bicubic")` with the scale `(rows + 0.1) / n`. The 0.1 was meant
 * to prevent rounding errors, but it also shifts the place that each patch reads from, so even a
 * table of the same size changes.
 *
 * @param table `[1, 1 + n·n, C]`; the first entry, that of the class token, stays.
 * @returns `[1, 1 + rows·columns, C]`
 */
export function interpolatePositions(
  table: tf.Tensor3D,
  rows: number,
  columns: number,
): tf.Tensor3D {
  const [, entries, channels] = table.shape;
  const n = Math.sqrt(entries - 1);
  return tf.tidy(() => {
    const [ofClass, ofPatches] = tf.split(table, [1, n * n], 1) as [tf.Tensor3D, tf.Tensor3D];
    const tall = tf.matMul(bicubic(n, rows), ofPatches.reshape<tf.Tensor2D>([n, n * channels]));
    const columnsFirst = tall.reshape<tf.Tensor3D>([rows, n, channels]).transpose([1, 0, 2]);
    const whole = tf.matMul(bicubic(n, columns), columnsFirst.reshape<tf.Tensor2D>([n, -1]))
      .reshape<tf.Tensor3D>([columns, rows, channels]).transpose([1, 0, 2]);
    return tf.concat([ofClass, whole.reshape<tf.Tensor3D>([1, rows * columns, channels])], 1);
  });
}

/**
 * MoCo v3's fixed table: sines and cosines of row and column at C/4 frequencies, from 1 down to
 * nearly 1/10,000 radians a patch (moco-v3, vits.py `build_2d_sincos_position_embedding`).
 *
 * The first half of the channels holds the row. The official code calls these rows `grid_w`, but its
 * `meshgrid` lets them vary slowly, and patches are in order of rows.
 *
 * @param side Rows, and columns, of patches.
 * @param channels C, a multiple of 4: C/4 sines and C/4 cosines of the row, then of the column.
 * @returns `[1, 1 + side·side, C]`; the class token has zeros.
 */
export function sinCosPositions(side: number, channels: number): tf.Tensor3D {
  const count = channels / 4;
  const table = new Float32Array((1 + side * side) * channels);
  for (let patch = 0; patch < side * side; patch++) {
    const places = [Math.floor(patch / side), patch % side];
    for (let i = 0; i < count; i++) {
      const frequency = 10_000 ** (-i / count);
      places.forEach((place, half) => {
        const at = (1 + patch) * channels + 2 * half * count + i;
        table[at] = Math.sin(place * frequency);
        table[at + count] = Math.cos(place * frequency);
      });
    }
  }
  return tf.tensor3d(table, [1, 1 + side * side, channels]);
}

/**
 * `[newSize, size]`: the weight of each old place in each new one; places beyond an edge repeat the
 * edge.
 */
function bicubic(size: number, newSize: number): tf.Tensor2D {
  const weights = new Float32Array(newSize * size);
  for (let i = 0; i < newSize; i++) {
    const source = (i + 0.5) * size / (newSize + 0.1) - 0.5;
    const first = Math.floor(source) - 1;
    for (let at = first; at < first + 4; at++) {
      const inside = Math.min(Math.max(at, 0), size - 1);
      weights[i * size + inside]! += keys(source - at);
    }
  }
  return tf.tensor2d(weights, [newSize, size]);
}

/** Keys' cubic convolution with PyTorch's a = −0.75. */
function keys(x: number): number {
  const a = -0.75;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}
