import { percent, printedPercent } from "./percent.ts";
import { assertEquals } from "lib/testing/assert.ts";

Deno.test("percent() is what was measured: no digits of the multiplication, NaN and nothing as they are", () => {
  assertEquals(percent(0.57), 57); // 100 * 0.57 is 56.99999999999999
  assertEquals(percent(1 / 3), 33.3333333333);
  assertEquals([percent(NaN), percent(Infinity), percent(undefined)], [NaN, Infinity, undefined]);
});

Deno.test("printedPercent() has the paper's decimals", () => {
  assertEquals([printedPercent(0.7501, 2), printedPercent(0.75, 1)], ["75.01", "75.0"]);
  assertEquals(printedPercent(null, 2), null);
});
