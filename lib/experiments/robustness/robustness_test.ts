import type { Arm } from "lib/experiments/configs/arms.ts";
import { trainedFields } from "lib/experiments/explain/trained_fields.ts";
import { robustness } from "lib/experiments/robustness/robustness.ts";
import { assertRejects } from "lib/testing/assert.ts";

const options = { scale: "smoke", seeds: [0] } as const;

Deno.test("robustness() needs a ResNet, and trainedFields() a kernel size", async () => {
  const arms: readonly Arm[] = [
    { arch: "convnext", kernelSize: 3, batchNorm: true },
    { arch: "resnet" },
  ];
  await assertRejects(
    () => robustness(arms.slice(0, 1), options),
    RangeError,
    "need the ResNet among the arms",
  );
  const fields = () => trainedFields(arms, options);
  await assertRejects(fields, RangeError, "field of ResNet: it has no kernel size");
  await assertRejects(() => trainedFields([], options), RangeError, "need an arm and a seed");
});
