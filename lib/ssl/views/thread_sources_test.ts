import { fromFileUrl } from "@std/path";
import { readSources, requireUnchanged } from "./thread_sources.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

Deno.test("requireUnchanged() names the file that was edited, however far it is imported, and no other", async () => {
  const root = await Deno.makeTempDir();
  const write = (name: string, text: string) => Deno.writeTextFile(`${root}/${name}`, text);
  await Deno.mkdir(`${root}/room`);
  // Import lines are put together here, since rooms_test reads the imports of this file too.
  const from = (path: string) => `from "${path}";`;
  const a = `export { b } ${from("./b.ts")} export const a = 1;`;
  await write("worker.ts", `import { a } ${from("lib/room/a.ts")}\nimport sharp ${from("sharp")}`);
  await write("room/a.ts", a);
  await write("room/b.ts", `import type { W } ${from("lib/worker.ts")}\nexport const b = 1;`);
  await write("room/apart.ts", "export const c = 1;");
  const worker = `${root}/worker.ts`;
  const loaded = readSources(worker, root);
  assertEquals(
    [...loaded.keys()].sort(),
    [`${root}/room/a.ts`, `${root}/room/b.ts`, worker],
  );
  await write("room/apart.ts", "export const c = 2;");
  await write("room/a.ts", a); // the same again
  requireUnchanged(worker, loaded, root);
  await write("room/b.ts", "export const b = 2;");
  assertThrows(
    () => requireUnchanged(worker, loaded, root),
    Error,
    "lib/room/b.ts has changed since this process loaded it; restart it",
  );
  await Deno.remove(root, { recursive: true });
});

Deno.test("the sources of the cropping thread include what makes the crops, and no engine", () => {
  const names = [
    ...readSources(fromFileUrl(new URL("./cropper_worker.ts", import.meta.url))).keys(),
  ]
    .map((path) => path.split("/lib/").at(-1));
  assertEquals(["ssl/views/view_maker.ts", "rng.ts"].map((name) => names.includes(name)), [
    true,
    true,
  ]);
  assertEquals(names.includes("tf.ts"), false);
});

Deno.test("a process whose lib is edited refuses to start threads", async () => {
  // A process with its own copy of the library edits a file of that copy while it runs.
  const program = `
    const views = await import(Deno.cwd() + "/lib/ssl/views/cropper_thread.ts");
    const file = Deno.cwd() + "/lib/ssl/views/view_maker.ts";
    Deno.writeTextFileSync(file, Deno.readTextFileSync(file) + "// edited\\n");
    try { views.startCropperThread({}); } catch ({ message }) { console.log(message); }`;
  const project = fromFileUrl(new URL("../../..", import.meta.url)).replace(/\/$/, "");
  const copy = await Deno.makeTempDir();
  for (const name of ["deno.json", "deno.lock"]) {
    await Deno.copyFile(`${project}/${name}`, `${copy}/${name}`);
  }
  await Deno.symlink(`${project}/node_modules`, `${copy}/node_modules`);
  await copyFolder(`${project}/lib`, `${copy}/lib`);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    cwd: copy,
  }).output();
  const decoder = new TextDecoder();
  const [said, errors] = [decoder.decode(stdout), decoder.decode(stderr)];
  assertEquals(
    said.split(";")[0],
    [
      "Cannot start a thread for crops: lib/ssl/views/view_maker.ts",
      "has changed since this process loaded it",
    ].join(" "),
    errors,
  );
  await Deno.remove(copy, { recursive: true });
});

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else if (/\.(ts|json)$/.test(name)) await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
