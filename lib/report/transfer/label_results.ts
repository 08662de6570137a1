/** Scores against the number of labels: what pre-training is worth. */
import * as Plot from "@observablehq/plot";
import type { LabelCurve, LabelWay } from "lib/experiments/mod.ts";
import { archLegend, type ArchStyle } from "lib/report/draw/arch_style.ts";
import { axisLabel, colours, type Figure, grey, gridOf, plot } from "lib/report/draw/plot.ts";
import { extentOf, keyOf, seedPoint } from "lib/report/figures/seed_points.ts";
import { meanAndError } from "lib/stats/statistics.ts";
import { percent } from "lib/report/tables/percent.ts";
import { originColumns } from "lib/report/tables/origin_columns.ts";
import { type Table, tableOf } from "lib/report/tables/table_formats.ts";

const looks = {
  probe: { title: "pre-trained, linear probe", colour: colours.blue, symbol: "square" },
  finetune: { title: "pre-trained, fine-tuned", colour: colours.vermilion, symbol: "circle" },
  scratch: { title: "from scratch", colour: colours.black, symbol: "cross" },
} as const satisfies Readonly<Record<LabelWay, object>>;

const ways = Object.keys(looks) as LabelWay[];

/**
 * Draws a curve for each way of using labels, over the number of training images: means over seeds
 * with bars of ± 1 standard error. Where the curve from scratch reaches a pre-trained one, labels
 * have made up for pre-training.
 *
 * @throws {RangeError} If there is no point.
 */
export function labelFigure({ name, title, points, seeds, runs }: LabelCurve): Figure {
  if (points.length === 0) throw new RangeError("Cannot draw a curve of labels: there is no point");
  const drawn = points.map(({ way, images, values }) => ({
    ...{ way, images: Math.round(images) },
    ...seedPoint(values, `${looks[way].title}, ${Math.round(images)} images`, { seeds, runs }),
  }));
  const counts = [...new Set(drawn.map(({ images }) => images))].sort((a, b) => a - b);
  const of = (way: LabelWay) => drawn.filter((point) => point.way === way);
  const [width, height] = [640, 340];
  const figure = plot({
    ...{ width, height, marginLeft: 56, marginTop: 40, marginBottom: 44, marginRight: 24 },
    x: {
      type: "log",
      domain: [counts[0]! / 1.15, Math.max(counts.at(-1)!, 2 * counts[0]!) * 1.15],
      ticks: counts,
      tickFormat: (count: number) => counts.includes(count) ? `${count}` : "",
      ...axisLabel(`training images of ${title}`, "center"),
    },
    y: { domain: [...extentOf(drawn)], ticks: 6, grid: true, ...axisLabel("score (%)", "top") },
    marks: [
      ...ways.flatMap((way) => {
        const { colour, symbol } = looks[way];
        const stroke = { stroke: colour, strokeWidth: 2 } as const;
        return [
          Plot.line(of(way), { x: "images", y: "y", ...stroke }),
          Plot.ruleX(of(way), { x: "images", y1: "low", y2: "high", ...stroke }),
          Plot.dot(of(way), {
            ...{ x: "images", y: "y", symbol, r: 5, fill: colour, title: "title" },
          }),
        ];
      }),
      Plot.text([`${name}; ${keyOf(drawn)}`], {
        ...{ text: (text: string) => text, frameAnchor: "top-right", dy: -36, fill: grey },
        fontSize: 12,
      }),
    ],
  });
  const styles = new Map<string, ArchStyle>(
    Object.values(looks).map(({ title, colour, symbol }) => [title, { colour, symbol }]),
  );
  return gridOf([figure], { columns: 1, width, height, header: archLegend(styles, width) });
}

/** One row per way and number of images, in percent, with standard errors over seeds. */
export function labelTable({ name, title, points, scale, seeds, runs }: LabelCurve): Table {
  const rows = points.map(({ way, shots, images, values }) => ({
    ...{ network: name, set: title, labels: looks[way].title },
    "images a class": Number.isFinite(shots) ? `${shots}` : "all",
    images,
    "score (%)": percent(meanAndError(values).mean),
    "score ± s.e.": percent(meanAndError(values).standardError),
    ...originColumns({ scale, seeds, runs }),
  }));
  return tableOf(rows);
}
