/** The length of a linear probe at each scale. */
import { probeEpochs } from "lib/eval/probe/probe_steps.ts";
import type { ScaleName } from "lib/experiments/configs/config.ts";

/** The reference's 100 epochs; a tenth at `smoke`, whose accuracies say nothing. */
export function probeEpochsAt(scale: ScaleName): number {
  return scale === "smoke" ? probeEpochs / 10 : probeEpochs;
}
