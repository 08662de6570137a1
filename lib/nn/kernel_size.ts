/** What a depthwise kernel's side may be: odd, so that the kernel has a pixel in its centre. */

/** What {@linkcode isKernelSize} wants, in words. */
export const kernelSizeRule = "an odd whole number of at least 1";

/** Whether a number of pixels is the side of a centred kernel. */
export function isKernelSize(side: unknown): side is number {
  return typeof side === "number" && Number.isInteger(side) && side >= 1 && side % 2 === 1;
}

/**
 * @param attempt What the message begins with: `Cannot build it`.
 * @param size A side in pixels, or height and width.
 * @throws {RangeError} If a side is none.
 */
export function checkKernelSize(attempt: string, size: unknown): void {
  if ((Array.isArray(size) ? size : [size]).every(isKernelSize)) return;
  const shown = typeof size === "string" ? JSON.stringify(size) : size;
  throw new RangeError(
    `${attempt}: the kernel size must be ${kernelSizeRule}, current size is ${shown}`,
  );
}
