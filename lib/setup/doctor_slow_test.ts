/** `deno task doctor` where things are broken: what it says, and that it says so in lines. */
import { root } from "lib/setup/install/project.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

/**
 * A project with nothing in it but its code, in which `breakIt` breaks something; and what the
 * doctor says there.
 */
async function examined(breakIt: (project: string) => Promise<void>): Promise<string[]> {
  const project = await Deno.makeTempDir();
  try {
    for (const name of ["deno.json", "deno.lock"]) {
      await Deno.copyFile(`${root}/${name}`, `${project}/${name}`);
    }
    await copyFolder(`${root}/lib`, `${project}/lib`);
    await Deno.mkdir(`${project}/.venv/bin`, { recursive: true });
    await breakIt(project);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${project}/lib/setup/doctor.ts`],
      cwd: project,
    }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stderr), "");
    return decoder.decode(stdout).trimEnd().split("\n");
  } finally {
    await Deno.remove(project, { recursive: true });
  }
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else if (isFile && !name.endsWith(".so")) {
      await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
    }
  }
}

/** Ways in which `.venv/bin/python` is there and cannot be run, as after a move from another machine. */
const pythons: Readonly<Record<string, (path: string) => Promise<void>>> = {
  "a link to a Python that is not here": (path) => Deno.symlink("/opt/elsewhere/python3", path),
  "a file that may not be run": (path) => Deno.writeTextFile(path, "no program", { mode: 0o644 }),
  "a program of another processor": (path) => Deno.writeTextFile(path, "\x7fELF", { mode: 0o755 }),
};

for (const [what, make] of Object.entries(pythons)) {
  Deno.test(`doctor, where .venv/bin/python is ${what}, says so in a line and what to do`, async () => {
    const lines = await examined((project) => make(`${project}/.venv/bin/python`));
    const jupyter = lines.findIndex((line) => line.startsWith("Jupyter  does not start: "));
    assertTrue(jupyter >= 0 && lines[jupyter]!.length > 30, lines.join("\n"));
    assertEquals(lines[jupyter + 1], '         → run "deno task setup"');
    const state = lines.find((line) => line.startsWith("Set-up"))!;
    assertTrue(state.includes("Python environment with JupyterLab"), state); // so set-up makes it again
    const known =
      /^(Machine|Deno|Missing|Folder|Set-up|Jupyter|Kernel|Engine|Device|One op|Data) |^ {9}→ |^\d+ to mend\.$/;
    assertEquals(lines.filter((line) => !known.test(line)), []);
  });
}
