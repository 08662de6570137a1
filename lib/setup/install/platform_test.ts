import { failure } from "./command.ts";
import { platformOf, platforms } from "lib/native/platform.ts";
import { missingPrerequisites } from "./prerequisites.ts";
import { installArguments } from "./python_environment.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("platformOf() knows Linux and macOS, and takes Linux's row elsewhere", () => {
  assertEquals([platformOf("linux").name, platformOf("darwin").name], ["Linux", "macOS"]);
  assertEquals(platformOf("freebsd"), platforms.linux);
  assertEquals(Object.values(platforms).map(({ tried }) => tried), [true, false]);
});

Deno.test("macOS has no Debian tools, no -march, no -l:file and no .so", () => {
  const { linkEngine, ...row } = platforms.darwin;
  const text = [...Object.values(row).flat(), ...linkEngine("/f")].join(" ");
  assertEquals(/apt-get|\bg\+\+|-march|-l:|\.so\b/.test(text), false, text);
  assertEquals(linkEngine("/f").slice(0, 2), row.libraries.map((name) => `/f/${name}`));
  assertEquals(row.ownCpu, "-mcpu=native"); // Apple's clang has no -march=native for its own chips
});

Deno.test("on Linux the engine is linked by the names of its files, found again by their folder", () => {
  const args = platforms.linux.linkEngine("/f");
  assertEquals(args[0], "-L/f");
  assertEquals(args.slice(1, 3), platforms.linux.libraries.map((name) => `-l:${name}`));
  assertTrue(args.includes("-Wl,-rpath,/f"), args.join(" "));
});

Deno.test("what is missing on a Mac is installed by a Mac's commands", async () => {
  const missing = await missingPrerequisites({
    compiler: "no-such-clang++",
    candidates: ["no-python"],
    platform: platforms.darwin,
  });
  assertEquals(missing.map(({ mend }) => mend), ["brew install python", "xcode-select --install"]);
});

Deno.test("a Mac gets the release of TensorFlow that there is for it", () => {
  const release = (platform: typeof platforms[keyof typeof platforms]) =>
    installArguments("cpu", "x", platform).at(-1)!.split("==")[0];
  assertEquals([release(platforms.linux), release(platforms.darwin)], [
    "tensorflow-cpu",
    "tensorflow",
  ]);
  assertTrue(failure("build it", "clang++", 1, "x").includes("clang++ ended"), "its name");
});
