import { type Arm, armConfig, armName, printedOfArm } from "./arms.ts";
import { recipeAt, runId } from "./config.ts";
import { paperRuns } from "./paper_runs.ts";
import { createModel, familyOf, type SwinConfig, totalCost } from "lib/models/mod.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const bcssl = (kernelSize: number): Arm => ({ arch: "convnext", kernelSize, batchNorm: true });
const others: readonly Arm[] = [{ arch: "resnet" }, { arch: "vit" }, { arch: "swin" }];
const arms: readonly Arm[] = [...others, { arch: "convnext", kernelSize: 7 }, bcssl(3), bcssl(15)];

Deno.test("coarse arms are networks of about as many weights, which differ in nothing else", () => {
  const at = { scale: "laptop", geometry: "coarse" } as const;
  const recipes = arms.map((arm) => recipeAt(armConfig(arm, at), "laptop"));
  const [{ model: _, ...first }] = recipes as [typeof recipes[number]];
  for (const [i, { model, ...recipe }] of recipes.entries()) {
    using built = createModel(model, createRng(0));
    const millions = totalCost(built, recipe.crops.globalSize).parameters / 1e6;
    assertTrue(millions > 0.5 && millions < 0.8, `${armName(arms[i]!)} has ${millions} million`);
    assertEquals(recipe, first);
  }
});

Deno.test("fine arms have the maps of the paper's geometry, and need about as many operations", () => {
  const all = [...arms, { arch: "replknet" }, { arch: "slak" }] as const;
  const recipes = all.map((arm) =>
    recipeAt(armConfig(arm, { scale: "laptop", geometry: "fine" }), "laptop")
  );
  const [{ model: _, ...first }] = recipes as [typeof recipes[number]];
  for (const [i, { model, ...recipe }] of recipes.entries()) {
    using built = createModel(model, createRng(0));
    const name = armName(all[i]!);
    const { parameters, multiplyAdds } = totalCost(built, recipe.crops.globalSize);
    const [millions, operations] = [parameters / 1e6, multiplyAdds / 1e6];
    assertTrue(millions > 0.2 && millions < 0.45, `${name} has ${millions} million weights`);
    assertTrue(operations > 5 && operations < 12, `${name} needs ${operations} million`);
    assertEquals(recipe, first);
    const strides = familyOf(model).stages(model).map(({ stride }) => stride);
    const sides = model.arch === "vit" ? [5] : [20, 10, 5, 2];
    assertEquals(strides.map((stride) => Math.floor(80 / stride)), sides);
  }
});

Deno.test("armConfig() gives each geometry runs of its own, and networks of future work only where they fit", () => {
  const at = { scale: "laptop", geometry: "fine" } as const;
  assertEquals(armConfig(bcssl(9), at).name, "emoji_fine_bcssl_k9");
  assertEquals(armConfig({ arch: "slak" }, { ...at, data: "fashion" }).name, "fashion_fine_slak");
  const coarse = { scale: "laptop", geometry: "coarse" } as const;
  assertThrows(
    () => armConfig({ arch: "replknet" }, coarse),
    RangeError,
    'Cannot build a coarse replknet: its kernels need the geometry "fine"',
  );
  assertThrows(
    () => armConfig({ arch: "slak" }, { scale: "paper" }),
    RangeError,
    "Cannot train a SLaK at paper scale: the paper has no such run",
  );
  const wide = { scale: "laptop", geometry: "wide" as "fine" } as const;
  assertThrows(() => armConfig(bcssl(9), wide), RangeError, 'Unknown geometry "wide": use coarse');
});

Deno.test("armConfig() names arms for the command line, and each has a run of its own", () => {
  const configs = arms.map((arm) => armConfig(arm, { scale: "laptop", data: "fashion" }));
  assertEquals(configs.map(({ name }) => name), [
    "fashion_fine_resnet",
    "fashion_fine_vit",
    "fashion_fine_swin",
    "fashion_fine_convnext_k7",
    "fashion_fine_bcssl_k3",
    "fashion_fine_bcssl_k15",
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
  assertThrows(
    () => armConfig(bcssl(3), birds),
    RangeError,
    'Unknown data "birds": use emoji, fashion, textured, scenes',
  );
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

Deno.test("a transformer's arm may have a BatchNorm before each perceptron, and then differs in nothing else", () => {
  for (const arch of ["vit", "swin"] as const) {
    for (const geometry of ["coarse", "fine"] as const) {
      const at = { scale: "laptop", geometry } as const;
      const [plain, normed] = [{ arch }, { arch, normBeforeMlp: "bn" } as const]
        .map((arm) => armConfig(arm, at));
      assertEquals(normed!.name, plain!.name.replace(arch, `${arch}bn`));
      const { normBeforeMlp, ...model } = normed!.recipe.model as SwinConfig;
      assertEquals(normBeforeMlp, "bn");
      const recipe = { ...normed!.recipe, model };
      assertEquals({ ...normed, name: "", recipe }, { ...plain, name: "" });
    }
  }
  const swin: Arm = { arch: "swin", normBeforeMlp: "bn" };
  assertEquals(armName(swin), "Swin-BN");
  assertEquals(printedOfArm(swin, "linear"), undefined);
  const paper = () => armConfig(swin, { scale: "paper" });
  assertThrows(
    paper,
    RangeError,
    "Cannot train a Swin-BN at paper scale: the paper has no such run",
  );
  for (
    const arm of [{ arch: "resnet", normBeforeMlp: "bn" }, { arch: "vit", normBeforeMlp: "ln" }]
  ) {
    const text = "only a vit or a swin has it";
    assertThrows(() => armConfig(arm as Arm, { scale: "smoke" }), RangeError, text);
  }
});
