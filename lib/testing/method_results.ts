/** Results of `compareMethods`, always the same, for drawings. */
import { type Arm, armName, type MethodName, type MethodResult } from "lib/experiments/mod.ts";
import { methodTitle } from "lib/experiments/mod.ts";

const names: readonly MethodName[] = ["dino", "byol", "simclr", "deepcluster_v2", "mocov3"];

/** Five methods on four networks; the last method has one seed only. */
export const drawnMethods: readonly MethodResult[] = names.flatMap((method, m) =>
  [3, 9].flatMap((kernelSize) =>
    [false, true].map((batchNorm): MethodResult => {
      const arm: Arm = { arch: "convnext", kernelSize, batchNorm };
      const seeds = m < 4 ? [0, 1, 2] : [0];
      const gain = (kernelSize === 9 ? 0.012 - 0.005 * m : 0) + (batchNorm ? 0.004 * m : 0);
      const knn = seeds.map((seed) =>
        0.5 + gain + ((m * 7 + seed * (batchNorm ? 5 : 4) + kernelSize) % 11 - 5) / 2000
      );
      return {
        ...arm,
        ...{ method, title: methodTitle(method), name: armName(arm), knn, bestKnn: knn },
        bestEpoch: seeds.map(() => 20),
        monitor: [],
        linear: knn.map((value, seed) => 0.1 + value - gain / 2 + 0.0004 * ((3 * seed + m) % 5)),
        ...{ rankMe: seeds.map(() => 40), alphaReQ: seeds.map(() => 1), data: "emoji" },
        ...{ scale: "laptop", seeds, runs: seeds.map(String) },
      };
    })
  )
);
