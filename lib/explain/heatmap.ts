/** Heat maps: from the small maps of a network's layers to one of the image's size, as pytorch-grad-cam scales them. */

/** How much each pixel matters, row by row. */
export interface Heatmap {
  /** H, in pixels. */
  readonly height: number;
  /** W, in pixels. */
  readonly width: number;
  /** `[H, W]`, 0–1: the highest is 1, but for a map of zeros, which says that nothing speaks for it. */
  readonly values: Float32Array;
}

/** Numbers of either sign on a grid, as a layer gives them. */
export interface SignedMap {
  readonly height: number;
  readonly width: number;
  /** `[H, W]` */
  readonly values: Float64Array;
}

/**
 * Each image's heat map from its map of each layer (base_cam.py): what is negative is cut, each map is spread over 0–1 and
 * only then resized; their mean is spread over 0–1 once more, since bilinear samples need not meet the highest point.
 *
 * @param maps By layer, then by image; of the layers one or more.
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

/** `(x − min) / (1e-7 + max(x − min))`, the reference's own epsilon: maps far below it stay dark. */
function spread(values: Float64Array): Float64Array {
  const least = values.reduce((min, value) => Math.min(min, value), Infinity);
  const most = values.reduce((max, value) => Math.max(max, value), -Infinity) - least;
  return values.map((value) => (value - least) / (1e-7 + most));
}

/** OpenCV's INTER_LINEAR: centres of pixels on centres of pixels, edges repeated. */
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

/** For each of `to` positions, the two of `from` that it lies between, and how far it is towards the second. */
function taps(from: number, to: number): [first: number, second: number, share: number][] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(Math.max((i + 0.5) * from / to - 0.5, 0), from - 1);
    const first = Math.floor(at);
    return [first, Math.min(first + 1, from - 1), at - first];
  });
}
