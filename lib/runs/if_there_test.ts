import { assertEquals, assertThrows } from "lib/testing/assert.ts";
import { ifThere } from "./if_there.ts";

Deno.test("ifThere() is undefined where there is no file, and throws for other reasons", () => {
  assertEquals(ifThere(() => Deno.statSync("/proc/none")), undefined);
  assertEquals(ifThere(() => Deno.statSync("/proc").isDirectory), true);
  assertThrows(() => ifThere(() => Deno.readTextFileSync("/proc")), Error, "os error 21");
});
