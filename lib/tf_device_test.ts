import { assertEquals } from "lib/testing/assert.ts";
import { reportDeviceErrors } from "lib/tf_device.ts";

Deno.test("what the device refuses is said, once for each kind", () => {
  const lines: string[] = [];
  const device = new EventTarget();
  reportDeviceErrors(device, (line) => lines.push(line));
  for (const message of ["no shader\n  at 3", "no shader\n  at 7", "too large"]) {
    device.dispatchEvent(Object.assign(new Event("uncapturederror"), { error: { message } }));
  }
  assertEquals(lines, [
    "WebGPU refused a command, so that numbers from here on are wrong: no shader",
    "WebGPU refused a command, so that numbers from here on are wrong: too large",
  ]);
});
