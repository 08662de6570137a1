import { convNeXtConfig, createModel, type ModelConfig, vitConfig } from "lib/models/mod.ts";
import { createRng } from "lib/rng.ts";
import { assertThrows } from "lib/testing/assert.ts";

Deno.test("createModel() refuses in one line what a cell's missing type check lets through", () => {
  const atto = convNeXtConfig("atto");
  for (
    const [config, numClasses, type, text] of [
      [
        { ...atto, batchNorm: "false" },
        0,
        TypeError,
        'Cannot build "convnext": batchNorm is "false"',
      ],
      [
        { ...atto, kernelSize: "9" },
        0,
        TypeError,
        'kernelSize is "9", but must be an odd whole number',
      ],
      [
        { ...atto, depths: [2, 2, 0, 2] },
        0,
        RangeError,
        "depths.2 is 0, but must be a whole number",
      ],
      [{ ...atto, dropPathRate: NaN }, 0, RangeError, "dropPathRate is NaN, but must be a number"],
      [{ ...vitConfig("nano"), depth: -1 }, 0, RangeError, 'Cannot build "vit": depth is -1'],
      [{ arch: "convnxt" }, 0, RangeError, 'did you mean "convnext"?'],
      [undefined, 0, TypeError, "Cannot build a network: it is missing: need an object with arch"],
      [atto, -1, RangeError, "numClasses is -1, but must be a whole number from 0"],
      [atto, 2.5, RangeError, "numClasses is 2.5, but must be a whole number from 0"],
      [atto, "10", TypeError, 'numClasses is "10", but must be a whole number from 0'],
    ] as const
  ) {
    const options = { numClasses: numClasses as number };
    const create = () => createModel(config as ModelConfig, createRng(0), options);
    assertThrows(create, type, text);
  }
});
