import { equals, exceeds } from "lib/stats/verdicts.ts";
import { claims } from "lib/paper/mod.ts";
import type { TestedClaim } from "lib/report/results/tested_claim.ts";
import { verdictRow, verdicts } from "lib/report/results/verdict_table.ts";
import type { Table } from "lib/report/tables/table_formats.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

/** Differences of 2, 3 and 4 points: mean 3, standard error 0.577, the interval ± 2.484. */
const tested: TestedClaim = {
  claim: claims.batchNormHelps,
  finding: exceeds([0.72, 0.75, 0.74], [0.7, 0.72, 0.7]),
  scale: "laptop",
  seeds: [0, 1, 2],
  runs: ["a", "b"],
};

Deno.test("verdictRow() has the paper's effect and ours in points, the interval, the test and the verdict", () => {
  const row = verdictRow(tested) as Record<string, number | string>;
  assertClose(
    [row["ours (points)"], row["± s.e."], row.p] as number[],
    [3, 0.57735, 0.03524],
    1e-3,
  );
  assertEquals(row["paper (points)"], 0.472);
  assertEquals([row.interval, row.n, row.test, row.verdict], [
    ...["+0.52 to +5.48", 3, "paired t-test", "agrees"],
  ]);
  assertEquals([row["p (Holm)"], row["after Holm"]], [row.p, "agrees"]); // alone
  assertEquals([row.claim, row.source], [claims.batchNormHelps.says, claims.batchNormHelps.source]);
});

Deno.test("verdictRow() cannot tell at smoke scale, and near chance, and takes words of one's own", () => {
  const row = verdictRow({ ...tested, claim: "mine", scale: "smoke" }) as Record<string, unknown>;
  assertEquals([row.claim, row.verdict, row["paper (points)"]], ["mine", "cannot tell", undefined]);
  const near = { ...tested, nearChance: ["BC-SSL, 3×3"] };
  const weak = verdictRow(near) as Record<string, string>;
  assertEquals([weak.verdict, weak["after Holm"]], ["cannot tell", "cannot tell"]);
  assertTrue(weak.claim!.endsWith("helps (means nothing: near chance are BC-SSL, 3×3)"), "a note");
  const one = verdictRow({ ...tested, finding: equals([0.5], [0.4], 0.01), seeds: [0] });
  assertEquals((one as Record<string, unknown>).interval, "−∞ to +∞");
});

Deno.test("verdictRow() refuses percent and a seed without a value", () => {
  const percent = exceeds([72, 75, 74], [70, 72, 70]);
  assertThrows(() => verdictRow({ ...tested, finding: percent }), RangeError, "need fractions");
  const ratio = { ...tested, claim: claims.smallFasterThanResNets };
  assertThrows(() => verdictRow(ratio), RangeError, "one is 5.8");
  assertThrows(() => verdictRow({ ...tested, seeds: [0] }), RangeError, "got 3 for 1");
});

function cellsOf({ columns, rows }: Table, column: string): unknown[] {
  return rows.map((row) => row[columns.indexOf(column)]);
}

/** A finding with this p value, of three seeds that all are above 0. */
function withP(pValue: number): TestedClaim {
  const { finding } = tested;
  return {
    ...tested,
    finding: { ...finding, pValue, verdict: pValue < 0.05 ? "agrees" : "cannot tell" },
  };
}

Deno.test("verdicts() shows each claim alone and after Holm, which counts the table's claims", () => {
  const table = verdicts([0.03, 0.01, 0.04, 0.6].map(withP));
  assertEquals(table.columns.slice(8, 12), ["p", "verdict", "p (Holm)", "after Holm"]);
  assertEquals(cellsOf(table, "verdict"), ["agrees", "agrees", "agrees", "cannot tell"]);
  assertClose(cellsOf(table, "p (Holm)") as number[], [0.09, 0.04, 0.09, 0.6]);
  assertEquals(cellsOf(table, "after Holm"), [
    "cannot tell",
    "agrees",
    "cannot tell",
    "cannot tell",
  ]);
  assertTrue(table.notes!.join().includes("all 4 tests"), "the note counts the tests");
  const alone = verdicts([withP(0.03)]);
  assertEquals([cellsOf(alone, "after Holm"), cellsOf(alone, "p (Holm)")], [["agrees"], [0.03]]);
});

Deno.test("verdicts() does not count a claim that has no p, and cannot tell at smoke scale", () => {
  const one = { ...tested, finding: exceeds([0.5], [0.4]), seeds: [0] };
  const table = verdicts([withP(0.03), one]);
  assertEquals(cellsOf(table, "p (Holm)"), [0.03, NaN]);
  assertEquals(cellsOf(table, "after Holm"), ["agrees", "cannot tell"]);
  const smoke = verdicts([{ ...withP(0.001), scale: "smoke" }]);
  assertEquals([cellsOf(smoke, "verdict"), cellsOf(smoke, "after Holm")], [
    ["cannot tell"],
    ["cannot tell"],
  ]);
});
