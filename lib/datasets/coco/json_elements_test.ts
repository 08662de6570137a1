import { type JsonElement, visitJson } from "./json_elements.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { inTempFolder } from "lib/testing/pictures.ts";

/** Writes the text to a file, and returns its keys and elements. */
async function elementsOf(text: string): Promise<{ keys: string[]; elements: JsonElement[] }> {
  const elements: JsonElement[] = [];
  let keys: string[] = [];
  await inTempFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/a.json`, text);
    keys = [...await visitJson(`${folder}/a.json`, (element) => elements.push(element))];
  });
  return { keys, elements };
}

const awkward = {
  info: { title: 'a "quoted" [one], {two}: \\', "images": [1] },
  images: [{ id: 1, name: "ünï ]},\u0000" }, { id: 2, deep: [[[1, 2], []], { a: {} }] }],
  version: 1.5,
  none: [],
  numbers: [1, -2.5e3, "x,]", null, true],
  note: "] } ,",
};

Deno.test("visitJson() gives what JSON.parse() gives, element by element, indented or not", async () => {
  for (const indent of [0, 2]) {
    const text = JSON.stringify(awkward, null, indent);
    const { keys, elements } = await elementsOf(text);
    assertEquals(keys, Object.keys(awkward));
    const back: Record<string, unknown[]> = {};
    for (const { key, index, position, text: part } of elements) {
      assertEquals((back[key] ??= []).push(JSON.parse(part)), index + 1);
      assertTrue(
        new TextDecoder().decode(new TextEncoder().encode(text).subarray(position))
          .startsWith(part),
        `byte ${position}`,
      );
    }
    const { info, images, version, numbers, note } = awkward;
    assertEquals(back, { info: [info], images, version: [version], numbers, note: [note] });
  }
});

Deno.test("visitJson() joins elements that lie in several chunks of the file", async () => {
  const images = Array.from(
    { length: 3000 },
    (_, i) => ({ id: i, name: `\\"[ü${"é".repeat(i % 97)}` }),
  );
  images[7]!.name = "long".repeat(100_000);
  const { elements } = await elementsOf(JSON.stringify({ images }));
  assertEquals(elements.map(({ text }) => JSON.parse(text)), images);
});

Deno.test("visitJson() gives a missing element as an empty text, which is invalid JSON", async () => {
  for (const text of ['{"a": [1,,2]}', '{"a": [1,2,]}', '{"a": , "b": 1}']) {
    const { elements } = await elementsOf(text);
    assertTrue(elements.some(({ text }) => text === ""), text);
  }
});

Deno.test("visitJson() says where a file ends too early, or is not JSON", async () => {
  const json = JSON.stringify(awkward);
  for (let length = 1; length < json.length; length++) {
    await assertRejects(() => elementsOf(json.slice(0, length)), Error, "it is cut short");
  }
  await assertRejects(
    () => elementsOf('{"images": [{"id": 1}, {"id'),
    Error,
    'it ends after 27 bytes, in element 1 of "images"',
  );
  await assertRejects(() => elementsOf(""), Error, "it is empty");
  await assertRejects(() => elementsOf(" \n"), Error, "it is empty");
  await assertRejects(() => elementsOf("[1]"), Error, "unexpected [ at byte 0");
  await assertRejects(() => elementsOf("hello"), Error, "unexpected h at byte 0");
  await assertRejects(() => elementsOf('{"a": [1}}'), Error, "unexpected } at byte 8");
  await assertRejects(() => elementsOf('{"a": 1]'), Error, "unexpected ] at byte 7");
  await assertRejects(() => elementsOf('{"a": 1}}'), Error, "unexpected } at byte 8");
  await assertRejects(() => elementsOf('{"a": 1} {"b": 2}'), Error, "unexpected { at byte 9");
  await assertRejects(() => elementsOf("{1: 2}"), Error, "unexpected } at byte 5");
  await assertRejects(() => visitJson("none.json", () => {}), Error, "Cannot read none.json");
});
