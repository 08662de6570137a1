import { cellModule, checkCells } from "./check_cells.ts";
import { remove } from "lib/setup/install/files.ts";
import {
  type Cell,
  codeCells,
  findNotebooks,
  type Notebook,
  notebookText,
  readNotebook,
  writeNotebook,
} from "./notebook.ts";
import { jupyterEnv, notebookMetadata, outputsDir, python } from "lib/setup/install/project.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const code = (source: string | string[]): Cell => ({
  cell_type: "code",
  source,
  metadata: {},
  outputs: [],
  execution_count: null,
});
const text: Cell = { cell_type: "markdown", source: "# Title", metadata: {} };

function notebookOf(...cells: Cell[]): Notebook {
  return { cells, metadata: notebookMetadata, nbformat: 4, nbformat_minor: 5 };
}

/** Below deno.json, or the cells' imports are not found. */
async function checkDir(): Promise<string> {
  await Deno.mkdir(outputsDir, { recursive: true });
  return await Deno.makeTempDir({ dir: outputsDir, prefix: ".check-" });
}

Deno.test("codeCells() counts the cells that hold code and knows their place", () => {
  const notebook = notebookOf(text, code("1"), code("  \n"), text, code(["2\n", "3"]));
  assertEquals(codeCells(notebook), [
    { number: 1, index: 1, source: "1" },
    { number: 2, index: 4, source: "2\n3" },
  ]);
});

Deno.test("cellModule() maps each line back to its cell", () => {
  const module = cellModule(notebookOf(text, code("a\nb"), text, code("c")));
  const lines = module.text.split("\n");
  const place = (line: string) => module.origin(lines.indexOf(line) + 1);
  assertEquals(place("a"), { cell: 1, line: 1 });
  assertEquals(place("b"), { cell: 1, line: 2 });
  assertEquals(place("c"), { cell: 2, line: 1 });
  assertEquals(module.origin(3), undefined);
});

Deno.test("checkCells() names notebook, cell and line of type errors and bad imports", async () => {
  const where = await checkDir();
  const bad = notebookOf(
    code('import { createRng, nope } from "lib/rng.ts";'),
    text,
    code('const rng = createRng(0)\n\nconst seed: number = "x"'),
    code("[rng, nope, seed].map(String)"), // must not run on from the cell above, which has no semicolon
  );
  const good = notebookOf(code("const x = await Promise.resolve(1)"), code("(x + 1).toFixed()"));
  // A notebook and its solution have the same name.
  const notebooks = new Map([["a/name.ipynb", bad], ["b/name.ipynb", good]]);
  const complaints = await checkCells(notebooks, where);
  assertTrue(complaints.includes("a/name.ipynb, cell 1, line 1:21"), complaints);
  assertTrue(complaints.includes("a/name.ipynb, cell 2, line 3:7"), complaints);
  assertTrue(!complaints.includes("b/name.ipynb") && !complaints.includes("cell 3"), complaints);
  assertEquals(await checkCells(new Map([["good.ipynb", good]]), where), "");
  await remove(where);
});

Deno.test("checkCells() places a syntax error", async () => {
  const dir = await checkDir();
  const bad = notebookOf(code("const x = 1;"), code("x +\nconst = 2;"));
  const complaints = await checkCells(new Map([["bad.ipynb", bad]]), dir);
  assertTrue(/bad\.ipynb, cell 2, line 2:/.test(complaints), complaints);
  await remove(dir);
});

Deno.test("writeNotebook() writes what readNotebook() reads, text as lines", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/a.ipynb`;
  const outputs: Cell["outputs"] = [
    { output_type: "stream", name: "stdout", text: "one\ntwo" },
    { output_type: "display_data", data: { "image/png": "AAAA" }, metadata: {} },
  ];
  await writeNotebook(path, notebookOf(text, { ...code("1\n2"), outputs }));
  const back = await readNotebook(path);
  assertEquals(back.cells[1]!.source as unknown, ["1\n", "2"]);
  assertEquals(back.cells[1]!.outputs as unknown, [
    { output_type: "stream", name: "stdout", text: ["one\n", "two"] },
    outputs![1],
  ]);
  await writeNotebook(path, back); // a copy of a copy is the same
  assertEquals(await readNotebook(path), back);
  await Deno.writeTextFile(path, "[]");
  await assertRejects(() => readNotebook(path), TypeError, "not a notebook of format 4");
  await remove(dir);
});

Deno.test("notebookText() writes byte for byte what Jupyter writes, whatever is in the text", async () => {
  const strange = 'a\r\nb\rc\x0bd\x0ce\x1cf\x85g\u2028h\n\u{1f600} "é" \\ \x07 \x7f';
  const data = {
    "text/plain": strange,
    "text/html": `${strange}\n`,
    "image/svg+xml": strange,
    "image/png": "AA\nAA\n",
    "application/json": { b: [1, { z: 0.5, a: -3 }], a: {}, c: [], d: null },
  };
  const outputs: Cell["outputs"] = [
    { output_type: "stream", name: "stdout", text: strange },
    { output_type: "stream", name: "stderr", text: "" },
    { output_type: "execute_result", execution_count: 3, data, metadata: {} },
    { output_type: "error", ename: "E", evalue: strange, traceback: [strange, ""] },
  ];
  const metadata = { tags: ["b", "a"], collapsed: true };
  const cells = [
    { ...text, id: "one" },
    { ...code(strange), id: "two", outputs, metadata },
    { ...code(["x\n", "y"]), id: "three" },
    { ...code(""), id: "four" },
  ];
  const ours = notebookText(notebookOf(...cells));
  const program =
    "import sys, nbformat; sys.stdout.write(nbformat.writes(nbformat.reads(sys.stdin.read(), as_version=4)) + '\\n')";
  const child = new Deno.Command(python, {
    args: ["-X", "utf8", "-c", program],
    env: jupyterEnv(),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(ours));
  await writer.close();
  const { stdout } = await child.output();
  assertEquals(new TextDecoder().decode(stdout), ours);
});

Deno.test("every committed notebook is as Jupyter would write it, with this kernel's name and language", async () => {
  for (const path of await findNotebooks([])) {
    const notebook = await readNotebook(path);
    assertTrue(await Deno.readTextFile(path) === notebookText(notebook), `${path}: other bytes`);
    assertEquals(notebook.metadata, notebookMetadata);
  }
});

Deno.test("findNotebooks() takes names with or without the ending, and lists what exists", async () => {
  const dir = await Deno.makeTempDir();
  for (const name of ["01_b.ipynb", "00_a.ipynb", "note.txt"]) {
    await Deno.writeTextFile(`${dir}/${name}`, "");
  }
  const found = [`${dir}/00_a.ipynb`, `${dir}/01_b.ipynb`];
  assertEquals(await findNotebooks([], dir), found);
  assertEquals(await findNotebooks(["01_b", "notebooks/00_a.ipynb"], dir), [...found].reverse());
  await assertRejects(() => findNotebooks(["02_c"], dir), RangeError, "there are 00_a, 01_b");
  assertEquals(await findNotebooks([], `${dir}/none`), []);
  await remove(dir);
});
