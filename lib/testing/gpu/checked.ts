/** The task `gpu:check`, run for tests. */

/** Runs `gpu:check`, and returns what it says and the JSON that it writes. */
export async function checkGpu(...args: string[]) {
  const folder = await Deno.makeTempDir();
  try {
    const path = new URL("../../gpu_check/check_task.ts", import.meta.url).pathname;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", path, ...args],
      env: { BCSSL_OUTPUTS: folder, NO_COLOR: "1" },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    const file = `${folder}/gpu-check-${args.includes("cuda") ? "cuda" : "webgpu"}.json`;
    const json = await Deno.readTextFile(file).then(JSON.parse, () => undefined);
    return { code, lines: out!.trimEnd().split("\n"), err: err!, json };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
