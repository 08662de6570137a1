/**
 * Effective receptive fields before, during and after training: a picture of each kernel size or
 * moment, and a table of their sizes.
 */
import {
  type FieldAtMoment,
  type FieldOfWeights,
  fieldShares,
  type TrainedField,
} from "lib/experiments/mod.ts";
import type { SliderFrame } from "lib/report/interactive/slider.ts";
import { meanAndError } from "lib/stats/statistics.ts";
import { colourMap } from "lib/report/draw/colour_maps.ts";
import { type Figure, fontFamily } from "lib/report/draw/plot.ts";
import { escapeXml } from "lib/report/draw/text.ts";
import { type Table, tableOf } from "lib/report/tables/table_formats.ts";

// sizes in pixels of the figure
const [panel, gap, left, top, legendHeight, margin] = [150, 8, 74, 30, 62, 10];
const largePanel = 300; // where there are two
const fewestColumns = 4; // the legend is as wide as so many pictures
const decades = 4; // from the strongest contribution to the weakest that is drawn
const levels = 16; // colours between them
const [half, nearlyAll] = [fieldShares.indexOf(0.5), fieldShares.indexOf(0.99)];

const states = [["before", "before"], ["after", "after"]] as const;

/**
 * Draws the effective receptive fields of networks with different kernels: above before training,
 * below after it, a column for each kernel size, all at one scale. Colours are logarithmic: bright
 * where a square of pixels contributes as much as the strongest, black at a ten-thousandth of it
 * and below. Black squares with white edges hold half of all contributions, dashed ones 99 %, mean
 * over seeds; a blue square is as large as the images that the networks were trained on.
 *
 * @throws {RangeError} If there is no field, or fields were measured on images of different sizes.
 */
export function trainedFieldFigure(fields: readonly TrainedField[]): Figure {
  const [first] = fields;
  const sizesOf = ({ measuredOn, trainedOn }: TrainedField) => `${measuredOn}, ${trainedOn}`;
  if (first === undefined || fields.some((field) => sizesOf(field) !== sizesOf(first))) {
    throw new RangeError(
      `Cannot draw ${fields.length} receptive fields: need some, all on images of one size`,
    );
  }
  const shown = shownSide(fields);
  const columns = Math.max(fields.length, fewestColumns);
  const width = left + columns * (panel + gap) + margin;
  const height = top + 2 * (panel + gap) + legendHeight + margin;
  const parts = fields.flatMap((field, column) => {
    const x = left + column * (panel + gap);
    const title = text(
      x + panel / 2,
      top - 10,
      `${field.kernelSize}×${field.kernelSize}`,
      "middle",
    );
    const panels = states.map(([state], row) =>
      fieldPanel(field, field[state], { x, y: top + row * (panel + gap), panel, shown })
    );
    return [title, ...panels];
  });
  const rows = states.map(([, words], row) => {
    const y = top + row * (panel + gap) + panel / 2;
    return text(margin, y - 4, words, "start") + text(margin, y + 14, "training", "start");
  });
  const below = legend(top + 2 * (panel + gap) + 8, first, shown);
  return drawing(width, height, [...rows, ...parts, below]);
}

function drawing(width: number, height: number, parts: readonly string[]): Figure {
  return {
    outerHTML: `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      `font-family="${fontFamily}" font-size="13">${parts.join("")}</svg>`,
  };
}

/**
 * The fields of one network as its training goes on, a frame for each, for `slider`: to the left the
 * field at the first moment, to the right the one at the frame's. They are drawn as by
 * {@linkcode trainedFieldFigure}, all at one scale.
 *
 * @throws {RangeError} If there is no field, or fields were measured on images of different sizes.
 */
export function fieldFrames(fields: readonly FieldAtMoment[]): SliderFrame[] {
  const [first] = fields;
  if (first === undefined || fields.some(({ measuredOn }) => measuredOn !== first.measuredOn)) {
    throw new RangeError(
      `Cannot draw ${fields.length} receptive fields: need some, all on images of one size`,
    );
  }
  const sides = fields.map((field) => meanSide(field, nearlyAll));
  const shown = Math.min(first.measuredOn, 1.1 * Math.max(first.trainedOn, ...sides));
  const width = left + fewestColumns * (panel + gap) + margin;
  const bottom = top + largePanel + gap;
  return fields.map((field) => {
    const panels = [first, field].flatMap((shownField, column) => {
      const x = left + column * (largePanel + gap);
      const title = text(x + largePanel / 2, top - 10, shownField.name, "middle");
      return [title, fieldPanel(first, shownField, { x, y: top, panel: largePanel, shown })];
    });
    const below = legend(bottom + 8, first, shown);
    return {
      at: field.name,
      picture: drawing(width, bottom + legendHeight + margin, [...panels, below]),
      says: `half of all influence comes from a square of ${
        Math.round(meanSide(field, half))
      } pixels, 99 % from one of ${Math.round(meanSide(field, nearlyAll))}`,
    };
  });
}

/** Side in pixels of what is drawn: all squares and a little more, within what was measured. */
function shownSide(fields: readonly TrainedField[]): number {
  const sides = fields.flatMap(({ before, after, trainedOn }) => [
    trainedOn,
    ...[before, after].map((weights) => meanSide(weights, nearlyAll)),
  ]);
  return Math.min(fields[0]!.measuredOn, 1.1 * Math.max(...sides));
}

function meanSide({ sides }: FieldOfWeights, share: number): number {
  return meanAndError(sides[share]!).mean;
}

interface Place {
  readonly x: number;
  readonly y: number;
  /** Side of the panel in the figure's pixels. */
  readonly panel: number;
  /** Side in pixels of the image that the panel shows. */
  readonly shown: number;
}

/** One field: its map, cut to what is shown, and its squares. */
function fieldPanel(
  { measuredOn, trainedOn }: Pick<TrainedField, "measuredOn" | "trainedOn">,
  weights: FieldOfWeights,
  { x, y, panel, shown }: Place,
): string {
  const { side } = weights.map;
  const scale = panel / (shown / measuredOn * side); // figure's pixels per square of the map
  const corner = (panel - side * scale) / 2;
  const square = (pixels: number, look: readonly string[]) => {
    const drawn = panel * Math.min(pixels / shown, 1);
    const at = ((panel - drawn) / 2).toFixed(1);
    const size = drawn.toFixed(1);
    const place = `x="${at}" y="${at}" width="${size}" height="${size}"`;
    return look.map((stroke) => `<rect ${place} fill="none" ${stroke}/>`).join("");
  };
  return `<svg x="${x}" y="${y}" width="${panel}" height="${panel}">` +
    `<rect width="${panel}" height="${panel}" fill="black"/>` +
    `<g transform="translate(${corner.toFixed(2)} ${corner.toFixed(2)}) ` +
    `scale(${scale.toFixed(4)})" shape-rendering="crispEdges">${squaresOf(weights)}</g>` +
    square(trainedOn, looks.image) + square(meanSide(weights, nearlyAll), looks.nearlyAll) +
    square(meanSide(weights, half), looks.half) + "</svg>";
}

const looks = {
  image: ['stroke="#56B4E9" stroke-width="2"'],
  // black between white: seen on bright and on dark colours
  half: ['stroke="white" stroke-width="4"', 'stroke="black" stroke-width="2"'],
  nearlyAll: ['stroke="white" stroke-width="1.5" stroke-dasharray="4 3"'],
} as const;

/** The map as one path for each colour: neighbours of one colour in a row are one rectangle. */
function squaresOf({ map: { side, values } }: FieldOfWeights): string {
  const most = values.reduce((max, value) => Math.max(max, value), 0);
  const paths = new Map<number, string>();
  const level = (p: number) => levelOf(values[p]! / most);
  for (let y = 0; y < side; y++) {
    for (let x = 0, end = 0; x < side; x = end) {
      const own = level(y * side + x);
      for (end = x + 1; end < side && level(y * side + end) === own;) end++;
      const rectangle = `M${x} ${y}h${end - x}v1h${x - end}z`;
      if (own > 0) paths.set(own, (paths.get(own) ?? "") + rectangle);
    }
  }
  return [...paths].sort(([a], [b]) => a - b)
    .map(([own, d]) => `<path fill="${colourOf(own)}" d="${d}"/>`).join("");
}

/** The colour's number, 0 for a ten-thousandth of the strongest contribution and below. */
function levelOf(share: number): number {
  const height = 1 + Math.log10(Math.max(share, 1e-30)) / decades;
  return Math.min(Math.max(Math.ceil(height * levels), 0), levels);
}

function colourOf(level: number): string {
  return `rgb(${colourMap("magma")[Math.round(255 * level / levels)]!.join()})`;
}

/** The scale of colours, and what the squares are. */
function legend(y: number, { trainedOn }: Pick<TrainedField, "trainedOn">, shown: number): string {
  const step = 9;
  const strip = Array.from(
    { length: levels + 1 },
    (_, level) =>
      `<rect x="${left + level * step}" y="${y}" width="${step + 0.5}" height="12" ` +
      `fill="${colourOf(level)}"/>`,
  ).join("");
  const end = left + (levels + 1) * step;
  const key = (x: number, row: number, look: readonly string[], words: string) => {
    const at = y + 22 + row * 20;
    const place = `x="${x + 4}" y="${at + 3}" width="20" height="9"`;
    return `<rect x="${x}" y="${at}" width="28" height="15" fill="${colourOf(6)}"/>` +
      look.map((stroke) => `<rect ${place} fill="none" ${stroke}/>`).join("") +
      text(x + 32, at + 11, words, "start");
  };
  return strip +
    text(
      end + 8,
      y + 11,
      "contribution, from 1/10,000 of the strongest to the strongest",
      "start",
    ) +
    key(left, 0, looks.half, "holds half of all") +
    key(left + 190, 0, looks.nearlyAll, "holds 99 % of all") +
    key(left, 1, looks.image, `an image of the training (${trainedOn} pixels)`) +
    text(left + 330, y + 53, `each picture: ${Math.round(shown)} pixels a side`, "start");
}

function text(x: number, y: number, words: string, anchor: "start" | "middle"): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escapeXml(words)}</text>`;
}

/**
 * For each network before and after training, and for the change, the side in pixels of the centred
 * square that holds 20, 30, 50 and 99 % of all contributions, and how much of the measured image
 * this square is for half of them; means over seeds and standard errors. The change is taken seed
 * by seed.
 */
export function trainedFieldTable(fields: readonly TrainedField[]): Table {
  const rows = fields.flatMap((field) => {
    const { name, measuredOn, before, after, scale, seeds } = field;
    const change = after.sides.map((sides, i) =>
      sides.map((side, s) => side - before.sides[i]![s]!)
    );
    const areas = (sides: readonly (readonly number[])[]) =>
      sides[half]!.map((side) => 100 * (side / measuredOn) ** 2);
    const [areaBefore, areaAfter] = [areas(before.sides), areas(after.sides)];
    const row = (
      weights: string,
      sides: readonly (readonly number[])[],
      area: readonly number[],
    ) => ({
      network: name,
      weights,
      ...Object.assign(
        {},
        ...fieldShares.map((share, i) => columnsOf(`${100 * share} %`, sides[i]!)),
      ),
      "area of 50 % (% of the image)": meanAndError(area).mean,
      "area ± s.e.": meanAndError(area).standardError,
      n: seeds.length,
      scale,
      seeds: seeds.join(", "),
    });
    return [
      row("before training", before.sides, areaBefore),
      row("after training", after.sides, areaAfter),
      row("change", change, areaAfter.map((area, s) => area - areaBefore[s]!)),
    ];
  });
  return { ...tableOf(rows), notes: fields[0] ? [noteOf(fields[0])] : [] };
}

function columnsOf(share: string, sides: readonly number[]) {
  const { mean, standardError } = meanAndError(sides);
  return { [`${share}: side (px)`]: mean, [`${share} ± s.e.`]: standardError };
}

function noteOf({ measuredOn, trainedOn }: TrainedField): string {
  return `Side of the centred square that holds this share of all contributions (RepLKNet, Table ` +
    `10), means over seeds. Measured on test images laid side by side, ${measuredOn} pixels in all; ` +
    `the networks were trained on ${trainedOn}. A side of ${measuredOn} means that the field is ` +
    `larger than what was measured.`;
}
