/**
 * Anchors: the boxes that a region proposal network starts from, several shapes at every position
 * of every map.
 */
import type { Boxes } from "lib/detect/boxes/boxes.ts";

/** Shapes of the boxes that a detector starts from at every position of a map. */
export interface AnchorShapes {
  /** Sides in pixels of the square anchors; for other ratios, the square root of the area. */
  readonly sizes: readonly number[];
  /** Ratios of height to width. */
  readonly ratios: readonly number[];
  /**
   * Whether corners are rounded to whole pixels around the centre, as torchvision does; detectron2
   * and mmdet do not.
   */
  readonly rounded: boolean;
}

/**
 * The anchors of one map: row by row, at each position by ratio, then by size.
 *
 * @param map Rows and columns of the map.
 * @param stride Pixels of the image between positions; the first is at the image's corner.
 * @returns `[rows · columns · ratios · sizes, 4]`
 */
export function mapAnchors(
  { height, width }: { readonly height: number; readonly width: number },
  stride: { readonly y: number; readonly x: number },
  shapes: AnchorShapes,
): Boxes {
  const cell = cellAnchors(shapes);
  const anchors = new Float32Array(height * width * cell.length);
  let at = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let i = 0; i < cell.length; i++) {
        anchors[at++] = cell[i]! + (i % 2 === 0 ? column * stride.x : row * stride.y);
      }
    }
  }
  return anchors;
}

/** Anchors around the origin. */
function cellAnchors({ sizes, ratios, rounded }: AnchorShapes): number[] {
  return ratios.flatMap((ratio) =>
    sizes.flatMap((size) => {
      const [width, height] = [size / Math.sqrt(ratio) / 2, size * Math.sqrt(ratio) / 2];
      const corners = [-width, -height, width, height];
      return rounded ? corners.map(roundHalfToEven) : corners;
    })
  );
}

/** Rounds as NumPy and PyTorch do: 22.5 becomes 22. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
