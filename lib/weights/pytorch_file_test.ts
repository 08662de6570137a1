/** Archives that no `torch.save` writes: hostile, or with something missing. */
import { parseTorchArchive, parseTorchLegacy } from "./pytorch_file.ts";
import { weightsFile } from "./weights_file.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

/** A pickle from text, one character a byte. */
const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (value: string) => `\x8c${String.fromCharCode(value.length)}${value}`;

const tensor = (shape: string, strides: string, length = "K\x02") =>
  "ctorch._utils\n_rebuild_tensor_v2\n" +
  `((${text("storage")}ctorch\nFloatStorage\n${text("0")}${text("cpu")}${length}tQ` +
  `K\x00${shape}${strides}\x89NtR`;
const two = tensor("K\x02\x85", "K\x01\x85");

/** Reads an archive of 100 bytes whose data.pkl is this. */
function read(
  pickle: string,
  members: Readonly<Record<string, string>> = { "data/0": "\0".repeat(8) },
) {
  const all = Object.entries({ "data.pkl": `\x80\x02${pickle}.`, ...members });
  const unpacked = new Map(all.map(([name, content]) => [`x/${name}`, bytesOf(content)]));
  return parseTorchArchive(weightsFile("x.pth", new Uint8Array(100)), unpacked);
}

Deno.test("tensors in dictionaries and lists have dotted names; other values have none", () => {
  const tree = `}(${text("a")}](${two}NK\x07${two}e${text("b")}}${
    text("c.d")
  }${two}sK\x03${two}N${two}u`;
  assertEquals([...read(tree).arrays.keys()], ["a.0", "a.3", "b.c.d", "3"]);
});

Deno.test("tensors among the attributes and entries of unknown objects have names; circles of objects end", () => {
  const object = "c__main__\nRun\n)\x81q\x05";
  const { arrays, leftOut } = read(
    `}(${text("run")}${object}}(${text("net")}}${text("w")}${two}s${text("self")}h\x05ubu`,
  );
  assertEquals([...arrays.keys()], ["run.net.w"]);
  assertEquals(leftOut, new Map([["__main__.Run", 1]])); // where it refers to itself
  const deep = read(`${object}}${text("tree")}${"]".repeat(200)}${"a".repeat(199)}sb`);
  assertEquals([...deep.leftOut.keys()], ["deeply nested attributes", "__main__.Run"]);
});

const refused: Readonly<Record<string, readonly [pickle: string, why: string]>> = {
  "a list in itself": ["]q\0h\0a", "nested without end"],
  "a dictionary in itself": [`}q\0${text("a")}h\0s`, "nested without end"],
  "lists twice in each other, sixty deep": [
    "]q\0" + "](h\0h\0eq\0".repeat(60),
    "nested without end",
  ],
  "lists a thousand deep": ["]".repeat(1000) + "a".repeat(999), "nested without end"],
  "one name twice": [`}(${text("a")}}${text("b")}${two}s${text("a.b")}${two}u`, "a.b twice"],
  "names of megabytes": [
    `}X\x10\x27\x00\x00${"n".repeat(10_000)}${two}s`,
    "nested without end",
  ],
  "one element repeated a million times": [
    tensor("J\x40\x42\x0f\x00\x85", "K\x00\x85"),
    "unpacks to 4000000 bytes",
  ],
  "a storage larger than its member": [
    tensor("K\x02\x85", "K\x01\x85", "K\x03"),
    "has 8 bytes for 3",
  ],
};

for (const [what, [pickle, why]] of Object.entries(refused)) {
  Deno.test(`parseTorchArchive() refuses ${what}`, () => {
    assertThrows(() => read(pickle), Error, why);
  });
}

Deno.test("parseTorchArchive() refuses an archive that lacks a storage, or its pickle", () => {
  assertThrows(() => read(two, {}), Error, "data/0 has 0 bytes for 2 elements");
  const file = weightsFile("x.pth", new Uint8Array(9));
  assertThrows(() => parseTorchArchive(file, new Map()), Error, "without a data.pkl");
});

// ---------------------------------------------------------------- before PyTorch 1.6

const magic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
const version = "\x80\x02M\xe9\x03.";
const system = (littleEndian: string) => `\x80\x02}${text("little_endian")}${littleEndian}s.`;
const values = "\x02" + "\0".repeat(7) + "\0".repeat(8);
const legacy = (...parts: string[]) =>
  parseTorchLegacy(weightsFile("x.pth", bytesOf(parts.join("")))).arrays;
const start = magic + version + system("\x88");
const keys = `\x80\x02](${text("0")}e.`;

Deno.test("parseTorchLegacy() reads five pickles, then each storage as its length and its numbers", () => {
  const arrays = legacy(start, `\x80\x02}${text("a")}${two}s.`, keys, values);
  assertEquals(arrays, new Map([["a", { shape: [2], values: new Float32Array(2) }]]));
});

const broken: Readonly<Record<string, readonly [parts: readonly string[], why: string]>> = {
  "another pickle": [["\x80\x02N.", version, system("\x88")], "not one that torch.save writes"],
  "big-endian numbers": [[magic, version, system("\x89"), `\x80\x02${two}.`], "big-endian"],
  "a storage of another length": [
    [start, `\x80\x02${two}.`, keys, "\x03" + values.slice(1)],
    "not of 2 elements",
  ],
  "a storage that no tensor has": [
    [start, "\x80\x02N.", keys, values],
    "a storage 0 that it has not",
  ],
  "a tensor whose storage is not there": [[start, `\x80\x02${two}.`, "\x80\x02]."], "lacks some"],
  "numbers cut short": [[start, `\x80\x02${two}.`, keys, values.slice(1)], "cut short"],
  "bytes after its end": [[start, `\x80\x02${two}.`, keys, values, "!"], "1 bytes after its end"],
};

for (const [what, [parts, why]] of Object.entries(broken)) {
  Deno.test(`parseTorchLegacy() refuses ${what}`, () => {
    assertThrows(() => legacy(...parts), Error, why);
  });
}
