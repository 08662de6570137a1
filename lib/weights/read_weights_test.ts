/**
 * Files that PyTorch, NumPy and safetensors wrote; what they hold is in JSON beside them. See
 * golden/make_golden.py.
 */
import { join } from "@std/path";
import { readWeights } from "./read_weights.ts";
import { writeSafetensors } from "./safetensors.ts";
import type { SavedArray } from "./saved_array.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const golden = (name: string) => join(import.meta.dirname!, "golden", name);

/** What is to be read: as JSON has it, in float32. */
function expected(name: string, prefix = ""): Map<string, SavedArray> {
  const json = JSON.parse(Deno.readTextFileSync(golden(name))) as Record<
    string,
    { shape: number[]; values: (number | string)[] }
  >;
  return new Map(
    Object.entries(json).map(([key, { shape, values }]) => [
      prefix + key,
      { shape, values: Float32Array.from(values, toNumber) },
    ]),
  );
}

function toNumber(value: number | string): number {
  return value === "inf" ? Infinity : Number(value); // "nan" is NaN to Number too
}

const sorted = (arrays: ReadonlyMap<string, SavedArray>) =>
  [...arrays].sort(([a], [b]) => a < b ? -1 : 1);

for (const name of ["state.pth", "state_protocol4.pth", "state_legacy.pth", "state.safetensors"]) {
  Deno.test(`readWeights() gives each tensor of ${name} as PyTorch does, to the last bit`, async () => {
    const tensors = expected("state.json");
    // See TorchRules: without a checksum a repeated element looks like damage.
    if (name.includes("legacy")) tensors.delete("repeated");
    assertEquals(sorted((await readWeights(golden(name))).arrays), sorted(tensors));
  });
}

Deno.test("readWeights() knows a safetensors file whose first byte is a pickle's: the length of its header", async () => {
  const path = Deno.makeTempFileSync();
  const firstBytes: number[] = [];
  try {
    for (let i = 0; i < 32; i++) {
      const array = { shape: [1], values: Float32Array.of(i) };
      const arrays = new Map([["w".repeat(8 * i + 1), array]]); // each header eight bytes longer
      writeSafetensors(path, { arrays, metadata: {} });
      firstBytes.push(Deno.readFileSync(path)[0]!);
      assertEquals((await readWeights(path)).arrays, arrays);
    }
  } finally {
    Deno.removeSync(path);
  }
  assertEquals(firstBytes.filter((byte) => byte === 0x80).length, 1);
});

for (const name of ["arrays.npz", "arrays_compressed.npz"]) {
  Deno.test(`readWeights() gives each array of ${name} as NumPy does`, async () => {
    assertEquals((await readWeights(golden(name))).arrays, expected("arrays.json"));
  });
}

for (const version of [1, 2, 3]) {
  Deno.test(`readWeights() reads .npy version ${version}, in Fortran's order`, async () => {
    const { arrays } = await readWeights(golden(`version${version}.npy`));
    assertEquals(arrays, new Map([["", expected("arrays.json").get("fortran")]]));
  });
}

for (const name of ["checkpoint.pth", "checkpoint_legacy.pth"]) {
  Deno.test(`readWeights() finds student, teacher, moments and centre in ${name}`, async () => {
    const { arrays } = await readWeights(golden(name));
    for (const who of ["student", "teacher"]) {
      const own = [...arrays].filter(([key]) => key.startsWith(`${who}.`));
      assertEquals(new Map(own), expected(`${who}.json`, `${who}.`));
    }
    const others = [...arrays.keys()].filter((key) => !/^(student|teacher)\./.test(key));
    assertEquals(others, [
      "optimizer.state.0.step",
      "optimizer.state.0.exp_avg",
      "optimizer.state.0.exp_avg_sq",
      "dino_loss.center",
    ]);
  });
}

const refused: readonly (readonly [string, string])[] = [
  ["big_endian.pth", "big-endian"],
  ["make_golden.py", "none of safetensors, .pth, .npz and .npy"],
  ["none.pth", "No such file"],
];

for (const [name, why] of refused) {
  Deno.test(`readWeights() refuses ${name}: ${why}`, async () => {
    await assertRejects(() => readWeights(golden(name)), Error, why);
    await assertRejects(() => readWeights(golden(name)), Error, golden(name));
  });
}

// ---------------------------------------------------------------- what stands beside weights

for (const name of ["system.pth", "system_legacy.pth"]) {
  Deno.test(`readWeights() runs nothing of ${name}, and says what it left out`, async () => {
    const { arrays, leftOut } = await readWeights(golden(name));
    assertEquals([...arrays.keys()], ["a", "deep.list.0"]);
    assertEquals(leftOut, new Map([["posix.system", 1]]));
  });
}

for (const protocol of [2, 5]) {
  Deno.test(`readWeights() gives tensors and NumPy arrays of every kind beside anything, protocol ${protocol}`, async () => {
    const { arrays, unreadable, leftOut } = await readWeights(
      golden(`others_protocol${protocol}.pth`),
    );
    const { "rng.numpy.1": random, ...weights } = Object.fromEntries(arrays);
    assertEquals(sorted(new Map(Object.entries(weights))), sorted(expected("others.json")));
    assertEquals(random!.values, Float32Array.of(0, 1, 2));
    assertEquals(Object.fromEntries(unreadable), {
      names: `it is an array that holds numbers of type <U3; only ${numpyTypes} are read`,
      "unreadable.complex": "it is a tensor of type ComplexFloat",
      "unreadable.sparse": "it is a sparse tensor",
      "unreadable.quantised": "it is a quantised tensor",
      "unreadable.other_float8": "it is a tensor of type float8_e4m3fnuz",
      "unreadable.complex_array":
        `it is an array that holds numbers of type <c8; only ${numpyTypes} are read`,
    });
    for (const what of beside) assertTrue(leftOut.has(what), `${what} in ${[...leftOut.keys()]}`);
    assertEquals(leftOut.get("omegaconf.nodes.AnyNode"), 3);
  });
}

const numpyTypes = "f4, f2, f8, i8, i4, i2, i1, u8, u4, u2, u1, b1";
const beside = [
  "numpy.random._pickle.__generator_ctor",
  "pathlib.PosixPath",
  "omegaconf.dictconfig.DictConfig",
  "__main__.Progress",
  "__main__.Registry",
  "__main__.Steps",
  "__main__.Phase",
  "collections.deque",
  "datetime.datetime",
  "decimal.Decimal",
  "functools.partial",
  "numpy.ndarray of objects",
  "numpy._core.multiarray.scalar",
  "torch.device",
  "posix.system",
  "tensor under a key that is no text",
];

for (const name of ["others_protocol1.pth", "others_legacy.pth"]) {
  Deno.test(`readWeights() finds a network beside anything in ${name}`, async () => {
    const { arrays, leftOut } = await readWeights(golden(name));
    const names = [...arrays.keys()].filter((key) => key.startsWith("state_dict.module."));
    assertEquals(names.length, 9);
    assertTrue(leftOut.has("__main__.Progress"), "left out");
  });
}

const modules = [["module.pth", ""], ["module_in_module.pth", "model.module."], [
  "scripted.pt",
  "",
]] as const;
for (const [name, prefix] of modules) {
  Deno.test(`readWeights() gives the state dict of the module that was saved whole as ${name}`, async () => {
    const state = expected("module.json", prefix);
    if (name === "scripted.pt") state.delete("mean"); // of the module around it
    assertEquals(sorted((await readWeights(golden(name))).arrays), sorted(state));
  });
}

Deno.test("readWeights() reads bytes in the other order, and leaves complex numbers unread", async () => {
  const { arrays } = await readWeights(golden("big_endian.npy"));
  assertEquals(arrays, new Map([["", { shape: [2], values: Float32Array.of(1, 1) }]]));
  const { unreadable } = await readWeights(golden("complex.pth"));
  assertEquals(unreadable, new Map([["a", "it is a tensor of type ComplexFloat"]]));
});

// ---------------------------------------------------------------- several files

Deno.test("readWeights() reads a checkpoint in two files by their list, or by their folder", async () => {
  const names = ["0", "1", "3"].flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]);
  for (const path of ["sharded", "sharded/model.safetensors.index.json"]) {
    const { arrays } = await readWeights(golden(path));
    assertEquals(arrays.size, 9);
    for (const name of names) assertTrue(arrays.has(name), name);
  }
});

Deno.test("readWeights() refuses a list that is none, lacks an array or leads out of its folder", async () => {
  const folder = Deno.makeTempDirSync();
  const index = `${folder}/model.safetensors.index.json`;
  const read = (map: unknown) => {
    Deno.writeTextFileSync(index, `\uFEFF${JSON.stringify({ weight_map: map })}`);
    return readWeights(index);
  };
  try {
    const refuse = async (map: unknown, why: string) =>
      await assertRejects(() => read(map), Error, why);
    await assertRejects(
      () => readWeights(folder),
      Error,
      "a folder without model.safetensors.index",
    );
    await refuse(null, 'it has no "weight_map"');
    await refuse({ a: "../x" }, 'it lists the file "../x"');
    await refuse({ a: ".." }, 'it lists the file ".."');
    await refuse({ a: "x.safetensors" }, "x.safetensors");
    const array = { shape: [1], values: Float32Array.of(1) };
    writeSafetensors(`${folder}/x`, { arrays: new Map([["b", array]]), metadata: {} });
    await refuse({ a: "x" }, 'it says that "a" is in x, it is not');
    assertEquals([...(await read({ b: "x" })).arrays.keys()], ["b"]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
