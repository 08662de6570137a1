/** The machine that measurements are made on. */

/** Load average of the last minute up to which a machine counts as idle. */
export const quietLoad = 0.5;

/** The processor's name as Linux has it; elsewhere the target that Deno is built for. */
export function processorName(): string {
  try {
    return /model name\s*:\s*(.*)/.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ??
      Deno.build.target;
  } catch {
    return Deno.build.target;
  }
}
