/** Training with several processes: the numbers are those of one process with the whole batch. */
import { assertSameSteps, type Steps, takeSteps } from "lib/testing/distributed/steps_together.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

const compare = ["simclr:8", "mocov3:8", "swav:12"]; // the images of a batch
const methods = [...compare, "dino", "byol", "moby:8", "esvit:8", "resnet:8", "dino/2:8"];
let byTwo: Promise<Steps[]> | undefined;
const takeByTwo = () => byTwo ??= takeSteps(2, ...methods); // for both tests

Deno.test("several processes have the losses of one: by each method with BC-SSL, of a ResNet, in micro-batches", async () => {
  const alone = await takeSteps(1, ...methods);
  const lengths = { 2: [8, 8, 12, 20, 20, 8, 8, 8, 8], 3: [8, 8, 12, 20] };
  const results = { 2: await takeByTwo(), 3: await takeSteps(3, ...compare, "dino") };
  for (const size of [2, 3] as const) {
    assertEquals(results[size].map(({ steps }) => steps.length), lengths[size]);
    results[size].forEach((steps, i) => assertSameSteps(steps, alone[i]!));
  }
});

Deno.test("two runs of two processes are equal to the bit", async () => {
  const [simclr, , , dino] = await takeByTwo();
  assertEquals(await takeSteps(2, "simclr:8", "dino"), [simclr, dino]);
});

Deno.test("with gradients in bf16, several processes have the same bits, twice, and nearly the losses of fp32", async () => {
  const names = ["dino_bf16:8", "dino_bf16/2:8"];
  const all = await takeByTwo();
  const fp32 = [all[3]!, all[8]!]; // the same without rounding
  const rounded = await takeSteps(2, ...names);
  assertEquals(await takeSteps(2, ...names), rounded);
  const lossesOf = ({ steps }: Steps) => steps.slice(0, 8).map(({ loss }) => loss!);
  for (const by of [rounded, await takeSteps(3, ...names)]) {
    by.forEach((of, i) => {
      const [actual, expected] = [lossesOf(of), lossesOf(fp32[i]!)];
      assertClose(actual.slice(0, 1), expected.slice(0, 1), 1e-5); // before any update
      // AdamW's first steps have the sign of a gradient; where it is tiny, rounding may change that.
      assertClose(actual, expected, 1e-2);
      assertTrue(actual.some((loss, step) => loss !== expected[step]), "gradients were rounded");
    });
  }
  const [alone] = await takeSteps(1, "dino_bf16:8");
  assertEquals(alone, (await takeSteps(1, "dino:8"))[0]); // alone, nothing is sent
});
