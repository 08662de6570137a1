import { bcSslConfig, repLKNetConfig } from "lib/models/mod.ts";
import { heedPrecision } from "./precision.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

const native = { active: true, reason: "native kernels in use", bf16: true };
const plain = { active: false, reason: "plain ops: BCSSL_NATIVE is off", bf16: false };
const model = bcSslConfig("tiny");

/** The warnings of `heedPrecision`. */
function said(...[recipe, status]: [Parameters<typeof heedPrecision>[0], typeof native]): string[] {
  const lines: string[] = [];
  heedPrecision(recipe, (line) => void lines.push(line), status);
  return lines;
}

Deno.test("heedPrecision() says when bf16 is fp32 on this machine, and why", () => {
  assertEquals(said({ model }, plain), []);
  assertEquals(said({ model, precision: "bf16" }, native), []);
  assertEquals(said({ model, precision: "bf16" }, { ...native, bf16: false }), [
    "Training in fp32 in place of bf16: this CPU does not multiply bf16",
  ]);
  assertEquals(said({ model, precision: "bf16" }, plain), [
    "Training in fp32 in place of bf16: plain ops: BCSSL_NATIVE is off",
  ]);
});

Deno.test("heedPrecision() refuses what would change nothing", () => {
  const replknet = repLKNetConfig("nano");
  assertThrows(
    () => said({ model: replknet, precision: "bf16" }, native),
    RangeError,
    '"replknet"',
  );
  const fp16 = "fp16" as "bf16";
  assertThrows(() => said({ model, precision: fp16 }, native), RangeError, '"fp16"');
});
