import { familyOf } from "lib/models/mod.ts";
import { createRng } from "lib/rng.ts";
import { createMethod } from "lib/ssl/methods.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { type Arm, armConfig } from "./arms.ts";
import { recipeAt, runId } from "./config.ts";
import { methodConfig, type MethodName, methodNames, printedOfMethod } from "./method_arms.ts";
import { simclrStart, swavStart } from "./method_runs.ts";

const bcSsl: Arm = { arch: "convnext", kernelSize: 9, batchNorm: true };
const arms: readonly Arm[] = [bcSsl, { arch: "resnet" }, { arch: "vit" }, { arch: "swin" }];
const at = { scale: "laptop" } as const;

Deno.test("methodConfig() is a method's start recipe on the arm's network, with the arms' images and steps", () => {
  const { name, data, scales, recipe } = methodConfig("simclr", bcSsl, at);
  const { name: armName, recipe: { model, crops: { jitter, ...ofArm } }, ...arm } = armConfig(
    bcSsl,
    { ...at, geometry: "coarse" },
  );
  assertEquals([name, armName], ["start_simclr_emoji_bcssl_k9", "emoji_bcssl_k9"]);
  assertEquals({ data, scales }, arm);
  const { crops: startCrops, ...start } = simclrStart.recipe;
  const { crops, ...rest } = recipe;
  assertEquals(rest, { ...start, model });
  const { grayscale, solarize } = ofArm;
  const [{ hue, probability }, own] = [jitter, startCrops.jitter];
  const colours = { jitter: { ...own, hue, probability }, grayscale, solarize };
  assertEquals(crops, { ...startCrops, ...colours });
  assertTrue(
    own.hue !== hue && startCrops.grayscale !== grayscale,
    "a test of equal colours is none",
  );
});

Deno.test("on garments methodConfig() leaves the method's colours, and DINO's config is the arm's own", () => {
  const fashion = { ...at, data: "fashion" } as const;
  const swav = methodConfig("swav", bcSsl, fashion);
  const { model: _, ...start } = swavStart.recipe;
  assertEquals(swav.name, "start_swav_fashion_bcssl_k9");
  assertEquals({ ...swav.recipe, model: undefined }, { ...start, model: undefined });
  for (const data of ["emoji", "fashion"] as const) {
    for (const scale of ["smoke", "laptop", "paper"] as const) {
      const options = { scale, data };
      const known = armConfig(bcSsl, { ...options, geometry: "coarse" });
      assertEquals(methodConfig("dino", bcSsl, options), known);
    }
  }
});

Deno.test("every method can be created on every arm, and each pair has a run of its own", () => {
  const ids = new Set<string>();
  for (const method of methodNames) {
    for (const arm of arms) {
      const config = methodConfig(method, arm, { scale: "smoke" });
      using _ = createMethod(recipeAt(config, "smoke"), createRng(0), 128);
      ids.add(runId({ config, scale: "smoke", seed: 0 }).slice(-8));
    }
  }
  assertEquals(ids.size, methodNames.length * arms.length);
});

Deno.test("EsViT's arms lack the last stage, so that their last map has several positions", () => {
  const lastSide = (method: MethodName, arm: Arm) => {
    const { model } = methodConfig(method, arm, at).recipe;
    return 32 / familyOf(model).stages(model).at(-1)!.stride;
  };
  assertEquals(arms.map((arm) => lastSide("dino", arm)), [1, 1, 4, 1]);
  assertEquals(arms.map((arm) => lastSide("esvit", arm)), [2, 2, 4, 2]);
});

Deno.test("MoCo v3's heads are of the form for the network", () => {
  const forms = arms.map((arm) =>
    (methodConfig("mocov3", arm, at).recipe.head as { form: string }).form
  );
  assertEquals(forms, ["resnet", "resnet", "vit", "vit"]);
});

Deno.test("methodConfig() refuses iGPT, methods that it does not know, and the paper's scale", () => {
  const refuses = (method: string, scale: "laptop" | "paper", text: string) =>
    assertThrows(() => methodConfig(method as MethodName, bcSsl, { scale }), RangeError, text);
  refuses(
    "igpt",
    "laptop",
    "Cannot train an arm by igpt, which trains only a network of its own: use dino, byol",
  );
  refuses("SimCLR", "laptop", 'Unknown method "SimCLR": use dino, byol, simclr');
  refuses("simclr", "paper", "Cannot train BC-SSL, 9×9 by SimCLR at paper scale");
});

Deno.test("printedOfMethod() is the smallest network of that family in Table 3", () => {
  const percent = (share: number) => (100 * share).toFixed(1);
  const printed = (method: MethodName, arm: Arm) => {
    const row = printedOfMethod(method, arm);
    return row && [row.arch, percent(row.linear), row.knn && percent(row.knn)];
  };
  assertEquals(printed("byol", { arch: "resnet" }), ["RN50", "74.4", "64.8"]);
  assertEquals(printed("simclr", { arch: "resnet" }), ["RN50w4", "76.8", "69.3"]);
  assertEquals(printed("deepcluster_v2", { arch: "resnet" }), ["RN50", "75.2", "67.1"]);
  assertEquals(printed("mocov3", { arch: "vit" }), ["ViT-B", "76.7", null]);
  assertEquals(printed("moby", { arch: "swin" }), ["Swin-T", "75.1", null]);
  assertEquals(printed("dino", bcSsl), ["BC-SSL-T", "77.8", "75.7"]);
  assertEquals(printed("dino", { ...bcSsl, kernelSize: 3 }), undefined);
  assertEquals(printed("dino", { ...bcSsl, batchNorm: false }), undefined);
  assertEquals(printed("byol", bcSsl), undefined);
  assertEquals(printed("esvit", { arch: "swin" }), undefined);
});
