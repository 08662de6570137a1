import { assertSvgSnapshot, snapshotOf } from "./snapshot.ts";
import { assertEquals, assertThrows } from "./assert.ts";

Deno.test("snapshotOf() keeps three digits, and does not know how many figures came before", () => {
  const drawing = (clip: number, x: string) =>
    `<svg><g clip-path="url(#plot-clip-${clip})"><path d="M${x},0.0123456L-0.5,7"/></g></svg>`;
  assertEquals(snapshotOf(drawing(1, "123.456")), snapshotOf(drawing(9, "123.4561")));
  assertEquals(
    snapshotOf(drawing(1, "123.456")).split("\n")[2],
    '<path d="M123,0.0123L-0.5,7"/>',
  );
  assertEquals(snapshotOf("<svg><text>98.50 %</text></svg>").includes("98.50 %"), true);
  assertEquals(snapshotOf(drawing(1, "123.4")) === snapshotOf(drawing(1, "124.6")), false);
});

Deno.test("assertSvgSnapshot() fails where the drawing is new or another, and leaves it for the eye", () => {
  const folder = Deno.makeTempDirSync();
  const [path, changed] = [`${folder}/a.svg`, `${folder}/a-changed.svg`];
  const [one, other] = ["<svg><g/></svg>", "<svg><h/></svg>"];
  assertThrows(() => assertSvgSnapshot(one, path), Error, changed);
  Deno.renameSync(changed, path);
  assertSvgSnapshot(one, path);
  assertThrows(() => assertSvgSnapshot(other, path), Error, "is not");
  assertEquals(Deno.readTextFileSync(changed), snapshotOf(other));
  assertEquals(Deno.readTextFileSync(path), snapshotOf(one));
  assertSvgSnapshot(one, path);
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["a.svg"]);
  Deno.removeSync(folder, { recursive: true });
});
