import { remove } from "lib/setup/install/files.ts";
import { kernelDisplayName, root } from "lib/setup/install/project.ts";
import { startLab } from "./lab.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("startLab() serves the project with its kernel to a client with the token, and ends", async () => {
  const lab = await startLab({ port: 0, browser: false, log: "null" });
  try {
    const get = (path: string, token: string) => fetch(`${lab.origin}${path}?token=${token}`);
    const specs = await (await get("/api/kernelspecs", lab.token)).json();
    assertEquals(specs.default, "deno");
    assertEquals(Object.keys(specs.kernelspecs), ["deno"]);
    assertEquals(specs.kernelspecs.deno.spec.display_name, kernelDisplayName);
    const refused = await get("/api/kernelspecs", "wrong");
    assertEquals(refused.status, 403);
    await refused.body?.cancel();
    const listing = await (await get("/api/contents/", lab.token)).json();
    const names = listing.content.map(({ name }: { name: string }) => name);
    assertTrue(names.includes("lib") && names.includes("deno.json"), names.join(" "));
    assertTrue(lab.url.startsWith(`${lab.origin}/lab/tree/notebooks/00_start.ipynb?`), lab.url);
  } finally {
    await lab.stop();
  }
  const closed = await fetch(lab.origin).then(() => "open", () => "closed");
  assertEquals(closed, "closed");
});

Deno.test("JupyterLab and the runner write nothing to the home folder", async () => {
  const home = await Deno.makeTempDir();
  const program = `
    import { startLab } from "lib/setup/lab.ts";
    import { runCells } from "lib/setup/notebooks/run_notebook.ts";
    const lab = await startLab({ port: 0, browser: false, log: "null" });
    const [result] = await runCells(["1 + 1"], { cwd: "${root}/lib" });
    if (result.status !== "ok") throw new Error(result.error);
    await lab.stop();`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", program],
    cwd: root,
    // Deno's cache of transpiled code may be in the home folder; other files may not
    env: { HOME: home, DENO_DIR: `${root}/outputs/.deno` },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertEquals((await Array.fromAsync(Deno.readDir(home))).map(({ name }) => name), []);
  await remove(home);
});
