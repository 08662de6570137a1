import { duration } from "./duration.ts";
import { assertEquals } from "lib/testing/assert.ts";

Deno.test("duration() is short, and never says 60 seconds or 60 minutes of the next unit", () => {
  const seconds = [0, 7.4, 89, 89.7, 239.7, 750, 3599.9, 5399.9, 11_520];
  assertEquals(seconds.map(duration), [
    "0 s",
    "7 s",
    "89 s",
    "90 s",
    "4.0 min",
    "12.5 min",
    "60.0 min",
    "90.0 min",
    "3.2 h",
  ]);
});

Deno.test("duration() says where nothing is known", () => {
  assertEquals([NaN, Infinity, -1].map(duration), Array(3).fill("an unknown time"));
});
