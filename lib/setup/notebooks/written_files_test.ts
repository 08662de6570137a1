import { writeFileWhole } from "lib/setup/install/files.ts";
import { countNames, snapshot, writtenBetween } from "./written_files.ts";
import { assertEquals } from "lib/testing/assert.ts";

Deno.test("writtenBetween() sees new files and files that were written again at the same instant, and no others", async () => {
  const outputs = await Deno.makeTempDir();
  try {
    const write = (name: string) => writeFileWhole(`${outputs}/figures/${name}`, "same");
    const none = await snapshot("figures", outputs);
    await write("old.svg");
    await write("again.svg");
    const before = await snapshot("figures", outputs);
    await write("again.svg");
    await write("new.png");
    const after = await snapshot("figures", outputs);
    assertEquals(writtenBetween(before, after), ["again.svg", "new.png"]);
    assertEquals(writtenBetween(none, before), ["again.svg", "old.svg"]);
    assertEquals(writtenBetween(after, await snapshot("figures", outputs)), []);
  } finally {
    await Deno.remove(outputs, { recursive: true });
  }
});

Deno.test("countNames() counts a figure or table once, in any number of formats", () => {
  assertEquals(countNames(["a.png", "a.svg", "a.b.csv", "a.b.md", "c.tex"]), 3);
});
