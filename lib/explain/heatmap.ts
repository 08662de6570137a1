/**
 * Scales the small maps of a network's layers to one heat map of the image's size, as
 * pytorch-grad-cam does.
 */

/** The importance of each pixel, row by row. */
export interface Heatmap {
  /** H, in pixels. */
  readonly height: number;
  /** W, in pixels. */
  readonly width: number;
  /** `[H, W]`, 0–1. The highest is 1, unless all are 0: then nothing in the image matters. */
  readonly values: Float32Array;
}

/** Numbers of either sign on the grid of a layer. */
export interface SignedMap {
  readonly height: number;
  readonly width: number;
  /** `[H, W]` */
  readonly values: Float64Array;
}

/**
 * The heat map of each image from its maps of all layers (base_cam.py): negative values are set to
 * 0, each map is scaled to 0–1 and then resized; the mean over layers is scaled to 0–1 once more,
 * since resizing can miss the highest point.
 *
 * @param maps By layer, at least one, then by image.
 * @param images `[B, H, W, 3]`, for their size.
 * @throws {RangeError} If a value is not finite.
 */
export function heatmapsOf(
  maps: readonly (readonly SignedMap[])[],
  { shape: [, height, width] }: { readonly shape: readonly [number, number, number, number] },
): Heatmap[] {
  return maps[0]!.map((_, image) =>
    heatmapOf(maps.map((ofLayer) => ofLayer[image]!), height, width)
  );
}

function heatmapOf(maps: readonly SignedMap[], height: number, width: number): Heatmap {
  const sum = new Float64Array(height * width);
  for (const map of maps) {
    const positive = { ...map, values: spread(map.values.map(cutNegative)) };
    resizeBilinear(positive, height, width).forEach((value, p) => sum[p]! += value);
  }
  const values = Float32Array.from(spread(sum.map((value) => value / maps.length)));
  return { height, width, values };
}

function cutNegative(value: number): number {
  if (!Number.isFinite(value)) {
    throw new RangeError(`Cannot draw a heat map: one value is ${value}; are the weights whole?`);
  }
  return Math.max(value, 0);
}

/**
 * `(x − min) / (1e-7 + max(x − min))`. The epsilon is the reference's: maps far below it stay dark.
 */
function spread(values: Float64Array): Float64Array {
  const least = values.reduce((min, value) => Math.min(min, value), Infinity);
  const most = values.reduce((max, value) => Math.max(max, value), -Infinity) - least;
  return values.map((value) => (value - least) / (1e-7 + most));
}

/** Resizes as OpenCV's INTER_LINEAR: pixels are aligned at their centres, edges are repeated. */
function resizeBilinear(map: SignedMap, height: number, width: number): Float64Array {
  const [rows, columns] = [taps(map.height, height), taps(map.width, width)];
  const out = new Float64Array(height * width);
  rows.forEach(([top, bottom, down], y) =>
    columns.forEach(([left, right, along], x) => {
      const at = (row: number, column: number) => map.values[row * map.width + column]!;
      const across = (row: number) => (1 - along) * at(row, left) + along * at(row, right);
      out[y * width + x] = (1 - down) * across(top) + down * across(bottom);
    })
  );
  return out;
}

/**
 * For each of `to` positions, the two of `from` that it lies between, and the weight of the second.
 */
function taps(from: number, to: number): [first: number, second: number, share: number][] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(Math.max((i + 0.5) * from / to - 0.5, 0), from - 1);
    const first = Math.floor(at);
    return [first, Math.min(first + 1, from - 1), at - first];
  });
}
