/** The verb `armCosts`: the sizes of the networks of a comparison. */
import { configCost } from "lib/models/config_cost.ts";
import { type Arm, armConfig, armName } from "lib/experiments/configs/arms.ts";
import { recipeAt, type ScaleName } from "lib/experiments/configs/config.ts";

/** Cost of one network for one image of its training size. */
export interface ArmCost {
  /** Name of the arm: `BC-SSL, 9×9`. */
  readonly network: string;
  /** Millions of weights, without a classifier. */
  readonly "million weights": number;
  /** Millions of multiply–adds of one forward pass. */
  readonly "million multiply–adds": number;
  /** Share of them in depthwise convolutions, in percent. */
  readonly "of them depthwise (%)": number;
}

/**
 * Adds up the operations of each network's layers, by shapes alone.
 *
 * @throws As {@linkcode armConfig}.
 *
 * @example
 * ```ts
 * import { armCosts } from "lib/experiments/mod.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * const [small, large] = armCosts(
 *   [{ arch: "convnext", kernelSize: 3 }, { arch: "convnext", kernelSize: 9 }],
 *   { scale: "smoke" },
 * );
 * assertTrue(large!["million weights"] > small!["million weights"], "larger kernels weigh more");
 * ```
 */
export function armCosts(
  arms: readonly Arm[],
  { scale }: { readonly scale: ScaleName },
): ArmCost[] {
  return arms.map((arm) => {
    const { model: config, crops } = recipeAt(armConfig(arm, { scale }), scale);
    const { parameters, multiplyAdds, depthwise } = configCost(config, crops.globalSize);
    return {
      network: armName(arm),
      "million weights": parameters / 1e6,
      "million multiply–adds": multiplyAdds / 1e6,
      "of them depthwise (%)": 100 * depthwise / multiplyAdds,
    };
  });
}
