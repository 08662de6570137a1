import { compileShared, type SharedLibrary } from "./compile.ts";
import { remove } from "./files.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

Deno.test("compileShared() compiles once for the same inputs, again for others, and leaves no temporary files", async () => {
  const dir = await Deno.makeTempDir();
  const source = `${dir}/answer.cc`;
  await Deno.writeTextFile(source, 'extern "C" int answer() { return ANSWER; }');
  const library = (answer: number, depends: string[] = []): SharedLibrary => ({
    name: "answer",
    dir: `${dir}/out`,
    sources: [source],
    flags: [`-DANSWER=${answer}`],
    depends,
  });
  const path = await compileShared(library(42));
  const loaded = Deno.dlopen(path, { answer: { parameters: [], result: "i32" } });
  assertEquals(loaded.symbols.answer(), 42);
  loaded.close();
  const { mtime } = await Deno.stat(path);
  assertEquals(await compileShared(library(42)), path);
  assertEquals((await Deno.stat(path)).mtime, mtime);
  const others = [await compileShared(library(43)), await compileShared(library(42, ["2"]))];
  await Deno.writeTextFile(source, 'extern "C" int answer() { return -ANSWER; }');
  others.push(await compileShared(library(42)));
  assertEquals(new Set([path, ...others]).size, 4);
  await Deno.writeTextFile(source, "no C++");
  await assertRejects(() => compileShared(library(42)), Error, "Cannot compile answer: g++ ended");
  const files = (await Array.fromAsync(Deno.readDir(`${dir}/out`))).map(({ name }) => name);
  assertTrue(files.every((name) => /^answer-[0-9a-f]{16}\.so$/.test(name)), files.join(" "));
  await remove(dir);
});
