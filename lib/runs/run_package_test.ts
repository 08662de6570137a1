import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { holdSame, packRun, unpackRun } from "./run_package.ts";

const encoder = new TextEncoder();
const parts = new Map([
  ["history", Uint8Array.of(0, 10, 255)],
  ["knn.json", encoder.encode('[{"options":{},"result":1}]')],
  ["empty", new Uint8Array()],
]);
const run = { header: { config: { name: "a\nb", pretrained: null } }, parts };

Deno.test("a package holds its header and its parts, and its bytes depend on them alone", () => {
  const bytes = packRun(run);
  const { header, parts: read } = unpackRun("x.run", bytes);
  assertEquals(header, run.header);
  assertEquals(
    [...read].map(([name, part]) => [name, [...part]]),
    [...parts].map(([name, part]) => [name, [...part]]),
  );
  assertEquals(packRun(run), bytes);
  assertTrue(holdSame("x.run", bytes, packRun(run)), "the same");
  assertTrue(!holdSame("x.run", bytes, packRun({ ...run, header: {} })), "another header");
});

Deno.test("every wrong bit of a package is noticed, and the message names the file and the way out", () => {
  const bytes = packRun(run);
  for (let at = 0; at < bytes.length; at++) {
    const wrong = bytes.slice();
    wrong[at]! ^= 1;
    assertThrows(
      () => unpackRun("data/shipped/x.run", wrong),
      Error,
      "Cannot read data/shipped/x.run",
    );
  }
  const cut = () => unpackRun("data/shipped/x.run", bytes.subarray(0, bytes.length - 1));
  assertThrows(cut, Error, 'git checkout -- "data/shipped/x.run"');
  assertThrows(() => unpackRun("x.run", new Uint8Array()), Error, "checksum is wrong");
});

Deno.test("a package of a later version is not called damaged", () => {
  const later = encoder.encode(`bcssl-run 2 ${"0".repeat(64)}\n`);
  assertThrows(() => unpackRun("x.run", later), Error, "a later version");
});
