/** Modules and costs of networks, as rows for `saveTable`. */
import type { ModelCost } from "lib/experiments/mod.ts";
import type { ModuleCost } from "lib/models/mod.ts";

const rounded = (value: number, digits: number) => Number(value.toFixed(digits));

/** Rows of `summarize`, as torchinfo shows them; the last row is the whole network. */
export function moduleTable(modules: readonly ModuleCost[]): object[] {
  return modules.map(({ name, outputShape, parameters, multiplyAdds, depthwise }) => ({
    module: name === "" ? "the whole network" : name,
    output: outputShape?.join(" × "),
    "parameters (M)": rounded(parameters / 1e6, 3),
    "multiply–adds (M)": rounded(multiplyAdds / 1e6, 1),
    "depthwise (%)": multiplyAdds > 0 ? rounded(100 * depthwise / multiplyAdds, 1) : 0,
  }));
}

/** Rows of `modelCosts`, with the paper's numbers beside ours. */
export function costTable(costs: readonly ModelCost[]): object[] {
  return costs.map((cost) => ({
    network: cost.network,
    "GFLOPs, paper": cost.printedGigaFlops ?? undefined,
    "GFLOPs, counted": rounded(cost.gigaFlops, 3),
    "in depthwise (%)": rounded(100 * cost.depthwise, 1),
    "weights (M), paper": cost.printedMillions,
    "without classifier": rounded(cost.millionsWithout, 2),
    "with": rounded(cost.millionsWith, 2),
  }));
}
