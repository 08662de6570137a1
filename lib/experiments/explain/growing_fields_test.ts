import { override } from "lib/experiments/configs/config.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { snapshots } from "lib/experiments/subjects/snapshots.ts";
import { growingFields } from "./growing_fields.ts";
import { assertClose, assertEquals, assertRejects } from "lib/testing/assert.ts";
import { inOutputs, withVariables } from "lib/testing/outputs.ts";

const small = override(bcSslStart, {
  name: "test",
  recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
});
const run = { scale: "smoke", seed: 0 } as const;

Deno.test("growingFields() measures each moment once, and refuses none", () =>
  inOutputs(async () => {
    await pretrain(small, { ...run, untilStep: 2 });
    const moments = snapshots(small, run);
    assertEquals(moments.map(({ step }) => step), [0, 1, 2]);
    const fields = await growingFields(moments);
    assertEquals(fields.map(({ name }) => name), moments.map(({ name }) => name));
    for (const { map: { values }, sides, measuredOn, trainedOn } of fields) {
      assertClose(values.reduce((sum, value) => sum + value, 0), 1, 1e-5);
      assertEquals(sides.map((side) => side.length), [1, 1, 1, 1]);
      assertEquals([trainedOn, measuredOn > trainedOn], [32, true]);
    }
    assertEquals(new Set(fields.map(({ map }) => `${map.values}`)).size, 3, "weights differ");
    await withVariables({ BCSSL_SAVED: "only" }, async () => {
      assertEquals(await growingFields(moments), fields);
    });
    await assertRejects(() => growingFields([]), RangeError, "there is no moment");
  }));
