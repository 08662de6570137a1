/** All cases of the check. */
import type { CheckCase, Sizes } from "./check_case.ts";
import { layerCases } from "./layer_cases.ts";
import { modelCases } from "./model_cases.ts";
import { operationCases } from "./operation_cases.ts";
import { trainingCases } from "./training_cases.ts";

/** The cases in their order, that of the parts. */
export function checkCases(sizes: Sizes): CheckCase[] {
  return [
    ...layerCases(sizes),
    ...operationCases(sizes),
    ...modelCases(sizes),
    ...trainingCases(sizes),
  ];
}
