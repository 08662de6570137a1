import { type FaultPoint, onFaultPoint } from "lib/runs/fault_points.ts";
import { replaceFile } from "./replace_file.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

/** Runs in a folder of its own with a function at the fault points, and removes the function. */
function armed(
  strike: (point: FaultPoint, path: string) => void,
  body: (folder: string) => void,
): void {
  const folder = Deno.makeTempDirSync();
  onFaultPoint(strike);
  try {
    body(folder);
  } finally {
    onFaultPoint(undefined);
    Deno.removeSync(folder, { recursive: true });
  }
}

const places = [
  "file opened",
  "file half written",
  "file written",
  "file flushed",
  "file renamed",
] as const;

Deno.test("replaceFile() passes its places in order, with as much on the disk as their names say", () => {
  const passed: [FaultPoint, number][] = [];
  armed((point, path) => {
    const partial = `${path}.${Deno.pid}.partial`;
    passed.push([point, Deno.statSync(point === "file renamed" ? path : partial).size]);
  }, (folder) => {
    replaceFile(`${folder}/x`, new Uint8Array(10));
    assertEquals(passed, places.map((point, i) => [point, [0, 5, 10, 10, 10][i]!]));
  });
  assertEquals(passed.length, places.length); // disarmed: a later write passes unseen
});

for (const place of places) {
  Deno.test(`replaceFile() that fails where a file is "${place}" leaves the old contents or the new, and no other file`, () =>
    armed(() => {}, (folder) => {
      replaceFile(`${folder}/x`, "old");
      onFaultPoint((point) => {
        if (point === place) throw new Error("struck");
      });
      assertThrows(() => replaceFile(`${folder}/x`, "newer"), Error, "Cannot write");
      const expected = place === "file renamed" ? "newer" : "old";
      assertEquals(Deno.readTextFileSync(`${folder}/x`), expected);
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["x"]);
    }));
}
