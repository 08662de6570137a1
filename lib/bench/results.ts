/** Writes the results of a run to `outputs/bench/`: a table in two formats and two figures. */
import { writeOutputs } from "lib/report/save/output_files.ts";
import { type Figure, toPng, toSvg } from "lib/report/draw/plot.ts";
import { tableOf, toCsv, toMarkdown } from "lib/report/tables/table_formats.ts";
import { depthwiseFigure, wholeFigure } from "./figures.ts";
import { quietLoad } from "./machine.ts";
import type { Peaks } from "./peak.ts";
import { failuresOf, judged, type Measured, rowOf, withoutEmptyColumns } from "./rows.ts";

/** Facts that hold for all cases of a run. */
export interface RunFacts {
  /** Of the machine; empty if they could not be measured. */
  readonly peaks: Peaks;
  /** The machine's load average before the run. */
  readonly load: number;
  /** Versions and machine, a line each. */
  readonly notes: readonly string[];
}

/**
 * Writes all results so far. It is called after every group, so that a run that is stopped leaves
 * its results.
 */
export async function writeResults(
  name: string,
  all: readonly Measured[],
  { peaks, load, notes }: RunFacts,
): Promise<void> {
  const row = (measured: Measured) => judged(rowOf(measured, peaks), load);
  const rows = all.map((measured) => ({ group: measured.subject.group, ...row(measured) }));
  const sections = Map.groupBy(all, ({ subject }) => subject.group).entries().map(
    ([group, own]) => {
      const table = tableOf(withoutEmptyColumns(own.map(row)));
      return `## ${group}\n\n${toMarkdown(table)}`;
    },
  );
  const failures = failuresOf(all).map((line) => `- ${line}\n`).join("");
  const lines = notes.map((line) => `- ${line}\n`).join("");
  await writeOutputs("bench", name, {
    csv: toCsv(tableOf(withoutEmptyColumns(rows))),
    md: `# Beside PyTorch\n\n${lines}\n${[...sections].join("\n")}` +
      (failures ? `\n## Failures\n\n${failures}` : ""),
  });
  if (load > quietLoad) return; // the figures show nothing but ratios
  await writeFigure(name, wholeFigure(all));
  await writeFigure(`${name}_depthwise`, depthwiseFigure(all));
}

async function writeFigure(name: string, figure: Figure | undefined): Promise<void> {
  if (figure === undefined) return;
  const svg = toSvg(figure);
  await writeOutputs("bench", name, { svg, png: await toPng(svg) });
}

/** Describes one case in a line for the terminal. */
export function progressLine(measured: Measured, load: number): string {
  const row = judged(rowOf(measured, {}), load);
  const ms = (value: number | undefined) => value === undefined ? "–" : value.toPrecision(3);
  const [ratio, best] = [row["times as fast"], row["best : best"]];
  const ways = (["ours bf16", "eager", "compile", "bf16"] as const)
    .flatMap((way) => {
      const time = row[`${way} (ms)`];
      return time === undefined ? [] : [`${way} ${ms(time)}`];
    });
  return `${measured.subject.name}: ours ${ms(row["ours (ms)"])} ms, ${ways.join(", ")}` +
    (ratio === undefined ? "" : `; fp32 ${ratio.toFixed(2)} times as fast`) +
    (best === undefined ? "" : `, best : best ${best.toFixed(2)}`);
}
