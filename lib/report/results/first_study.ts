/**
 * What the first study said of each claim. It was run at 32 pixels, where a 3×3 kernel covers the
 * whole map of the stage with most blocks; its notebooks' tables of verdicts are in
 * `first_study.json`, with the commit that they come from and the ids of the runs.
 */
import saved from "./first_study.json" with { type: "json" };
import type { Verdict } from "lib/stats/verdicts.ts";
import { type ClaimName, type GroupName, statements } from "./claim_registry.ts";
import type { TestedClaim } from "./tested_claim.ts";

/** Side of the images of the first study, pixels. */
export const firstStudyPixels = saved.pixels;

/** The first 7 digits of the commit whose notebooks hold the first study's results. */
export const firstStudyCommit = saved.commit.slice(0, 7);

/** A claim as it was printed: points. */
interface SavedClaim {
  readonly effect: number;
  readonly standardError: number;
  readonly interval: readonly number[];
  readonly p: number;
  readonly n: number;
  readonly test: string;
  readonly verdict: string;
  readonly runs: string;
}

interface SavedGroup {
  readonly claims: Readonly<Record<string, SavedClaim>>;
}

/** The first study's claims of one group; none if it did not test that group. */
export function firstStudyClaims(group: GroupName): TestedClaim[] {
  const groups: Readonly<Record<string, SavedGroup | undefined>> = saved.groups;
  return Object.entries(groups[group]?.claims ?? {}).map(([name, claim]): TestedClaim => ({
    name: name as ClaimName,
    claim: statements[name as ClaimName],
    finding: findingOf(claim),
    scale: saved.scale,
    seeds: saved.seeds,
    runs: claim.runs.split(", "),
  }));
}

function findingOf({ effect, standardError, interval, p, n, test, verdict }: SavedClaim) {
  return {
    verdict: verdict as Verdict,
    effect: { n, mean: effect / 100, standardError: standardError / 100 },
    interval: [interval[0]! / 100, interval[1]! / 100] as const,
    pValue: p,
    level: 0.05,
    test,
  };
}
