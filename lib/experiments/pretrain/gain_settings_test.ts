import { changedArmConfig } from "lib/experiments/configs/arm_change.ts";
import { recipeAt, runId, sizesAt } from "lib/experiments/configs/config.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";
import { gainSettings, gainSettingsNamed, type SeedlessSetting } from "./gain_settings.ts";
import { deepMapSide } from "./kernel_gains.ts";

const scale = "laptop";
const configOf = ({ data, change }: SeedlessSetting) =>
  changedArmConfig({ arch: "convnext", kernelSize: 9, batchNorm: true }, {
    ...{ scale, geometry: "fine", data, change },
  });

Deno.test("gainSettings has the base once on every axis, and no other run twice", () => {
  const ids = gainSettings.map((setting) => runId({ config: configOf(setting), scale, seed: 0 }));
  const base = runId({ config: configOf({ axis: "", name: "" }), scale, seed: 0 });
  const axes = new Set(gainSettings.map(({ axis }) => axis)).size;
  assertEquals(ids.filter((id) => id === base).length, axes);
  assertEquals(new Set(ids).size, ids.length - axes + 1);
  assertEquals(new Set(gainSettings.map(({ name }) => name)).size, gainSettings.length);
});

Deno.test("gainSettings: the sides are the images', and the blur and the crops grow with them", () => {
  const sides = gainSettings.filter(({ name }) => /^\d+ px$/.test(name));
  const found = sides.map((setting) => {
    const config = configOf(setting);
    const { globalSize, localSize, blurRadius } = recipeAt(config, scale).crops;
    const { imageSize } = sizesAt(config, scale);
    assertEquals([globalSize, setting.name], [imageSize, `${imageSize} px`]);
    return [imageSize, localSize, blurRadius[1], deepMapSide(config.recipe.model, imageSize)];
  });
  assertEquals(found, [[48, 32, 0.42, 6], [80, 32, 0.7, 10], [112, 45, 0.98, 14]]);
  const maps = found.map(([, , , mapSide]) => mapSide).join(", ");
  assertEquals(sides[0]!.axis, `side of the image (of the deep map: ${maps})`);
});

Deno.test("gainSettings: lengths and numbers are what their names say", () => {
  const drawings = 6699; // all there are
  for (const setting of gainSettings) {
    const { trainCount, epochs, batchSize } = sizesAt(configOf(setting), scale);
    const images = setting.data === "fashion" ? trainCount : Math.min(trainCount, drawings);
    const steps = epochs * Math.floor(images / batchSize);
    const [count, unit] = setting.name.replace(",", "").split(" ");
    assertEquals(steps, unit === "steps" ? Number(count) : 2080, setting.name);
    if (unit === "images") assertEquals(images, Number(count));
  }
});

Deno.test("gainSettingsNamed() finds settings by their names, and refuses others", () => {
  assertEquals(gainSettingsNamed([3]), gainSettings.map((setting) => ({ ...setting, seeds: [3] })));
  const [first, second] = gainSettingsNamed([10, 11], ["scenes", "80 px"]);
  assertEquals([first!.data, second!.change, second!.seeds], ["scenes", undefined, [10, 11]]);
  assertThrows(() => gainSettingsNamed([0], ["81 px"]), RangeError, 'Unknown setting "81 px"');
});
