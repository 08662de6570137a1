/** What a depthwise kernel's side may be: odd, so that the kernel has a pixel in its centre. */

/** What {@linkcode isKernelSize} wants, in words. */
export const kernelSizeRule = "an odd whole number of at least 1";

/** Whether a number of pixels is the side of a centred kernel. */
export function isKernelSize(side: unknown): side is number {
  return typeof side === "number" && Number.isInteger(side) && side >= 1 && side % 2 === 1;
}

/** @throws {RangeError} If a side is none; `attempt` is what the message begins with. */
export function checkKernelSize(attempt: string, ...sides: readonly unknown[]): void {
  for (const side of sides) {
    if (isKernelSize(side)) continue;
    throw new RangeError(
      `${attempt}: the kernel size must be ${kernelSizeRule}, current is ${
        typeof side === "string" ? JSON.stringify(side) : side
      }`,
    );
  }
}
