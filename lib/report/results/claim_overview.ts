/**
 * All claims in one place: what the paper printed, what the first study found, and what the study
 * finds as it is now. A table, a count of the verdicts, and a forest plot.
 */
import type { StudyResults } from "lib/experiments/mod.ts";
import { decidingP, holmVerdicts } from "lib/stats/holm.ts";
import type { MeanAndError } from "lib/stats/statistics.ts";
import type { Verdict } from "lib/stats/verdicts.ts";
import type { Claim } from "lib/paper/mod.ts";
import type { Figure } from "lib/report/draw/plot.ts";
import {
  forestFigure,
  type ForestPanel,
  type ForestRow,
} from "lib/report/figures/forest_figure.ts";
import type { Table } from "lib/report/tables/table_formats.ts";
import { camClaims } from "./cam_results.ts";
import {
  claimGroups,
  type ClaimName,
  type EffectKind,
  type GroupName,
  groupNames,
  statements,
  untested,
} from "./claim_registry.ts";
import { testClaims } from "./claim_tests.ts";
import { detectorClaims } from "./detector_results.ts";
import { firstStudyClaims, firstStudyCommit, firstStudyPixels } from "./first_study.ts";
import { peakClaims } from "./peak_claims.ts";
import { robustClaims } from "./robust_claims.ts";
import type { TestedClaim } from "./tested_claim.ts";
import { chanceNote, judged, printedPoints, verdictNote } from "./verdict_table.ts";

/** What a study found of a claim, and what of that stands beside the claims of its group. */
export interface StudiedClaim {
  /** The effect over seeds, a fraction. */
  readonly effect: MeanAndError;
  /** Its confidence interval, fractions; infinite for one seed. */
  readonly interval: readonly [number, number];
  /** p of the single test; NaN for one seed. */
  readonly pValue: number;
  /** Verdict of the single test. */
  readonly verdict: Verdict;
  /** Holm's p, which counts the claims of the group. */
  readonly holmPValue: number;
  /** The verdict that stands after Holm's method. */
  readonly afterHolm: Verdict;
  /** Names of networks that are too near chance for the test to mean anything. */
  readonly nearChance?: readonly string[];
}

/** A claim in the overview. */
export interface OverviewRow {
  /** The claims that it is tested together with. */
  readonly group: GroupName;
  /** Its name. */
  readonly name: ClaimName;
  /** What it says, where, and what the paper prints. */
  readonly claim: Claim;
  /** In the first study, if it was tested there. */
  readonly first?: StudiedClaim;
  /** Now; missing where its networks were not run, as for some at `smoke`. */
  readonly now?: StudiedClaim;
}

/** All claims, in the order of the notebooks. */
export interface ClaimOverview {
  /** A row for each claim of each group. */
  readonly rows: readonly OverviewRow[];
  /** Side of the images now, pixels. */
  readonly pixels: number;
  /** Scale of the runs now. */
  readonly scale: string;
}

const notRun = (): TestedClaim[] => [];

/** How each group is tested, on the results of `study`. */
const tests: Readonly<Record<GroupName, (study: StudyResults) => TestedClaim[]>> = {
  vanilla: ({ arms }) => testClaims(claimGroups.vanilla.claims, arms),
  batchNorm: ({ arms }) => testClaims(claimGroups.batchNorm.claims, arms),
  batchNormGarments: notRun,
  kernelSize: ({ arms }) => testClaims(claimGroups.kernelSize.claims, arms),
  kernelSizeAgainst: ({ arms }) => testClaims(claimGroups.kernelSizeAgainst.claims, arms),
  kernelSizeGarments: notRun,
  largeKernels: ({ arms, scale }) =>
    scale === "paper" ? [] : testClaims(claimGroups.largeKernels.claims, arms), // no such runs
  imageNet: ({ arms }) => testClaims(claimGroups.imageNet.claims, arms),
  detection: ({ detectors }) => detectorClaims(detectors),
  robustness: ({ robust }) => robustClaims(robust),
  maps: ({ maps }) => camClaims(maps),
  monitor: ({ arms }) => peakClaims(arms),
};

/**
 * Tests every claim on the results of `study`, in the groups that the notebooks test together, and
 * puts what the first study found beside it.
 */
export function claimOverview(study: StudyResults): ClaimOverview {
  const rows = groupNames.flatMap((group): OverviewRow[] => {
    const [first, now] = [studied(firstStudyClaims(group)), studied(tests[group](study))];
    return claimGroups[group].claims.map((name) => ({
      ...{ group, name, claim: statements[name] },
      ...{ first: first.get(name), now: now.get(name) },
    }));
  });
  return { rows, pixels: study.pixels, scale: study.scale };
}

/** Claims that were tested together, by their names. */
function studied(claims: readonly TestedClaim[]): ReadonlyMap<ClaimName, StudiedClaim> {
  const afterHolm = holmVerdicts(claims.map(({ finding }) => finding));
  return new Map(claims.map((claim, i) => {
    const { name, finding, nearChance } = claim;
    return [name!, {
      effect: finding.effect,
      interval: finding.interval,
      pValue: decidingP(finding),
      verdict: judged(finding.verdict, claim),
      holmPValue: afterHolm[i]!.pValue,
      afterHolm: judged(afterHolm[i]!.verdict, claim),
      nearChance,
    }];
  }));
}

/** Names of the two studies: `32 px` and `96 px`. */
function studyNames({ pixels }: ClaimOverview): readonly [string, string] {
  const names = [`${firstStudyPixels} px`, `${pixels} px`] as const;
  return names[0] === names[1] ? [`first, ${names[0]}`, `now, ${names[1]}`] : names;
}

/**
 * A row for each claim, under the heading of the claims that it is tested together with: the
 * paper's effect in points, and for both studies effect ± s.e., n, p, Holm's p and the verdicts.
 */
export function overviewTable(overview: ClaimOverview): Table {
  const [first, now] = studyNames(overview);
  const columns = [
    "claim",
    "in the paper",
    "paper (points)",
    ...columnsOf(first),
    ...columnsOf(now),
  ];
  const rows = [...Map.groupBy(overview.rows, ({ group }) => group)].flatMap(([group, rows]) => [
    headingOf(group),
    ...rows.map(({ claim: { says, source, printed }, first, now }) => [
      ...[now?.nearChance ? `${says} ${chanceNote(now.nearChance)}` : says, source],
      printedPoints(printed),
      ...cellsOf(first),
      ...cellsOf(now),
    ]),
  ]);
  const notes = [
    `${first}: the first study, from the notebooks as of commit ${firstStudyCommit}. ${now}: the ` +
    `study now, at ${overview.scale} scale.`,
    verdictNote,
    "After Holm: the verdict that stands when all claims under one heading are judged together by " +
    "Holm's method; one that does not stand becomes cannot tell.",
  ];
  return { columns, rows, notes };
}

function columnsOf(study: string): string[] {
  return [
    ...[`${study}: effect (points)`, `${study} ± s.e.`, `${study}: n`, `${study}: p`],
    ...[`${study}: p (Holm)`, `${study}: verdict`, `${study}: after Holm`],
  ];
}

function cellsOf(claim: StudiedClaim | undefined): unknown[] {
  if (claim === undefined) return Array(7).fill(undefined);
  const { effect, pValue, holmPValue, verdict, afterHolm } = claim;
  const [mean, error] = [100 * effect.mean, 100 * effect.standardError];
  return [mean, error, effect.n, pValue, holmPValue, verdict, afterHolm];
}

function headingOf(group: GroupName): string {
  const { title, notebook } = claimGroups[group];
  return `${title} (${notebook})`;
}

/** How many claims have which verdict: a row for each study, by single tests and after Holm. */
export function verdictCounts(overview: ClaimOverview): Table {
  const [first, now] = studyNames(overview);
  const studies = [["first", first], ["now", now]] as const;
  const ways = [["verdict", "alone"], ["afterHolm", "after Holm"]] as const;
  const rows = studies.flatMap(([key, study]) =>
    ways.map(([way, how]) => {
      const verdicts = overview.rows.flatMap((row) => row[key]?.[way] ?? []);
      const count = (wanted: Verdict) => verdicts.filter((verdict) => verdict === wanted).length;
      const counts = (["agrees", "disagrees", "cannot tell"] as const).map(count);
      return [study, how, ...counts, verdicts.length];
    })
  );
  return { columns: ["study", "each test", "agrees", "disagrees", "cannot tell", "claims"], rows };
}

/** The claims of the paper that no notebook tests, each with the reason. */
export function untestedClaims(): Table {
  const rows = Object.entries(untested).map(([name, why]) => {
    const { says, source } = statements[name as ClaimName];
    return [says, source, why];
  });
  return { columns: ["claim", "in the paper", "why it is not tested here"], rows };
}

/** Kinds of effects, each with an axis of its own, from the top. */
const kinds: readonly EffectKind[] = ["accuracy", "detection", "robustness", "maps", "monitor"];

/**
 * Draws each claim's effect: the paper's, hollow, and those of both studies with their intervals.
 * Effects of one kind share an axis.
 */
export function overviewFigure(overview: ClaimOverview): Figure {
  const panels = kinds.map((kind): ForestPanel => ({
    groups: groupNames.filter((group) => claimGroups[group].kind === kind).map((group) => ({
      heading: headingOf(group),
      rows: overview.rows.filter((row) => row.group === group).map(forestRow),
    })),
  }));
  return forestFigure(panels, { studies: studyNames(overview) });
}

function forestRow({ claim: { says, source, printed }, first, now }: OverviewRow): ForestRow {
  const effects = [first, now].map((studied) =>
    studied && {
      ...{ mean: studied.effect.mean, n: studied.effect.n },
      ...{
        interval: studied.interval,
        verdict: studied.nearChance ? "near chance" : studied.afterHolm,
      },
    }
  );
  return { says, source, paper: printed, effects };
}
