import { Buffer } from "node:buffer";
import { gunzipSync, gzipSync } from "node:zlib";
import { findFashionMnist, readFashionMnist } from "./fashion_mnist_files.ts";
import { fashionMnistClasses, loadFashionMnist } from "./fashion_mnist.ts";
import { imageAt, imageCount, subset } from "lib/datasets/pictures/images.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const folder = await findFashionMnist();
const ignore = folder === undefined; // `deno task setup` fetches it
const load = (placed: boolean, trainCount: number, seed = 0) =>
  loadFashionMnist({ placed, trainCount, testCount: 50, seed, folder: folder! });

Deno.test(
  { name: "loadFashionMnist() as shipped keeps every pixel and label", ignore },
  async () => {
    const { train, test } = await load(false, 300);
    assertEquals([train.height, train.width, imageCount(train), imageCount(test)], [
      28,
      28,
      300,
      50,
    ]);
    const { images, labels } = await readFashionMnist(folder!, "train");
    assertEquals([...train.labels], [...labels.data.subarray(0, 300)]);
    for (const i of [0, 299]) {
      const grey = [...images.data.subarray(i * 784, (i + 1) * 784)];
      assertEquals([...imageAt(train, i).pixels], grey.flatMap((v) => [v, v, v]));
    }
    assertEquals(imageAt(train, 0).className, "ankle boot"); // known to be the first
    assertEquals(new Set(train.labels).size, fashionMnistClasses.length);
  },
);

Deno.test(
  { name: "readFashionMnist() reads a thousand images as it reads all, gzipped or not", ignore },
  async () => {
    for (const split of ["train", "test"] as const) {
      const all = await readFashionMnist(folder!, split, 1001);
      const first = await readFashionMnist(folder!, split, 1000);
      assertEquals(all.images.shape, [all.labels.data.length, 28, 28]);
      assertEquals(first.images.shape, [1000, 28, 28]);
      const start = all.images.data.subarray(0, 784_000);
      assertTrue(Buffer.compare(first.images.data, start) === 0, `pixels of ${split}`);
      assertEquals(first.labels, all.labels);
    }
    await inFolder(async (plain) => {
      for (const name of ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]) {
        await Deno.writeFile(`${plain}/${name}`, await unzipped(`${folder}/${name}`));
      }
      const [expected, actual] = [folder!, plain].map((it) => readFashionMnist(it, "test", 1));
      assertEquals(await actual, await expected);
    });
  },
);

/** A file with or without `.gz`, decompressed. */
async function unzipped(path: string): Promise<Uint8Array> {
  const plain = await Deno.readFile(path).catch(() => undefined);
  return plain ?? gunzipSync(await Deno.readFile(`${path}.gz`));
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test(
  { name: "loadFashionMnist() places image i the same whatever the count", ignore },
  async () => {
    const [few, many] = [await load(true, 20), await load(true, 60)];
    assertEquals(few.train.height, 32);
    assertTrue(
      Buffer.compare(few.train.pixels, subset(many.train, [...Array(20).keys()]).pixels) === 0,
      "train",
    );
    assertTrue(Buffer.compare(few.test.pixels, many.test.pixels) === 0, "test");
    const other = await load(true, 20, 1);
    assertTrue(
      Buffer.compare(few.train.pixels, other.train.pixels) !== 0,
      "another seed, other places",
    );
    assertEquals([...few.train.labels], [...other.train.labels]);
  },
);

Deno.test("loadFashionMnist() throws when a count or a size is wrong", async () => {
  const options = { placed: true, folder: "nowhere" };
  await assertRejects(
    () => loadFashionMnist({ ...options, trainCount: 60_001 }),
    RangeError,
    "value is 60001",
  );
  await assertRejects(
    () => loadFashionMnist({ ...options, testCount: 0 }),
    RangeError,
    "value is 0",
  );
  await assertRejects(
    () => loadFashionMnist({ ...options, size: 1.5 }),
    RangeError,
    "value is 1.5",
  );
  await assertRejects(
    () => loadFashionMnist({ placed: false, size: 32, folder: "nowhere" }),
    RangeError,
    "as shipped at 32 pixels",
  );
});

for (const counts of [{}, { trainCount: 20, testCount: 10 }]) {
  const few = "trainCount" in counts ? "few images" : "all";
  Deno.test(`loadFashionMnist(), asked for ${few}, says which file is missing or wrong and what to do`, () =>
    inFolder(async (folder) => {
      const read = () => loadFashionMnist({ placed: false, folder, ...counts });
      const file = `${folder}/train-images-idx3-ubyte`;
      await assertRejects(read, Error, "train-images-idx3-ubyte is missing; put train-images");
      assertEquals(await findFashionMnist([folder]), undefined);
      await Deno.writeTextFile(file, "not the file");
      await assertRejects(read, Error, "it is not Fashion-MNIST's (SHA-256");
      const noBlock = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 7, 7, 7, 7);
      await Deno.writeFile(file, noBlock);
      await assertRejects(read, Error, "Cannot unpack");
    }));
}

Deno.test("loadFashionMnist(), asked for few images, refuses a file that is cut short before them", () =>
  inFolder(async (folder) => {
    const file = `${folder}/train-images-idx3-ubyte`;
    await Deno.writeFile(file, gzipSync(new Uint8Array(100_000)).subarray(0, 60));
    const read = () => loadFashionMnist({ placed: false, folder, trainCount: 20, testCount: 10 });
    await assertRejects(read, Error, "it is not Fashion-MNIST's (SHA-256");
  }));
