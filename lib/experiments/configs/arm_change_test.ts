import { changedArmConfig } from "./arm_change.ts";
import { type Arm, armConfig } from "./arms.ts";
import { type Override, type PretrainConfig, recipeAt, runId, scaleNames } from "./config.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const arms: readonly Arm[] = [
  { arch: "resnet" },
  { arch: "convnext", kernelSize: 3, batchNorm: true },
  { arch: "convnext", kernelSize: 9, batchNorm: true },
];
const nine = arms[2]!;

Deno.test("changedArmConfig() without a change is armConfig()", () => {
  for (const scale of scaleNames) {
    for (const arm of arms) {
      const config = armConfig(arm, { scale });
      for (const change of [undefined, {}]) {
        const same = changedArmConfig(arm, { scale, change });
        assertEquals(same, config);
        assertEquals(runId({ config: same, scale, seed: 0 }), runId({ config, scale, seed: 0 }));
      }
    }
  }
});

Deno.test("changedArmConfig() changes every arm alike, and each has another run than before", () => {
  const changes: readonly Override<PretrainConfig>[] = [
    { scales: { laptop: { imageSize: 64 } } },
    { scales: { laptop: { epochs: 120, monitorEvery: 1248 } } },
    { scales: { laptop: { trainCount: 1000 } } },
    { recipe: { lr: 0.004, weightDecay: 0.1 } },
    { data: { background: "textured" } },
    { data: { kind: "scenes", labels: "subgroup" } },
  ];
  const ids = [undefined, ...changes].flatMap((change) =>
    arms.map((arm) => {
      const config = changedArmConfig(arm, { scale: "laptop", change });
      return runId({ config, scale: "laptop", seed: 0 });
    })
  );
  assertEquals(new Set(ids).size, ids.length);
  const [size, , , rate, textured, scenes] = changes.map((change) =>
    changedArmConfig(nine, { scale: "laptop", change })
  );
  assertEquals(recipeAt(size!, "laptop").crops.globalSize, 64);
  const before = armConfig(nine, { scale: "laptop" });
  assertEquals(rate!.recipe, { ...before.recipe, lr: 0.004, weightDecay: 0.1 });
  assertEquals(textured!.data, { kind: "emoji", labels: "subgroup", background: "textured" });
  assertEquals(scenes!.data, { kind: "scenes", labels: "subgroup" });
  const fashion = { scale: "laptop", data: "fashion", change: { recipe: { lr: 0.004 } } } as const;
  assertEquals(changedArmConfig(nine, fashion).data, { kind: "fashion-mnist", placed: true });
});

Deno.test("changedArmConfig() changes the paper's runs too, but not their images", () => {
  const at = { scale: "paper" } as const;
  const before = armConfig(nine, at);
  const changed = changedArmConfig(nine, { ...at, change: { scales: { paper: { epochs: 300 } } } });
  assertEquals(changed, {
    ...before,
    scales: { ...before.scales, paper: { ...before.scales.paper, epochs: 300 } },
  });
  const folder = { data: { folder: "/imagenet" } } as const;
  assertEquals(changedArmConfig(nine, { ...at, change: folder }).data, {
    ...before.data,
    folder: "/imagenet",
  });
  const change = { data: { kind: "scenes", labels: "subgroup" } } as const;
  assertThrows(
    () => changedArmConfig(nine, { ...at, change }),
    RangeError,
    'Cannot change data to "scenes" at scale "paper", where BC-SSL, 9×9 is the paper\'s run',
  );
});

Deno.test("changedArmConfig() refuses a change of what tells arms apart, or without effect", () => {
  const refuses = (change: unknown, type: ErrorConstructor, text: string, scale = "laptop") =>
    assertThrows(
      () =>
        changedArmConfig(nine, {
          scale: scale as "laptop",
          change: change as Override<PretrainConfig>,
        }),
      type,
      text,
    );
  for (const field of ["arch", "kernelSize", "kernelSizes", "batchNorm"]) {
    const change = { recipe: { model: { [field]: 5 } } };
    refuses(change, RangeError, `Cannot change recipe.model.${field} of every arm`);
  }
  const sizes = { scales: { laptop: { imageSize: 64 } } };
  refuses(sizes, RangeError, "by sizes of laptop alone, which it does not use", "paper");
  refuses({ scales: { smoke: { epochs: 1 }, paper: {} } }, RangeError, "of smoke, paper alone");
  const smoke = { scale: "smoke" } as const;
  assertEquals(
    recipeAt(changedArmConfig(nine, { ...smoke, change: sizes }), "smoke"),
    recipeAt(armConfig(nine, smoke), "smoke"),
  );
  refuses("imageSize=64", TypeError, "need an object, as in");
  refuses({ recipe: { learningRate: 1 } }, TypeError, 'unknown option "recipe.learningRate"');
  refuses({ scales: { laptop: { imageSize: 0 } } }, RangeError, "imageSize is 0, but must be");
  assertTrue(
    changedArmConfig(nine, { scale: "laptop", change: sizes }).name.endsWith("k9"),
    "name",
  );
});
