import { planKnn } from "lib/eval/nearest/knn_plan.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const size = { bankSize: 400_000, queries: 1024, dim: 768 };

/** A program for a process of its own, so that resident memory is that of this search alone. */
const program = `
  import { createRng } from "lib/rng.ts";
  import { createFeatureFile, openFeatureFile } from "lib/eval/features/feature_file.ts";
  import { knnSteps } from "lib/eval/nearest/knn.ts";
  import { knnAccuracy } from "lib/testing/evaluation.ts";
  const [path, bankSize, queries, dim] = [Deno.args[0], ...Deno.args.slice(1).map(Number)];
  const rng = createRng(0);
  const some = (count) => ({
    features: Float32Array.from({ length: count * dim }, () => rng.uniform(-1, 1)),
    labels: Int32Array.from({ length: count }, () => rng.int(1000)),
  });
  {
    const part = some(8000); // the same rows again and again: fifty equal cosines for each
    using file = createFeatureFile(path, dim);
    for (let i = 0; i < bankSize; i += 8000) file.append(part);
    file.close();
  }
  const test = some(queries);
  await knnAccuracy(some(600), some(8), { numClasses: 1000 });
  const resident = () => Deno.memoryUsage().rss;
  const before = resident();
  let most = before;
  using bank = openFeatureFile(path);
  for await (const _ of knnSteps(bank, test, { numClasses: 1000 })) most = Math.max(most, resident());
  console.log(most - before);`;

Deno.test("k-NN over a bank of 1.2 GB in a file stays within the plan, less than half of it", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", program, `${folder}/bank`, ...Object.values(size).map(String)],
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const grown = Number(new TextDecoder().decode(stdout));
    const { memory, bankBytes } = planKnn(size);
    assertTrue(grown < memory.total, `it took ${grown} bytes, planned ${memory.total}`);
    assertTrue(memory.total < bankBytes / 2, `the plan says ${memory.total} of ${bankBytes}`);
    console.log(
      `grew by ${(grown / 1e6).toFixed(0)} MB, planned ${(memory.total / 1e6).toFixed(0)} MB`,
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
