import { InertObject, PickleGlobal, unpickle } from "./pickle.ts";
import { TensorView, TorchRules } from "./pytorch_tensors.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const refuse = (why: string) => new Error(`Cannot read x.pth: ${why}`);

/** A pickle from text, one character a byte. */
const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const read = (text: string, mayRepeat = true) =>
  unpickle({ bytes: bytesOf(text), refuse }, new TorchRules(refuse, mayRepeat)).value;

/** SHORT_BINUNICODE. */
const text = (value: string) => `\x8c${String.fromCharCode(value.length)}${value}`;

const call = (name: string, ...args: unknown[]) => new InertObject(name, args);
const asksForCode: Readonly<Record<string, readonly [pickle: string, value: unknown]>> = {
  "GLOBAL and REDUCE": [`\x80\x02cos\nsystem\n${text("id")}\x85R.`, call("os.system", "id")],
  "STACK_GLOBAL": [
    `\x80\x04${text("posix")}${text("system")}\x93${text("id")}\x85R.`,
    call("posix.system", "id"),
  ],
  "a name in parts": [
    `\x80\x04${text("os")}${text("path.os.system")}\x93.`,
    new PickleGlobal("os.path.os.system"),
  ],
  "INST": [`\x80\x02(${text("id")}ios\nsystem\n.`, call("os.system", "id")],
  "OBJ": [`\x80\x02(cos\nsystem\n${text("id")}o.`, call("os.system", "id")],
  "NEWOBJ": [`\x80\x02csubprocess\nPopen\n${text("id")}\x85\x81.`, call("subprocess.Popen", "id")],
  "NEWOBJ_EX": [
    `\x80\x04csubprocess\nPopen\n)}${text("args")}${text("id")}s\x92.`,
    call("subprocess.Popen", new Map([["args", "id"]])),
  ],
  "eval": [`\x80\x02cbuiltins\neval\n${text("1")}\x85R.`, call("builtins.eval", "1")],
  "a call of what a call gives": [
    `\x80\x02c__builtin__\ngetattr\n${text("a")}${text("b")}\x86R)R.`,
    call("__builtin__.getattr()"),
  ],
  "a loader of PyTorch's": [
    `\x80\x02ctorch.storage\n_load_from_bytes\nC\x01a\x85R.`,
    call("torch.storage._load_from_bytes", bytesOf("a")),
  ],
  "an extension's code": ["\x80\x02\x82\x01)R.", call("extension 1")],
  "a name of Object.prototype": [
    "\x80\x02ctoString\nconstructor\n)R.",
    call("toString.constructor"),
  ],
  "a maker of objects": [
    `\x80\x02ccopy_reg\n_reconstructor\ncos\nX\nc__builtin__\nobject\nN\x87R.`,
    call("os.X", new PickleGlobal("os.X"), new PickleGlobal("__builtin__.object"), null),
  ],
  "storage as a function": ["\x80\x02ctorch\nFloatStorage\n)R.", call("torch.FloatStorage")],
  "a buffer outside": ["\x80\x05\x97\x98.", call("a buffer outside of the pickle")],
};

for (const [how, [pickle, value]] of Object.entries(asksForCode)) {
  Deno.test(`unpickle() writes down what a pickle asks for and runs none of it: ${how}`, () => {
    assertEquals(read(pickle), value);
  });
}

Deno.test("unpickle() keeps what a reducer in a state asks for as it is", () => {
  const value = read(
    `\x80\x02cargparse\nNamespace\n)\x81}${text("__setstate__")}cos\nsystem\nsb.`,
  ) as InertObject;
  assertEquals(value.state, new Map([["__setstate__", new PickleGlobal("os.system")]]));
});

Deno.test("unpickle() keeps the entries and items of classes that it does not know", () => {
  const registry = read(`\x80\x02c__main__\nRegistry\n)\x81(${text("a")}K\x01u.`) as InertObject;
  assertEquals(registry.entries, new Map([["a", 1]]));
  const steps = read(`\x80\x02c__main__\nSteps\n)\x81(K\x01K\x02eK\x03a.`) as InertObject;
  assertEquals(steps.items, [1, 2, 3]);
  const set = read(`\x80\x04c__main__\nNames\n)\x81(K\x01\x90.`) as InertObject;
  assertEquals(set.items, [1]);
});

Deno.test("unpickle() reads protocol 0: numbers and texts as lines", () => {
  assertEquals(read("(I7\nI01\nI00\nL-36893488147419103232L\nF-0.5\nFnan\nt."), [
    7,
    true,
    false,
    -(2n ** 65n),
    -0.5,
    NaN,
  ]);
  assertEquals(read("(V\\u00e9\\U0001f600\nS'a\\'b\\x41\\n'\nt."), ["é😀", "a'bA\n"]);
  assertEquals(read("(I5\np0\ng0\n2t."), [5, 5, 5]);
  for (const bad of ["Ix\n.", "Fx\n.", "Sx\n.", "g0\n.", "I1\np-1\n."]) {
    assertThrows(() => read(bad), Error, "Cannot read x.pth: its pickle");
  }
});

Deno.test("unpickle() reads protocol 5's bytes", () => {
  assertEquals(read("\x80\x05\x96\x02\0\0\0\0\0\0\0ab."), bytesOf("ab"));
});

Deno.test("unpickle() reads plain values of every kind", () => {
  assertEquals(read("\x80\x02N."), null);
  assertEquals(read("\x80\x02(\x88\x89K\x07M\x01\x02J\xff\xff\xff\xfft."), [
    true,
    false,
    7,
    513,
    -1,
  ]);
  assertEquals(read("\x80\x02\x8a\x02\x00\xff."), -256);
  assertEquals(read("\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01."), 2n ** 64n);
  assertEquals(read("\x80\x02G\x3f\xe0\x00\x00\x00\x00\x00\x00."), 0.5);
  assertEquals(read("\x80\x03C\x02ab."), bytesOf("ab"));
  assertEquals(read("\x80\x02X\x02\x00\x00\x00\xc3\xa9."), "é");
  assertEquals(read(`\x80\x02](K\x01K\x02e.`), [1, 2]);
  assertEquals(
    read(`\x80\x02}(${text("a")}K\x01${text("b")}Nu.`),
    new Map([["a", 1], ["b", null]]),
  );
  assertEquals(read(`\x80\x04\x8f(K\x01K\x01\x90.`), new Set([1]));
  assertEquals(read(`\x80\x02K\x05q\x00h\x00\x86.`), [5, 5]);
  assertEquals(read(`\x80\x04K\x05\x94K\x06\x94h\x00\x87.`), [5, 6, 5]);
});

Deno.test("unpickle() keeps a Namespace as what was written of it", () => {
  const value = read(`\x80\x02cargparse\nNamespace\n)\x81}${text("lr")}K\x01sb.`);
  assertTrue(value instanceof InertObject, "inert");
  assertEquals((value as InertObject).name, "argparse.Namespace");
  assertEquals((value as InertObject).state, new Map([["lr", 1]]));
});

const storage = (length: string, type = "Float") =>
  `(${text("storage")}ctorch\n${type}Storage\n${text("0")}${text("cpu")}K${length}tQ`;
const tensor = (offset: string, shape: string, strides: string) =>
  `\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(${
    storage("\x06")
  }${offset}${shape}${strides}\x89Nt` + "R.";

Deno.test("a tensor is a view that lies in its storage, or refused", () => {
  const view = read(tensor("K\x00", "K\x02K\x03\x86", "K\x03K\x01\x86")) as TensorView;
  assertEquals([view.shape, view.strides, view.storage.length], [[2, 3], [3, 1], 6]);
  const outside = [
    tensor("K\x01", "K\x02K\x03\x86", "K\x03K\x01\x86"),
    tensor("K\x00", "K\x02K\x03\x86", "K\x04K\x01\x86"),
    tensor("K\x06", "K\x01\x85", "K\x01\x85"),
  ];
  for (const pickle of outside) assertThrows(() => read(pickle), Error, "outside its storage");
  const malformed = [
    tensor("K\x00", "K\x02\x85", "K\x03K\x01\x86"), // fewer sides than strides
    tensor("J\xff\xff\xff\xff", "K\x02\x85", "K\x01\x85"), // offset −1
    tensor("K\x00", "J\xff\xff\xff\xff\x85", "K\x01\x85"),
    tensor("K\x00", "G\x3f\xe0\x00\x00\x00\x00\x00\x00\x85", "K\x01\x85"), // half an element
    tensor("N", "K\x02\x85", "K\x01\x85"),
  ];
  for (const pickle of malformed) assertThrows(() => read(pickle), Error, "describes a tensor");
});

Deno.test("a tensor's elements may overlap only where a checksum vouches for the strides", () => {
  const apart = ["K\x03K\x01", "K\x01K\x02"]; // as it is, transposed
  for (const strides of apart) read(tensor("K\x00", "K\x02K\x03\x86", `${strides}\x86`), false);
  for (const strides of ["K\x01K\x01", "K\x00K\x01", "K\x02K\x01"]) {
    const pickle = tensor("K\x00", "K\x02K\x03\x86", `${strides}\x86`);
    read(pickle);
    assertThrows(() => read(pickle, false), Error, "overlap");
  }
});

Deno.test("one storage cannot be of two types or lengths", () => {
  const pair = (second: string) => `\x80\x02${storage("\x06")}${second}\x86.`;
  read(pair(storage("\x06")));
  for (const second of [storage("\x05"), storage("\x06", "Int")]) {
    assertThrows(() => read(pair(second)), Error, "describes a storage");
  }
});

const broken: Readonly<Record<string, readonly [pickle: string, why: string]>> = {
  "nothing": ["", "cut short"],
  "no end": ["\x80\x02N", "cut short"],
  "a text longer than the file": ["\x80\x02X\xff\xff\xff\xffabc.", "cut short"],
  "a text of 2⁶⁴ bytes": ["\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.", "cut short"],
  "a name without an end": ["\x80\x02cos", "cut short"],
  "an integer of 2³¹ bytes": ["\x80\x02\x8b\xff\xff\xff\x7f.", "integer of"],
  "text that is not UTF-8": ["\x80\x02X\x01\x00\x00\x00\xff.", "UTF-8"],
  "an empty stack": ["\x80\x02.", "takes more than it put"],
  "a mark that was taken": ["\x80\x02t.", "mark"],
  "an unknown memo": ["\x80\x02h\x07.", "did not say before"],
  "a huge memo index": ["\x80\x02j\xff\xff\xff\xff.", "did not say before"],
  "a call of text": [`\x80\x02${text("f")})R.`, "no function"],
  "a key without a value": [`\x80\x02}(${text("a")}u.`, "key without"],
  "items of a list": ["\x80\x02]K\x01K\x02s.", "no dictionary"],
  "appending to a dictionary": ["\x80\x02}K\x01a.", "no list"],
  "adding to a list": ["\x80\x04](K\x01\x90.", "no set"],
  "attributes of text": [`\x80\x02${text("a")}}b.`, "plain value"],
  "protocol 6": ["\x80\x06N.", "protocol 6"],
  "an id of a storage that is text": ["\x80\x02Pa\n.", "describes a storage"],
  "an id of a storage that is a name": ["\x80\x02cos\nsystem\nQ.", "describes a storage"],
  "an unknown opcode": ["\x80\x02\xff.", "0xff"],
};

for (const [what, [pickle, why]] of Object.entries(broken)) {
  Deno.test(`unpickle() refuses ${what}`, () => {
    assertThrows(() => read(pickle), Error, why);
  });
}

Deno.test("unpickle() takes time in proportion to the pickle: calls that repeat a long list are refused", () => {
  const list = `](${"N".repeat(2000)}e\x85q\x00`;
  const repeat = "ccollections\nOrderedDict\nq\x01" + "h\x01h\x00R0".repeat(10);
  assertThrows(() => read(`\x80\x02${list}${repeat}N.`), Error, "dictionary"); // of None: no pairs
  const pairs = `](${")".repeat(2000)}e\x85q\x00`;
  assertThrows(() => read(`\x80\x02${pairs}${repeat}N.`), Error, "repeats itself");
  const bytes = `X\xd0\x07\0\0${"n".repeat(2000)}${text("latin1")}\x86q\x00`;
  const encode = "c_codecs\nencode\nq\x01" + "h\x01h\x00R0".repeat(10);
  assertThrows(() => read(`\x80\x02${bytes}${encode}N.`), Error, "repeats itself");
});
