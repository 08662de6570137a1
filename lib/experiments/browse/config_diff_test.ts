import { assertEquals } from "lib/testing/assert.ts";
import { configRows } from "./config_diff.ts";

Deno.test("configRows() names values by dotted path, and marks those that differ", () => {
  const a = { id: "a-1", seed: 0, recipe: { lr: 0.1, dims: [1, 2], warmup: null } };
  const b = { id: "b-1", seed: 0, recipe: { lr: 0.2, dims: [1, 3], warmup: null, ema: true } };
  assertEquals(configRows([a, b]), [
    { path: "seed", values: ["0", "0"], differs: false },
    { path: "recipe.lr", values: ["0.1", "0.2"], differs: true },
    { path: "recipe.dims", values: ["[1,2]", "[1,3]"], differs: true },
    { path: "recipe.warmup", values: ["null", "null"], differs: false },
    { path: "recipe.ema", values: [undefined, "true"], differs: true },
  ]);
});

Deno.test("configRows() sets three configs side by side; one alone differs in nothing", () => {
  const configs = [1, 1, 2].map((lr) => ({ lr }));
  assertEquals(configRows(configs), [{ path: "lr", values: ["1", "1", "2"], differs: true }]);
  assertEquals(configRows(configs.slice(0, 1))[0]!.differs, false);
  assertEquals(configRows([]), []);
});
