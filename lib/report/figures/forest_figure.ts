/**
 * A forest plot of claims: for each, the effect that the paper printed, and those of two studies of
 * ours with their intervals.
 */
import * as Plot from "@observablehq/plot";
import { axisLabel, colours, type Figure, grey, plot, stackOf } from "lib/report/draw/plot.ts";

/** The effect that a study found; fractions. */
export interface ForestEffect {
  /** The mean over seeds. */
  readonly mean: number;
  /** Its confidence interval; infinite for one seed. */
  readonly interval: readonly [number, number];
  /** Number of seeds. */
  readonly n: number;
  /** What stands at the right end: `agrees`. */
  readonly verdict: string;
}

/** A claim. */
export interface ForestRow {
  /** What it says. */
  readonly says: string;
  /** Below it, small: where it stands. */
  readonly source: string;
  /** The printed effect, a fraction; null where there is none. */
  readonly paper: number | null;
  /** Effects of the studies, in the order of their names; `undefined` where it was not tested. */
  readonly effects: readonly (ForestEffect | undefined)[];
}

/** Claims on one axis, in groups with a heading each. */
export interface ForestPanel {
  /** Groups from the top, each with the rows below its heading. */
  readonly groups: readonly { readonly heading: string; readonly rows: readonly ForestRow[] }[];
}

const width = 1040;
const margins = { marginLeft: 482, marginRight: 100, marginTop: 8, marginBottom: 44 } as const;
/** Pixels of a row and of a heading. */
const heights = { row: 39, heading: 28 } as const;
/** Pixels between the marks of one row. */
const apart = 11;
const studyColours = [colours.orange, colours.blue] as const;
const axisTitle = "effect (points); above 0 is what the claim says";

/**
 * Draws effects with their intervals, a row for each claim: at the top of the row the paper's,
 * hollow, and below it those of the studies, filled. Claims of a panel share an axis. At the right
 * end stands each study's verdict. A study of one or two seeds has no bar.
 *
 * @param studies Names of the two studies, for the key: `at 32 pixels`.
 * @throws {RangeError} If there is no row.
 */
export function forestFigure(
  panels: readonly ForestPanel[],
  { studies }: { readonly studies: readonly [string, string] },
): Figure {
  const filled = panels.filter(({ groups }) => groups.some(({ rows }) => rows.length > 0));
  if (filled.length === 0) throw new RangeError("Cannot draw a forest plot: there is no claim");
  return stackOf(filled.map(panelOf), { width, header: keyOf(studies) });
}

/** A row or a heading with the pixel at which it begins. */
interface Placed<T> {
  readonly y: number;
  readonly item: T;
}

function panelOf({ groups }: ForestPanel): Figure & { readonly height: number } {
  const headings: Placed<string>[] = [];
  const rows: Placed<ForestRow>[] = [];
  let y = 0;
  for (const group of groups) {
    headings.push({ y, item: group.heading });
    y += heights.heading;
    for (const item of group.rows) {
      rows.push({ y, item });
      y += heights.row;
    }
  }
  const height = y + margins.marginTop + margins.marginBottom;
  const figure = plot({
    width,
    height,
    ...margins,
    x: { domain: [...extentOf(rows)], grid: true, ...axisLabel(axisTitle, "center") },
    y: { domain: [y, 0], axis: null },
    marks: [
      Plot.ruleX([0], { stroke: "black" }),
      ...textMarks(headings, rows),
      ...printedMarks(rows),
      ...studyColours.flatMap((colour, i) => studyMarks(rows, i, colour)),
    ],
  });
  return { outerHTML: figure.outerHTML, height };
}

/** Whether an effect has an interval to draw: with two seeds it would be wider than the figure. */
function hasBar({ n }: ForestEffect): boolean {
  return n > 2;
}

/** The range of all that is drawn, in points, with 0 and some room on both sides. */
function extentOf(rows: readonly Placed<ForestRow>[]): readonly [number, number] {
  const values = rows.flatMap(({ item: { paper, effects } }) => [
    paper ?? 0,
    ...effects.flatMap((effect) =>
      effect === undefined ? [] : hasBar(effect) ? [...effect.interval] : [effect.mean]
    ),
  ]).map((value) => 100 * value);
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const room = Math.max((high - low) / 25, 0.1);
  return [low - room, high + room];
}

function textMarks(
  headings: readonly Placed<string>[],
  rows: readonly Placed<ForestRow>[],
): Plot.Markish[] {
  const left = { frameAnchor: "left", dx: 10 - margins.marginLeft, textAnchor: "start" } as const;
  const text = (lines: readonly { y: number; text: string }[], options: Plot.TextOptions) =>
    Plot.text(lines, { y: "y", text: "text", ...left, ...options });
  return [
    text(headings.map(({ y, item }) => ({ y: y + 16, text: item })), { fontWeight: "bold" }),
    text(rows.map(({ y, item }) => ({ y: y + 12, text: item.says })), { fontSize: 12 }),
    text(rows.map(({ y, item }) => ({ y: y + 26, text: item.source })), {
      fontSize: 11,
      fill: grey,
    }),
    Plot.ruleY(headings.slice(1).map(({ y }) => y + 2), { stroke: grey, strokeOpacity: 0.4 }),
  ];
}

function printedMarks(rows: readonly Placed<ForestRow>[]): Plot.Markish[] {
  const points = rows.flatMap(({ y, item: { says, paper } }) =>
    paper === null
      ? []
      : [{ x: 100 * paper, y: y + 7, title: `the paper, ${says}: ${signed(100 * paper)}` }]
  );
  const look = { r: 4.5, fill: "white", stroke: "black", strokeWidth: 1.5, title: "title" };
  return [Plot.dot(points, { x: "x", y: "y", symbol: "diamond", ...look })];
}

/** The marks of one study: bars, dots, and the verdicts at the right end. */
function studyMarks(
  rows: readonly Placed<ForestRow>[],
  study: number,
  colour: string,
): Plot.Markish[] {
  const points = rows.flatMap(({ y, item: { says, effects } }) => {
    const effect = effects[study];
    if (effect === undefined) return [];
    const { mean, interval, n, verdict } = effect;
    const [low, high] = hasBar(effect) ? interval : [mean, mean];
    return [{
      ...{ x: 100 * mean, low: 100 * low, high: 100 * high, verdict },
      y: y + 7 + apart * (study + 1),
      title: `${says}: ${signed(100 * mean)} (${signed(100 * low)} to ${signed(100 * high)}), ` +
        `${n} ${n === 1 ? "seed" : "seeds"}, ${verdict}`,
    }];
  });
  return [
    Plot.ruleY(points, { y: "y", x1: "low", x2: "high", stroke: colour, strokeWidth: 2 }),
    Plot.dot(points, {
      ...{ x: "x", y: "y", fill: colour, r: 4, title: "title" },
      symbol: study === 0 ? "square" : "circle",
    }),
    Plot.text(points, {
      ...{ y: "y", text: "verdict", fill: colour === colours.orange ? grey : colour },
      ...{ frameAnchor: "right", dx: margins.marginRight - 90, textAnchor: "start", fontSize: 11 },
    }),
  ];
}

/** The key, as `stackOf`'s header. */
function keyOf(studies: readonly [string, string]): string {
  const entries = [
    { name: "the paper", symbol: "diamond", fill: "white", stroke: "black" },
    { name: studies[0], symbol: "square", fill: studyColours[0], stroke: studyColours[0] },
    { name: studies[1], symbol: "circle", fill: studyColours[1], stroke: studyColours[1] },
  ] as const;
  const [letter, height] = [8, 28];
  let x = 20;
  const placed = entries.map((entry) => {
    const at = { ...entry, x };
    x += 44 + letter * entry.name.length;
    return at;
  });
  const note = "bars: 95 % intervals; right: verdict after Holm";
  return plot({
    width,
    height,
    margin: 0,
    x: { domain: [0, width], axis: null },
    y: { domain: [0, 1], axis: null },
    marks: [
      ...placed.flatMap(({ name, symbol, fill, stroke, x }) => [
        Plot.dot([0], { x: () => x, y: () => 0.5, symbol, fill, stroke, r: 4.5 }),
        Plot.text([name], { x: () => x + 12, y: () => 0.5, text: () => name, textAnchor: "start" }),
      ]),
      Plot.text([note], {
        ...{ x: () => width - 10, y: () => 0.5, text: () => note, textAnchor: "end" },
        ...{ fill: grey, fontSize: 12 },
      }),
    ],
  }).outerHTML;
}

/** `+1.25`, `−0.30`. */
function signed(points: number): string {
  return (points < 0 ? "−" : "+") + Math.abs(points).toFixed(2);
}
