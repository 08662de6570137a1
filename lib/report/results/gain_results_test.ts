import type { KernelGain } from "lib/experiments/mod.ts";
import type { Claim } from "lib/paper/mod.ts";
import { exceeds } from "lib/stats/verdicts.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import { gainCurves } from "lib/report/figures/gain_curves.ts";
import { gainFigure } from "lib/report/figures/gain_figure.ts";
import { networkFigure } from "lib/report/figures/network_figure.ts";
import { gainClaims, gainTable } from "lib/report/results/gain_results.ts";
import { madeUpGain } from "lib/testing/results/gains.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";

const base = madeUpGain("rate", "0.004", [0.01, 0.012, 0.011], { steps: 200 });
const other = madeUpGain("rate", "0.002", [-0.02, -0.024, -0.021, -0.02], { lr: 0.002 });

Deno.test("gainTable() has a row for each setting, in percent and points", () => {
  const { columns, rows } = gainTable([base, other]);
  const first = Object.fromEntries(columns.map((name, i) => [name, (rows[0] as unknown[])[i]]));
  assertEquals([first.axis, first.setting, first["kernel : map"]], [
    "rate",
    "0.004",
    "0.30 → 0.90",
  ]);
  assertClose([first["k-NN, small (%)"], first["gain in k-NN (points)"]] as number[], [21, 1.1]);
  assertClose(first["gain in linear (points)"] as number, 0.55);
  assertEquals([first.n, first.seeds, first.runs], [
    3,
    "10, 11, 12",
    "3-0, 3-1, 3-2, 9-0, 9-1, 9-2",
  ]);
  assertEquals(rows.length, 2);
});

Deno.test("gainClaims() tests each gain, and whether it is above the base's, on shared seeds", () => {
  const claims = gainClaims([base, other], "knn");
  assertEquals(claims.map(({ claim }) => typeof claim === "string" ? claim : claim.says), [
    "0.004: BC-SSL, 9×9 is above BC-SSL, 3×3",
    "0.002: BC-SSL, 9×9 is above BC-SSL, 3×3",
    "0.002: the gain is larger than in the base, 0.004",
  ]);
  assertEquals(claims.map(({ finding }) => finding.verdict), ["agrees", "disagrees", "disagrees"]);
  const [first, , more] = claims;
  assertClose(first!.finding.pValue, exceeds([0.01, 0.012, 0.011], 0).pValue, 1e-6);
  const { effect } = exceeds([-0.02, -0.024, -0.021], [0.01, 0.012, 0.011]);
  assertEquals([more!.seeds, more!.runs.length], [[10, 11, 12], 12]);
  assertClose(more!.finding.effect.mean, effect.mean);
  assertClose(more!.finding.effect.standardError, effect.standardError, 1e-6);
});

Deno.test("gainClaims() by linear probe, with what the paper prints of it", () => {
  const [claim, ...none] = gainClaims([base], "linear");
  assertEquals(none, []);
  assertClose(claim!.finding.effect.mean, 0.0055);
  assertClose((claim!.claim as Claim).printed!, 0.0097); // Table 2
});

Deno.test("gainFigure() draws a confirmed setting wherever the same setting stands", () => {
  const squares = (confirmed: readonly KernelGain[]) => {
    const settings = [madeUpGain("rate", "a", [0.01]), madeUpGain("steps", "b", [0.01]), other];
    const svg = toSvg(gainFigure(settings, { confirmed }));
    return svg.match(/<title>((base|other): .*|[ab\d.]+: .*3 seeds)$/gm);
  };
  assertEquals(squares([]), null);
  assertEquals(squares([base]), [
    "<title>a: 1.10 ± 0.06 points, 3 seeds",
    "<title>b: 1.10 ± 0.06 points, 3 seeds",
  ]);
  const network = { ...base, large: { ...base.large, name: "SLaK" } };
  assertEquals(squares([network]), null); // the same images and recipe, but not the same networks
});

Deno.test("gainFigure(): a gain far outside the others is an arrow with its number, and does not stretch the axis", () => {
  const near = madeUpGain("rate", "a", [0.01]);
  const far = (gain: number) => madeUpGain("rate", "b", [gain, gain, gain]);
  const ticks = (svg: string) => svg.match(/"y-axis tick label"[^]*?<\/g>/)![0].match(/>[−\d.]+</g);
  const alone = toSvg(gainFigure([near]));
  const arrows = (svg: string) => svg.match(/[↓↑] −?[\d.]+/g);
  assertEquals([arrows(alone), ticks(alone)!.length > 2], [null, true]);
  for (const [gain, arrow] of [[-0.159, "↓ −15.9"], [0.2, "↑ 20.0"]] as const) {
    const svg = toSvg(gainFigure([near, far(gain)]));
    assertEquals(arrows(svg), [arrow]);
    assertEquals(ticks(svg), ticks(alone));
  }
  assertEquals(arrows(toSvg(gainFigure([far(-0.159)]))), null); // alone, it has an axis of its own
});

Deno.test("figures of gains and networks refuse to draw nothing, and draw one seed", () => {
  assertThrows(() => gainFigure([]), RangeError, "there is no setting");
  assertThrows(() => gainCurves([]), RangeError, "there is no setting");
  assertThrows(() => networkFigure([]), RangeError, "there is none");
  assertThrows(() => gainClaims([], "knn"), RangeError, "there is no setting");
  const single = madeUpGain("rate", "a", [0.01]);
  for (
    const figure of [gainFigure([single]), gainCurves([single]), networkFigure([single.small])]
  ) {
    assertEquals(/NaN|Infinity/.test(toSvg(figure)), false);
  }
});
