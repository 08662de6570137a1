import { jupyterEnv, python } from "lib/setup/install/project.ts";
import { findNotebooks } from "lib/setup/notebooks/notebook.ts";
import { shippedNotebooks, steps } from "./steps.ts";
import { assertEquals } from "lib/testing/assert.ts";

Deno.test("every committed notebook is trusted after set-up, so that JupyterLab shows its figures as they are", async () => {
  const paths = await findNotebooks([]);
  assertEquals(await shippedNotebooks(), paths);
  const program = `import sys
from nbformat import read
from nbformat.sign import NotebookNotary
print([NotebookNotary().check_signature(read(path, as_version=4)) for path in sys.argv[1:]])`;
  await steps.find(({ id }) => id === "trust")!.make(() => {});
  const { stdout } = await new Deno.Command(python, {
    args: ["-c", program, ...paths],
    env: jupyterEnv(),
  }).output();
  const trusted = new TextDecoder().decode(stdout).trim();
  assertEquals(trusted, `[${paths.map(() => "True").join(", ")}]`);
});
