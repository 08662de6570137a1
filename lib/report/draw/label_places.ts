/** Places for names beside points, chosen so that no name covers another name or a point. */

/** A point with its name; pixels. */
export interface LabelledPoint {
  readonly x: number;
  readonly y: number;
  /** Upper end of its error bar; `y` where it has none. `bottom` is the lower end. */
  readonly top: number;
  readonly bottom: number;
  readonly text: string;
}

/** Plot's options for one label, in pixels from the point. */
export interface LabelPlace {
  readonly dx: number;
  readonly dy: number;
  readonly textAnchor: "start" | "middle" | "end";
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Candidate places, nearest first, in the order in which they are tried. */
const places: readonly LabelPlace[] = [
  { dx: 11, dy: 0, textAnchor: "start" },
  { dx: -11, dy: 0, textAnchor: "end" },
  { dx: 0, dy: -17, textAnchor: "middle" },
  { dx: 0, dy: 17, textAnchor: "middle" },
  ...[12, 20].flatMap((dy): LabelPlace[] => [
    { dx: 8, dy: -dy, textAnchor: "start" },
    { dx: 8, dy, textAnchor: "start" },
    { dx: -8, dy: -dy, textAnchor: "end" },
    { dx: -8, dy, textAnchor: "end" },
  ]),
  { dx: 0, dy: -28, textAnchor: "middle" },
  { dx: 0, dy: 28, textAnchor: "middle" },
];
// pixels: width of a letter of 13-pixel text, half a line, radius of a symbol
const [letter, halfLine, reach] = [7.8, 8, 8];

/**
 * Chooses a place for each label, in the order of the points: the first free place, else the one
 * that covers least.
 *
 * @param frame Area that labels must stay in.
 */
export function placeLabels(
  points: readonly LabelledPoint[],
  frame: { readonly width: number; readonly height: number },
): LabelPlace[] {
  const taken: Box[] = points.flatMap(({ x, y, top, bottom }) => [
    { left: x - reach, top: y - reach, right: x + reach, bottom: y + reach },
    { left: x - 1, top, right: x + 1, bottom },
  ]);
  return points.map((point) => {
    const costs = places.map((place) => {
      const box = boxOf(point, place);
      return taken.reduce((sum, other) => sum + overlap(box, other), outside(box, frame));
    });
    const best = places[costs.indexOf(Math.min(...costs))]!;
    taken.push(boxOf(point, best));
    return best;
  });
}

function boxOf({ x, y, text }: LabelledPoint, { dx, dy, textAnchor }: LabelPlace): Box {
  const width = letter * text.length;
  const left = x + dx - { start: 0, middle: width / 2, end: width }[textAnchor];
  return { left, right: left + width, top: y + dy - halfLine, bottom: y + dy + halfLine };
}

/** Square pixels that two boxes share. */
function overlap(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Square pixels of the box outside the frame. */
function outside(box: Box, { width, height }: { width: number; height: number }): number {
  const area = (box.right - box.left) * (box.bottom - box.top);
  return area - overlap(box, { left: 0, top: 0, right: width, bottom: height });
}
