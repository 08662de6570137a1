/** Files that PyTorch, NumPy and safetensors wrote; what they hold is in JSON beside them. See golden/make_golden.py. */
import { join } from "@std/path";
import { readWeights } from "lib/weights/read_weights.ts";
import { writeSafetensors } from "lib/weights/safetensors.ts";
import type { SavedArray } from "lib/weights/saved_array.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";

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
    if (name.includes("legacy")) tensors.delete("repeated"); // see TorchRules: it cannot be told from damage
    assertEquals(sorted(await readWeights(golden(name))), sorted(tensors));
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
      assertEquals(await readWeights(path), arrays);
    }
  } finally {
    Deno.removeSync(path);
  }
  assertEquals(firstBytes.filter((byte) => byte === 0x80).length, 1);
});

for (const name of ["arrays.npz", "arrays_compressed.npz"]) {
  Deno.test(`readWeights() gives each array of ${name} as NumPy does`, async () => {
    assertEquals(await readWeights(golden(name)), expected("arrays.json"));
  });
}

for (const version of [1, 2, 3]) {
  Deno.test(`readWeights() reads .npy version ${version}, in Fortran's order`, async () => {
    const arrays = await readWeights(golden(`version${version}.npy`));
    assertEquals(arrays, new Map([["", expected("arrays.json").get("fortran")]]));
  });
}

for (const name of ["checkpoint.pth", "checkpoint_legacy.pth"]) {
  Deno.test(`readWeights() finds student, teacher, moments and centre in ${name}`, async () => {
    const arrays = await readWeights(golden(name));
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
  ["system.pth", "asks for posix.system"],
  ["system_legacy.pth", "asks for posix.system"],
  ["complex.pth", "tensors of type ComplexFloat"],
  ["big_endian.pth", "big-endian"],
  ["big_endian.npy", "numbers of type >f4"],
  ["make_golden.py", "none of safetensors, .pth, .npz and .npy"],
  ["none.pth", "No such file"],
];

for (const [name, why] of refused) {
  Deno.test(`readWeights() refuses ${name}: ${why}`, async () => {
    await assertRejects(() => readWeights(golden(name)), Error, why);
    await assertRejects(() => readWeights(golden(name)), Error, golden(name));
  });
}
