/**
 * The settings in which `notebooks/03b_when.ipynb` compares a large kernel with a small one. Each
 * differs in one thing from the base, the geometry `fine` on emoji, which stands on every axis.
 */
import type { Override, PretrainConfig } from "lib/experiments/configs/config.ts";
import type { GainSetting } from "./kernel_gains.ts";

/** Pixels a side in the base. */
const baseSize = 80;

/** A setting without seeds: it can be trained with any. */
export type SeedlessSetting = Omit<GainSetting, "seeds">;

/**
 * Images and crops of another size. Blur grows with them, and local crops stay 0.4 of the global
 * ones, but have at least 32 pixels, since the network cannot take smaller ones.
 */
function ofSide(imageSize: number): Override<PretrainConfig> {
  const localSize = Math.max(32, Math.round(0.4 * imageSize));
  const blur = Number((0.7 * imageSize / baseSize).toFixed(2));
  return {
    scales: { laptop: { imageSize } },
    recipe: { crops: { globalSize: imageSize, localSize, blurRadius: [0.01, blur] } },
  };
}

/** All settings, axis by axis. Every name is there once. */
export const gainSettings: readonly SeedlessSetting[] = [
  ...settingsOn("side of the image (of the deep map: 6, 10, 14)", [
    { name: "48 px", change: ofSide(48) },
    { name: "80 px" },
    { name: "112 px", change: ofSide(112) },
  ]),
  ...settingsOn("length of training", [
    { name: "520 steps", change: { scales: { laptop: { epochs: 5, monitorEvery: 52 } } } },
    { name: "2,080 steps" },
    { name: "8,320 steps", change: { scales: { laptop: { epochs: 80, monitorEvery: 416 } } } },
  ]),
  ...settingsOn("number of images, equal steps", [
    { name: "1,664 images", change: { scales: { laptop: { trainCount: 1664, epochs: 80 } } } },
    { name: "6,699 images" },
  ]),
  ...settingsOn("kind of images", [
    { name: "drawings" },
    { name: "textured", data: "textured" },
    { name: "garments", data: "fashion" },
    { name: "scenes", data: "scenes" },
  ]),
  ...settingsOn("peak learning rate", [
    { name: "rate 0.002", change: { recipe: { lr: 0.002 } } },
    { name: "rate 0.004" },
    { name: "rate 0.008", change: { recipe: { lr: 0.008 } } },
  ]),
  ...settingsOn("recipe", [
    { name: "as it is" },
    { name: "decay 0.4", change: { recipe: { weightDecayEnd: 0.4 } } },
    {
      name: "small crops",
      change: { recipe: { crops: { globalScale: [0.14, 1], localScale: [0.05, 0.14] } } },
    },
    { name: "local 54 px", change: { recipe: { crops: { localSize: 54 } } } },
  ]),
];

function settingsOn(
  axis: string,
  settings: readonly Omit<SeedlessSetting, "axis">[],
): SeedlessSetting[] {
  return settings.map((setting) => ({ axis, ...setting }));
}

/**
 * Some of {@linkcode gainSettings}, each with the same seeds, for `kernelGains`.
 *
 * @param names By default all, in their order.
 * @throws {RangeError} If there is no setting of a name.
 *
 * @example
 * ```ts
 * import { gainSettingsNamed } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const [longer] = gainSettingsNamed([0, 1], ["8,320 steps"]);
 * assertEquals([longer!.axis, longer!.seeds], ["length of training", [0, 1]]);
 * ```
 */
export function gainSettingsNamed(
  seeds: readonly number[],
  names: readonly string[] = gainSettings.map(({ name }) => name),
): GainSetting[] {
  return names.map((name) => {
    const setting = gainSettings.find((known) => known.name === name);
    if (setting !== undefined) return { ...setting, seeds };
    const known = gainSettings.map((setting) => `"${setting.name}"`).join(", ");
    throw new RangeError(`Unknown setting "${name}": use ${known}`);
  });
}
