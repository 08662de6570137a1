/** The alarms of EsViT: those of DINO, and the same for the head on regions. */
import type { AlarmRule } from "lib/ssl/method/alarms.ts";
import { dinoAlarms, prototypeAlarms } from "lib/ssl/distillation/alarms.ts";

/** @param outDim Number of prototypes K of each head. */
export function esvitAlarms(outDim: number): readonly AlarmRule[] {
  return [
    ...dinoAlarms(outDim),
    ...prototypeAlarms(outDim, {
      alarms: { onePrototype: "alarmOneRegionPrototype", uniform: "alarmUniformRegions" },
      entropy: "regionEntropy",
      kl: "regionKl",
      inputs: "regions",
    }),
  ];
}
