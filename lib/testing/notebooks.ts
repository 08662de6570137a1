/**
 * Executes notebooks at smoke scale, each twice in one kernel: both give the same numbers and the
 * same number of tensors.
 */
import {
  codeCells,
  findNotebooks,
  type Notebook,
  readNotebook,
} from "lib/setup/notebooks/notebook.ts";
import { type Kernel, openKernel, runNotebook } from "lib/setup/notebooks/run_notebook.ts";
import type { Output } from "lib/setup/notebooks/cell_outputs.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const countTensors = '"tensors: " + (await import("lib/tf.ts")).memory().numTensors';

/** Adds a last cell to a notebook, which prints how many tensors exist. */
function withTensorCount(notebook: Notebook): Notebook {
  const cell = { cell_type: "code" as const, metadata: {}, source: countTensors };
  return { ...notebook, cells: [...notebook.cells, cell] };
}

/**
 * The text of a cell's output, without durations, which differ from run to run, and without live
 * pictures, which only a training run shows.
 */
function numbersOf(outputs: readonly Output[]): string[] {
  return outputs.flatMap((output) => {
    const text = "data" in output ? output.data["text/plain"] : "text" in output ? output.text : "";
    return text === undefined || /steps in|loaded/.test(String(text)) ? [] : [String(text)];
  });
}

/** Removes the figures of earlier notebooks, so that only this notebook's figures are found. */
function clearFigures(outputs: string): void {
  if ([...Deno.readDirSync(outputs)].some(({ name }) => name === "figures")) {
    Deno.removeSync(`${outputs}/figures`, { recursive: true });
  }
}

/**
 * Registers a test for each notebook whose name matches.
 *
 * The notebooks share one outputs folder, as a reader's notebooks do: a later one loads what an
 * earlier one has trained, such as the arms of the ablations, which seven of them use. So each run
 * is trained once and loaded at least once, and must give the same numbers. A notebook that is run
 * alone (`--filter`) trains all it needs.
 *
 * They also share a kernel, which starts again after one that fails: the library is loaded and
 * compiled once. That no notebook uses a name of another one is for the compiler to see, which
 * checks each by itself.
 */
export async function testNotebooks(wanted: RegExp): Promise<void> {
  const paths = (await findNotebooks([])).filter((path) => wanted.test(nameOf(path)));
  const outputs = Deno.makeTempDirSync();
  globalThis.addEventListener("unload", () => Deno.removeSync(outputs, { recursive: true }));
  const env = { BCSSL_SCALE: "smoke", BCSSL_OUTPUTS: outputs, BCSSL_SHIPPED: "none" };
  let kernel: Kernel | undefined; // it ends with this process
  for (const path of paths) {
    Deno.test({
      name: `${nameOf(path)} runs twice in one kernel, with equal numbers and tensors`,
      sanitizeOps: false, // the kernel outlives the test that has started it
      sanitizeResources: false,
      async fn() {
        kernel ??= openKernel({ env });
        try {
          await runsTwice(path, outputs, kernel);
        } catch (error) {
          await kernel[Symbol.asyncDispose]();
          kernel = undefined;
          throw error;
        }
      },
    });
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

async function runsTwice(path: string, outputs: string, kernel: Kernel): Promise<void> {
  clearFigures(outputs);
  const notebook = withTensorCount(await readNotebook(path));
  const results = await runNotebook(notebook, { passes: 2, kernel });
  const count = codeCells(notebook).length;
  for (const { status, error } of results) assertEquals([status, error], ["ok", undefined]);
  assertEquals(results.length, 2 * count);
  const [first, second] = [results.slice(0, count), results.slice(count)]
    .map((pass) => pass.map(({ outputs }) => numbersOf(outputs)));
  assertEquals(second, first);
  assertTrue(first!.at(-1)!.join().includes("tensors: "), "the tensors were counted");
  const files = [...Deno.readDirSync(`${outputs}/figures`)].map(({ name }) => name);
  assertTrue(files.some((file) => file.endsWith(".svg")), "a figure as SVG");
  assertTrue(files.some((file) => file.endsWith(".png")), "a figure as PNG");
}
