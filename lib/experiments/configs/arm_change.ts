/** Changes the setting of a comparison: the same change in the config of every arm. */
import { type Arm, armConfig, armName, type ArmOptions } from "./arms.ts";
import { type Override, override, type PretrainConfig, type ScaleName } from "./config.ts";
import { isRecord } from "./override.ts";

/** The setting in which arms are compared. */
export interface ArmSetting extends ArmOptions {
  /**
   * Values that differ from those of {@linkcode armConfig}, the same for every arm, as
   * {@linkcode override} takes them: `{ scales: { laptop: { imageSize: 64 } } }`, `{ recipe: { lr:
   * 0.004 } }`, `{ data: { background: "textured" } }`. By default none.
   */
  readonly change?: Override<PretrainConfig>;
}

/** The fields of a model that an {@linkcode Arm} sets. */
const ofTheArm = ["arch", "kernelSize", "kernelSizes", "batchNorm"];

/**
 * The config of an arm in a setting. Without a change it is that of {@linkcode armConfig}.
 *
 * @throws {RangeError} For the reasons of {@linkcode armConfig} and {@linkcode override}; if the
 *   change sets what tells arms apart, or sizes of other scales alone, or other data than ImageNet
 *   at `paper`.
 * @throws {TypeError} For the reasons of {@linkcode override}.
 *
 * @example
 * ```ts
 * import { armConfig, changedArmConfig } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const arm = { arch: "convnext", kernelSize: 9 } as const;
 * const change = { scales: { laptop: { imageSize: 64 } } };
 * const config = changedArmConfig(arm, { scale: "laptop", change });
 * assertEquals(config.scales.laptop.imageSize, 64);
 * assertEquals(config.recipe, armConfig(arm, { scale: "laptop" }).recipe);
 * ```
 */
export function changedArmConfig(arm: Arm, { change, ...options }: ArmSetting): PretrainConfig {
  const config = armConfig(arm, options);
  const { scale } = options;
  if (change === undefined) return config;
  requireForAllArms(change, scale);
  const changed = override<PretrainConfig>(config, change);
  if (scale === "paper" && changed.data.kind !== config.data.kind) {
    throw new RangeError(
      `Cannot change data to "${changed.data.kind}" at scale "paper", where ${armName(arm)} is ` +
        `the paper's run on ImageNet-1K: leave out change.data, or use scale "laptop"`,
    );
  }
  return changed;
}

/**
 * Refuses a change that sets what tells arms apart, or that cannot have an effect. At `smoke` the
 * sizes of other scales are no fault: notebooks that vary sizes of `laptop` are tested at `smoke`.
 */
function requireForAllArms(change: Override<PretrainConfig>, scale: ScaleName): void {
  if (!isRecord(change)) {
    throw new TypeError(
      `Cannot change the setting of a comparison to ${JSON.stringify(change)}: ` +
        "need an object, as in { recipe: { lr: 0.004 } }",
    );
  }
  const model = Object(change.recipe).model;
  const wrong = ofTheArm.find((field) => isRecord(model) && field in model);
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot change recipe.model.${wrong} of every arm, since it tells arms apart: ` +
        "set it in the list of arms",
    );
  }
  const [onlyField, ...others] = Object.keys(change);
  const sized = Object.keys(Object(change.scales));
  if (scale === "smoke" || onlyField !== "scales" || others.length > 0) return;
  if (sized.length === 0 || sized.includes(scale)) return;
  throw new RangeError(
    `Cannot change a comparison at scale "${scale}" by sizes of ${sized.join(", ")} alone, which ` +
      `it does not use: set scales.${scale}, or leave out the change`,
  );
}
