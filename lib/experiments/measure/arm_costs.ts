/** The verb `armCosts`: how large the networks of a comparison are. */
import { createRng } from "lib/rng.ts";
import { createModel, totalCost } from "lib/models/mod.ts";
import { type Arm, armConfig, armName } from "lib/experiments/configs/arms.ts";
import { recipeAt, type ScaleName } from "lib/experiments/configs/config.ts";

/** One network's cost for one image of the size that it is trained on. */
export interface ArmCost {
  readonly network: string;
  readonly "million weights": number;
  readonly "million multiply–adds": number;
  /** The fraction of them that is in depthwise convolutions, percent. */
  readonly "of them depthwise (%)": number;
}

/** Builds each network, runs it once on a blank image and adds up what its layers did. @throws As {@linkcode armConfig}. */
export function armCosts(
  arms: readonly Arm[],
  { scale }: { readonly scale: ScaleName },
): ArmCost[] {
  return arms.map((arm) => {
    const { model: config, crops } = recipeAt(armConfig(arm, { scale }), scale);
    using model = createModel(config, createRng(0));
    const { parameters, multiplyAdds, depthwise } = totalCost(model, crops.globalSize);
    return {
      network: armName(arm),
      "million weights": parameters / 1e6,
      "million multiply–adds": multiplyAdds / 1e6,
      "of them depthwise (%)": 100 * depthwise / multiplyAdds,
    };
  });
}
