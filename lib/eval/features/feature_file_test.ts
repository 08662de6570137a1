import { createRng } from "lib/rng.ts";
import { createFeatureFile, openFeatureFile } from "lib/eval/features/feature_file.ts";
import { parseNpy } from "lib/weights/npz.ts";
import { weightsFile } from "lib/weights/weights_file.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { knnAccuracy } from "lib/testing/evaluation.ts";

async function inFolder(run: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await run(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const dim = 5;

function random(count: number, seed: number) {
  const rng = createRng(seed);
  return {
    features: Float32Array.from({ length: count * dim }, () => rng.normal()),
    labels: Int32Array.from({ length: count }, () => rng.int(4)),
  };
}

/** Writes three parts, and returns them as one. */
function write(path: string) {
  const whole = random(90, 1);
  using file = createFeatureFile(path, dim);
  for (const [from, to] of [[0, 40], [40, 41], [41, 90]] as const) {
    file.append({
      features: whole.features.subarray(from * dim, to * dim),
      labels: whole.labels.subarray(from, to),
    });
  }
  file.close();
  return whole;
}

Deno.test("a feature file gives back rows and labels, in any order", () =>
  inFolder((folder) => {
    const whole = write(`${folder}/bank`);
    using file = openFeatureFile(`${folder}/bank`);
    assertEquals(file.dim, dim);
    assertEquals(file.labels, whole.labels);
    for (const [from, to] of [[80, 90], [0, 90], [3, 3], [3, 4]] as const) {
      assertEquals([...file.rows(from, to)], [...whole.features.subarray(from * dim, to * dim)]);
    }
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
      "bank.labels.npy",
      "bank.npy",
    ]);
  }));

Deno.test("k-NN over a feature file equals the one in memory", () =>
  inFolder(async (folder) => {
    const whole = write(`${folder}/bank`);
    using file = openFeatureFile(`${folder}/bank`);
    const options = { numClasses: 4, bankRows: 32 };
    assertEquals(
      await knnAccuracy(file, random(20, 2), options),
      await knnAccuracy(whole, random(20, 2), options),
    );
  }));

Deno.test("a feature file is NumPy's: an independent reader finds the array", () =>
  inFolder((folder) => {
    const whole = write(`${folder}/bank`);
    for (
      const [name, shape, values] of [
        ["bank.npy", [90, dim], whole.features],
        ["bank.labels.npy", [90], Float32Array.from(whole.labels)],
      ] as const
    ) {
      const bytes = Deno.readFileSync(`${folder}/${name}`);
      assertEquals(parseNpy(weightsFile(name, bytes), bytes, name), { shape, values });
    }
  }));

Deno.test("a feature file that was not closed is no file, and the one before stands", () =>
  inFolder((folder) => {
    const whole = write(`${folder}/bank`);
    {
      using file = createFeatureFile(`${folder}/bank`, dim);
      file.append(random(3, 4));
      assertThrows(
        () => file.append({ ...random(3, 4), labels: new Int32Array(2) }),
        RangeError,
        "2",
      );
    }
    using file = openFeatureFile(`${folder}/bank`);
    assertEquals([...file.rows(0, 90)], [...whole.features]);
    assertEquals([...Deno.readDirSync(folder)].length, 2);
  }));

Deno.test("openFeatureFile() names a file that is missing, cut short, or another's", () =>
  inFolder((folder) => {
    const path = `${folder}/bank`;
    assertThrows(() => openFeatureFile(path), Error, "bank.labels.npy");
    write(path);
    const bytes = Deno.readFileSync(`${path}.npy`);
    Deno.writeFileSync(`${path}.npy`, bytes.subarray(0, bytes.length - 4));
    assertThrows(() => openFeatureFile(path), Error, "bank.npy: it has");
    Deno.copyFileSync(`${path}.labels.npy`, `${path}.npy`);
    assertThrows(() => openFeatureFile(path), Error, "not an array of <f4");
    Deno.writeFileSync(`${path}.npy`, bytes);
    Deno.writeFileSync(`${path}.labels.npy`, new Uint8Array(20));
    assertThrows(() => openFeatureFile(path), Error, "ends too early");
    assertTrue(Deno.statSync(`${path}.npy`).isFile, "nothing is changed");
  }));
