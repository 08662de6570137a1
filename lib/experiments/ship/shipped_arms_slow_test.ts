import type { Arm } from "lib/experiments/configs/arms.ts";
import { ablate } from "lib/experiments/pretrain/ablate.ts";
import type { TrainHooks } from "lib/runs/events.ts";
import { originInWords, type ShippedOrigin } from "lib/runs/shipped_origin.ts";
import { assertEquals } from "lib/testing/assert.ts";
import { inOutputs, withVariables } from "lib/testing/outputs.ts";
import { planShipping, writeShipping } from "./ship_runs.ts";

Deno.test("ablate() loads shipped arms, says how many, and trains a new one alone, which joins them", () =>
  inOutputs(async (outputs) => {
    const options = { scale: "smoke", seeds: [0], data: "fashion" } as const;
    const arm = (kernelSize: number): Arm => ({ arch: "convnext", kernelSize });
    const trained = await ablate([arm(3), arm(5)], options);
    const to = Deno.makeTempDirSync({ dir: outputs, prefix: ".shipped-" });
    writeShipping(planShipping({ outputs, to }));
    const empty = Deno.makeTempDirSync({ dir: outputs, prefix: ".empty-" });
    await withVariables({ BCSSL_OUTPUTS: empty, BCSSL_SHIPPED: to }, async () => {
      const titles: string[] = [];
      const origins: ShippedOrigin[] = [];
      const watch = <R>(title: string, run: (hooks: TrainHooks) => Promise<R>) => {
        titles.push(title);
        return run({ onShipped: (origin) => void origins.push(origin) });
      };
      const joined = await ablate([arm(3), arm(5), arm(11)], { ...options, watch });
      const name = "ConvNeXt, 11×11";
      assertEquals(titles, ["3 networks, 1 seed", `${name}, seed 0`]);
      assertEquals(joined.slice(0, 2), trained);
      assertEquals([joined[2]!.name, joined[2]!.linear.length], [name, 1]);
      assertEquals(originInWords(origins).split(":")[0], "2 runs shipped with the project");
      assertEquals(
        [...Deno.readDirSync(empty)].map(({ name }) => name).sort(),
        [
          ...joined[2]!.runs,
        ].sort(),
      );
    });
  }));
