import { chosenScale, override, recipeAt, runId } from "./config.ts";
import { bcSslStart } from "./notebook_runs.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const key = { config: bcSslStart, scale: "smoke", seed: 0 } as const;

Deno.test("override() replaces one value, keeps the rest, and leaves the base alone", () => {
  const changed = override(bcSslStart, { recipe: { model: { kernelSize: 11 } } });
  assertEquals(changed.recipe.model, { ...bcSslStart.recipe.model, kernelSize: 11 });
  assertEquals(changed.recipe.head, bcSslStart.recipe.head);
  assertTrue(
    Object.values(bcSslStart.recipe.model).every((v) => v !== 11),
    "the base is unchanged",
  );
});

Deno.test("override() refuses an unknown key and lists those there are", () => {
  const wrong = { recipe: { model: { kernel: 11 } } } as unknown as object;
  assertThrows(() => override(bcSslStart, wrong), TypeError, '"recipe.model.kernel"');
  assertThrows(() => override(bcSslStart, wrong), TypeError, "kernelSize");
});

Deno.test("runId() changes with recipe, data, scale and seed, not with the order of keys", () => {
  const { recipe, data, ...rest } = bcSslStart;
  assertEquals(runId({ ...key, config: { recipe, data, ...rest } }), runId(key));
  const others = [
    { ...key, seed: 1 },
    { ...key, scale: "laptop" as const },
    { ...key, config: override(bcSslStart, { recipe: { model: { kernelSize: 11 } } }) },
    { ...key, config: override(bcSslStart, { data: { placed: false } }) },
  ].map(runId);
  assertEquals(new Set([runId(key), ...others]).size, 5);
  assertTrue(/^[\w-]+-[0-9a-f]{8}$/.test(runId(key)), runId(key));
});

Deno.test("a scale changes sizes only", () => {
  const [smoke, laptop] = [recipeAt(bcSslStart, "smoke"), recipeAt(bcSslStart, "laptop")];
  const sizes = { batchSize: 0, epochs: 0, crops: 0 };
  assertEquals({ ...smoke, ...sizes }, { ...laptop, ...sizes });
  const sides = { globalSize: 0, localSize: 0 };
  assertEquals({ ...smoke.crops, ...sides }, { ...laptop.crops, ...sides });
});

Deno.test("chosenScale() follows the environment, and refuses an unknown name", () => {
  const before = Deno.env.get("BCSSL_SCALE");
  try {
    Deno.env.delete("BCSSL_SCALE");
    assertEquals(chosenScale("laptop"), "laptop");
    Deno.env.set("BCSSL_SCALE", "smoke");
    assertEquals(chosenScale("laptop"), "smoke");
    Deno.env.set("BCSSL_SCALE", "huge");
    assertThrows(() => chosenScale("laptop"), RangeError, "smoke, laptop, paper");
  } finally {
    if (before === undefined) Deno.env.delete("BCSSL_SCALE");
    else Deno.env.set("BCSSL_SCALE", before);
  }
});

Deno.test("a scale that is none is refused by name, also where no compiler looked", () => {
  const wrong = { ...key, scale: "huge" as "smoke" };
  assertThrows(() => runId(wrong), RangeError, 'at scale "huge": use smoke, laptop, paper');
  assertThrows(() => recipeAt(bcSslStart, wrong.scale), RangeError, "smoke, laptop, paper");
});
