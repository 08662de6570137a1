import { type Arm, armConfig, armName, printedOfArm } from "./arms.ts";
import { recipeAt, runId } from "./config.ts";
import { paperRuns } from "./paper_runs.ts";
import { createModel, totalCost } from "lib/models/mod.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const bcssl = (kernelSize: number): Arm => ({ arch: "convnext", kernelSize, batchNorm: true });
const others: readonly Arm[] = [{ arch: "resnet" }, { arch: "vit" }, { arch: "swin" }];
const arms: readonly Arm[] = [...others, { arch: "convnext", kernelSize: 7 }, bcssl(3), bcssl(15)];

Deno.test("armConfig() gives networks of about as many weights, which differ in nothing else", () => {
  const recipes = arms.map((arm) => recipeAt(armConfig(arm, { scale: "laptop" }), "laptop"));
  const [{ model: _, ...first }] = recipes as [typeof recipes[number]];
  for (const [i, { model, ...recipe }] of recipes.entries()) {
    using built = createModel(model, createRng(0));
    const millions = totalCost(built, recipe.crops.globalSize).parameters / 1e6;
    assertTrue(millions > 0.5 && millions < 0.8, `${armName(arms[i]!)} has ${millions} million`);
    assertEquals(recipe, first);
  }
});

Deno.test("armConfig() names arms for the command line, and each has a run of its own", () => {
  const configs = arms.map((arm) => armConfig(arm, { scale: "laptop", data: "fashion" }));
  assertEquals(configs.map(({ name }) => name), [
    "fashion_resnet",
    "fashion_vit",
    "fashion_swin",
    "fashion_convnext_k7",
    "fashion_bcssl_k3",
    "fashion_bcssl_k15",
  ]);
  const ids = configs.map((config) =>
    runId({ config, scale: "laptop", seed: 0 }).split("-").at(-1)
  );
  assertEquals(new Set(ids).size, arms.length);
});

Deno.test("armConfig() at paper scale is the paper's own run, and its recipe for a kernel that it did not try", () => {
  const named = (name: string) => paperRuns.find(({ config }) => config.name === name)!.config;
  const at = { scale: "paper" } as const;
  assertEquals(armConfig(bcssl(9), at), named("bcssl_t_k9_100ep"));
  assertEquals(armConfig({ arch: "convnext", kernelSize: 3 }, at), named("convnext_t_k3_100ep"));
  assertEquals(armConfig({ arch: "swin" }, at), named("swin_t_100ep"));
  const large = armConfig(bcssl(21), at);
  const { model, ...recipe } = large.recipe;
  const { model: known, ...knownRecipe } = named("bcssl_t_k9_100ep").recipe;
  assertEquals([large.name, recipe], ["bcssl_t_k21_100ep", knownRecipe]);
  assertEquals(model, { ...known, kernelSize: 21 });
});

Deno.test("armConfig() refuses what is no arm", () => {
  const refuses = (arm: unknown, text: string) =>
    assertThrows(() => armConfig(arm as Arm, { scale: "laptop" }), RangeError, text);
  refuses({ arch: "alexnet" }, 'Unknown architecture "alexnet": use resnet, convnext, vit, swin');
  refuses(
    { arch: "convnext" },
    "the kernel size must be an odd whole number of at least 1, current size is undefined",
  );
  refuses(bcssl(8), "current size is 8");
  refuses(bcssl(2.5), "current size is 2.5");
  refuses(bcssl("9" as unknown as number), 'current size is "9"');
  refuses({ arch: "toString" }, 'Unknown architecture "toString"');
  const text = { arch: "convnext", kernelSize: 9, batchNorm: "false" } as unknown as Arm;
  assertThrows(() => armName(text), TypeError, 'batchNorm is "false", but must be true or false');
  refuses({ arch: "vit", kernelSize: 7 }, 'Cannot choose kernels of a "vit"');
  refuses({ arch: "vit", batchNorm: true }, 'Cannot choose kernels of a "vit"');
  const birds = { scale: "laptop", data: "birds" as "emoji" } as const;
  assertThrows(() => armConfig(bcssl(3), birds), RangeError, 'Unknown data "birds": use emoji');
});

Deno.test("armName() and printedOfArm() are the paper's", () => {
  assertEquals(arms.map(armName), [
    "ResNet",
    "ViT",
    "Swin",
    "ConvNeXt, 7×7",
    "BC-SSL, 3×3",
    "BC-SSL, 15×15",
  ]);
  assertClose(arms.map((arm) => printedOfArm(arm, "linear")!), [
    0.6714,
    0.7351,
    0.7498,
    0.741,
    0.7404,
    0.7447,
  ]);
  assertClose(arms.map((arm) => printedOfArm(arm, "knn")!), [
    0.5888,
    0.6877,
    0.6972,
    0.68654,
    0.68406,
    0.69729,
  ]);
  assertEquals(printedOfArm(bcssl(11), "knn"), undefined);
});
