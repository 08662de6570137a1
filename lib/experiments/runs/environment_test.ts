import { engine } from "lib/tf.ts";
import { recordSession, warnOfSession } from "./environment.ts";
import { type NativeStatus, nativeStatus } from "lib/native/mod.ts";
import { assertEquals } from "lib/testing/assert.ts";

const off = { active: false, reason: "plain ops: BCSSL_NATIVE is off", bf16: false };
const lost = { active: false, reason: "plain ops: no compiled kernels", bf16: false };

Deno.test("a session is told of missing kernels, and of other kernels or processes than before", async () => {
  const path = await Deno.makeTempDir();
  try {
    const folder = { id: "some_run", path };
    const { reason } = nativeStatus();
    const same = { active: true, reason, bf16: false };
    const said = (fromStep: number, size: number, status: NativeStatus = same) => {
      const lines: string[] = [];
      warnOfSession(folder, fromStep, { size }, (line) => void lines.push(line), status);
      return lines;
    };
    assertEquals(said(0, 1, off), []); // as asked
    const slow = "Training takes several times as long without kernels of our own: ";
    assertEquals(said(0, 1, { ...lost, missing: true }), [slow + lost.reason]);
    await recordSession(folder, 0, { size: 2 });
    assertEquals(said(9, 2), []);
    const rest = "from step 9: from there its numbers are the same up to rounding, not to the bit";
    const other =
      `Run some_run goes on with other kernels ("${off.reason}", before "${reason}") ${rest}`;
    const others = engine().backend === "webgpu" ? [] : [other]; // WebGPU has one set of kernels
    assertEquals(said(9, 1, off), [
      `Run some_run was trained by 2 processes and goes on with 1 process ${rest}`,
      ...others,
    ]);
    assertEquals(said(0, 1, off), []); // nothing of the former session is kept
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});
