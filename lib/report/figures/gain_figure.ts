/** How much a large kernel gains over a small one, setting by setting. */
import * as Plot from "@observablehq/plot";
import { deepMapSide, type KernelGain } from "lib/experiments/mod.ts";
import { bcSslConfig } from "lib/models/mod.ts";
import { confidenceInterval, meanAndError } from "lib/stats/statistics.ts";
import { seedLines } from "lib/report/figures/seed_points.ts";
import { axisLabel, colours, type Figure, grey, gridOf, plot } from "lib/report/draw/plot.ts";

/** Which accuracy is compared. */
export type GainScore = "knn" | "linear";

const scoreNames = { knn: "k-NN", linear: "linear probe" } as const;

/** What {@linkcode gainFigure} draws besides the settings. */
export interface GainFigureOptions {
  /** Accuracy that is compared; by default k-NN. */
  readonly score?: GainScore;
  /** Settings that were run again with seeds of their own; by default none. */
  readonly confirmed?: readonly KernelGain[];
}

/** A gain in points. */
interface GainPoint {
  readonly name: string;
  readonly y: number;
  /** Ends of the interval of 95 %, or `y` with fewer than three seeds. */
  readonly low: number;
  readonly high: number;
  readonly n: number;
  /** Pixels to the right of the setting's place. */
  readonly dx: number;
  readonly title: string;
}

/** The marks of one panel. */
interface GainPanel {
  readonly axis: string;
  readonly screened: readonly GainPoint[];
  readonly confirmed: readonly GainPoint[];
  /** Settings with a map as large as the paper's, on an axis of several sizes of maps. */
  readonly asThePaper: readonly string[];
}

/** How settings and those that were run again are drawn. */
const looks = {
  screened: { stroke: colours.blue, symbol: "circle" },
  confirmed: { stroke: colours.black, symbol: "square" },
} as const;
const dodge = 6; // pixels between a setting and the same one with other seeds, to each side
const [width, height] = [400, 284];
/** Points from zero beyond which a gain does not stretch the axis of all panels: an arrow says it. */
const farGain = 6;
const paperImage = 224; // pixels a side
/** Side of the map of the paper's networks in the stage with most blocks. */
const paperMapSide = deepMapSide(bcSslConfig("tiny"), paperImage);

/**
 * Draws the gain of the large kernel in points, one panel for each axis and one mark for each of
 * its settings, in their order; above the zero line the large kernel wins. A confirmed setting is
 * drawn beside the same setting wherever that stands. A filled mark has three seeds or more, and a
 * bar, its interval of 95 %; a hollow mark has fewer, which tell little. A gain far outside the others
 * is an arrow at the edge, with its number. What the paper prints on ImageNet (Figure 2 or Table 2) is
 * a dashed line, and a diamond at the map that it was measured on.
 *
 * @throws {RangeError} If there is nothing to draw.
 */
export function gainFigure(
  gains: readonly KernelGain[],
  { score = "knn", confirmed = [] }: GainFigureOptions = {},
): Figure {
  if (gains.length === 0) throw new RangeError("Cannot draw gains: there is no setting");
  const panels = [...Map.groupBy(gains, ({ axis }) => axis)].map(([axis, own]): GainPanel => {
    const again = own.flatMap((gain) =>
      confirmed.filter((other) => sameSetting(gain, other))
        .map((other) => gainPoint({ ...other, name: gain.name }, score, dodge))
    );
    const isAgain = ({ name }: KernelGain) => again.some((point) => point.name === name);
    const screened = own.map((gain) => gainPoint(gain, score, isAgain(gain) ? -dodge : 0));
    const sides = new Set(own.map(({ mapSide }) => mapSide)).size;
    const asThePaper = own.filter(({ mapSide }) => sides > 1 && mapSide === paperMapSide);
    return { axis, screened, confirmed: again, asThePaper: asThePaper.map(({ name }) => name) };
  });
  const printed = printedGain(gains[0]!, score);
  const points = panels.flatMap(({ screened, confirmed }) => [...screened, ...confirmed]);
  const near = points.filter(({ y }) => Math.abs(y) <= farGain);
  const ends = (near.length > 0 ? near : points).flatMap(({ low, high }) => [low, high]);
  const [low, high] = [Math.min(0, ...ends), Math.max(0, printed ?? 0, ...ends)];
  const room = Math.max((high - low) / 12, 0.1);
  const options = { score, printed, domain: [low - room, high + room] as const };
  return gridOf(panels.map((panel) => panelOf(panel, options)), {
    ...{ columns: 2, width, height },
    header: legend(panels.length, { printed, confirmed: confirmed.length > 0 }),
  });
}

function panelOf(
  { axis, screened, confirmed, asThePaper }: GainPanel,
  { score, domain, printed }: {
    readonly score: GainScore;
    readonly domain: readonly [number, number];
    readonly printed: number | undefined;
  },
): Figure {
  const paper = printed === undefined ? [] : [
    Plot.ruleY([printed], { stroke: colours.vermilion, strokeDasharray: "5 4" }),
    Plot.dot(asThePaper, {
      ...{ x: (name: string) => name, y: () => printed, r: 6, symbol: "diamond" },
      ...{ stroke: colours.vermilion, strokeWidth: 2, fill: "white" },
    }),
  ];
  return plot({
    ...{ width, height, marginLeft: 46, marginTop: 34, marginBottom: 62, marginRight: 12 },
    x: {
      ...{ type: "point", domain: screened.map(({ name }) => name), padding: 0.5, tickSize: 0 },
      ...{ ...axisLabel(axis, "center"), labelOffset: 40 },
    },
    y: {
      ...{ domain: [...domain], grid: true, ticks: 6 },
      ...axisLabel(`gain in ${scoreNames[score]} (points)`, "top"),
    },
    marks: [
      Plot.ruleY([0], { stroke: grey }),
      ...paper,
      ...screened.flatMap((point) => marksOf(point, "screened", domain)),
      ...confirmed.flatMap((point) => marksOf(point, "confirmed", domain)),
    ],
  });
}

function marksOf(
  point: GainPoint,
  look: keyof typeof looks,
  [least, most]: readonly [number, number],
): Plot.Markish[] {
  const { stroke, symbol } = looks[look];
  if (point.y < least || point.y > most) {
    const [arrow, edge, dy] = point.y < least ? ["↓", least, -8] : ["↑", most, 8];
    const text = `${arrow} ${point.y.toFixed(1).replace("-", "−")}`;
    const place = { x: "name", y: () => edge, dx: point.dx, dy } as const;
    return [Plot.text([point], { ...place, text: () => text, title: "title", fill: stroke })];
  }
  const place = { x: "name", stroke, strokeWidth: 2, dx: point.dx } as const;
  const bar = Plot.ruleX([point], { ...place, y1: "low", y2: "high" });
  const fill = point.n > 2 ? stroke : "white";
  const dot = Plot.dot([point], { ...place, y: "y", r: 4.5, symbol, fill, title: "title" });
  return point.n > 2 ? [bar, dot] : [dot];
}

/** The key, as `gridOf`'s header; in short for a single panel. */
function legend(
  panels: number,
  { printed, confirmed }: { readonly printed: number | undefined; readonly confirmed: boolean },
): string {
  const keys = [
    { mark: keyMarks.screened, says: "first seeds" },
    ...confirmed ? [{ mark: keyMarks.confirmed, says: "fresh seeds" }] : [],
    ...printed === undefined ? [] : [{
      mark: keyMarks.paper,
      says: panels > 1 ? `the paper, map of ${paperMapSide}` : "the paper",
    }],
  ];
  let x = 22;
  const drawn = keys.map(({ mark, says }) => {
    const at = x;
    x += 54 + 7.4 * says.length;
    return `<g transform="translate(${at},14)">${mark}<text x="20" y="4.5">${says}</text></g>`;
  });
  const note = "filled: 3 seeds or more, bar: 95 %; hollow: fewer";
  return drawn.join("") +
    (panels > 1 ? `<text x="${x}" y="18.5" font-size="12" fill="${grey}">${note}</text>` : "");
}

const keyMarks = {
  screened: `<circle r="4.5" fill="white" stroke="${looks.screened.stroke}" stroke-width="2"/>`,
  confirmed: `<rect x="-4.5" y="-4.5" width="9" height="9" fill="${looks.confirmed.stroke}"/>`,
  paper: `<g stroke="${colours.vermilion}"><path d="M-15,0H15" stroke-dasharray="5 4"/>` +
    `<path d="M-4.5,0L0,-7L4.5,0L0,7Z" fill="white" stroke-width="2"/></g>`,
} as const;

/** Whether two gains are of the same runs but for the seeds. */
function sameSetting(a: KernelGain, b: KernelGain): boolean {
  const [one, other] = [a, b].map(({ small, large }) =>
    JSON.stringify([small, large].map(({ name, data, change = null }) => [name, data, change]))
  );
  return one === other;
}

function gainPoint(gain: KernelGain, score: GainScore, dx: number): GainPoint {
  const { mean, standardError, n } = meanAndError(gain[score].map((value) => 100 * value));
  const [low, high] = n > 2 ? confidenceInterval({ n, mean, standardError }) : [mean, mean];
  const error = n > 1 ? ` ± ${standardError.toFixed(2)}` : "";
  const seeds = `${n} ${n === 1 ? "seed" : "seeds"}`;
  const runs = gain.large.runs.map((run, i) => `${run} and ${gain.small.runs[i]}`);
  const lines = seedLines(
    gain[score].map((value) => 100 * value),
    { seeds: gain.large.seeds, runs },
    "points",
  );
  const title = `${gain.name}: ${mean.toFixed(2)}${error} points, ${seeds}${lines}`;
  return { name: gain.name, y: mean, low, high, n, dx, title };
}

/** The paper's gain of BC-SSL-T between the two kernel sizes, in points, if it prints both. */
function printedGain({ small, large }: KernelGain, score: GainScore): number | undefined {
  const [less, more] = [small.paper[score], large.paper[score]];
  return less === undefined || more === undefined ? undefined : 100 * (more - less);
}
