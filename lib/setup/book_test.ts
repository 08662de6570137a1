import { sectionsOf } from "lib/setup/notebooks/search_index.ts";
import { type Chapter, chapterOf, chapterPage, indexPage } from "lib/setup/notebooks/book_pages.ts";
import type { Output } from "lib/setup/notebooks/cell_outputs.ts";
import type { Cell, Notebook } from "lib/setup/notebooks/notebook.ts";
import { notebookMetadata } from "lib/setup/install/project.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const about = `# Larger kernels help \`k-NN\`, _here_ too

**The question.** Does a larger kernel help, as [they](https://example.org) say
of **all** networks?

The paper (§3.2, Table 1) says so; Table 1 and Figure 2 (§A.1, Section
4.1) show it.

**Cost**: ten minutes. Four days on 8 GPUs.`;

function shown(data: Record<string, unknown>): Output {
  return { output_type: "display_data", data, metadata: {} };
}

function notebookOf(source: string, outputs: Output[] = []): Notebook {
  const cells: Cell[] = [
    { cell_type: "markdown", source, metadata: {} },
    { cell_type: "code", source: "1", metadata: {}, outputs },
  ];
  return { cells, metadata: notebookMetadata, nbformat: 4, nbformat_minor: 5 };
}

Deno.test("chapterOf() reads title, question, cost and the paper's sections in the first cell", () => {
  const chapter = chapterOf("03_kernel_size", notebookOf(about));
  assertEquals(chapter, {
    name: "03_kernel_size",
    title: "Larger kernels help k-NN, here too",
    question: "Does a larger kernel help, as they say of all networks?",
    cost: "Ten minutes. Four days on 8 GPUs.",
    sections: ["§3.2", "Table 1", "Figure 2", "§A.1", "§4.1"],
    executed: false,
  });
  const bare = chapterOf("a", notebookOf("no title"));
  assertEquals([bare.title, bare.question, bare.cost, bare.sections], ["a", "", "", []]);
});

Deno.test("chapterOf() takes the last figure that was saved, SVG before PNG", () => {
  const saved = (name: string, data: Record<string, unknown>) =>
    shown({ ...data, "text/plain": [`outputs/figures/${name}.svg\n`, "and .png"] });
  const first = saved("a", { "image/svg+xml": "<svg>a</svg>" });
  const last = saved("b", { "image/svg+xml": ["<svg>\n", "β</svg>"], "image/png": "AAAA" });
  const grid = shown({ "image/png": "BBBB", "text/plain": "48 images" });
  const { figure, executed } = chapterOf("x", notebookOf(about, [first, last, grid]));
  assertEquals(executed, true);
  const [head, base64] = figure!.split(",");
  assertEquals(head, "data:image/svg+xml;base64");
  assertEquals(new TextDecoder().decode(Uint8Array.fromBase64(base64!)), "<svg>\nβ</svg>");
  const png = chapterOf("x", notebookOf(about, [first, saved("c", { "image/png": "CC\n" })]));
  assertEquals(png.figure, "data:image/png;base64,CC");
});

const chapters: Chapter[] = ["00_a", "01_b", "02_c"].map((name) => ({
  name,
  title: `Title of <${name}>`,
  question: "Is 1 < 2?",
  cost: "",
  sections: [],
  executed: true,
}));

const look = { css: "p {}", theme: "theme()" };

Deno.test("chapterPage() links to its neighbours and turns links to notebooks into links to pages", () => {
  const body = '<a href="./02_c.ipynb#end">c</a> <a href="other.ipynb">other</a>';
  const html = chapterPage(chapters[1]!, body, chapters, look);
  assertTrue(html.includes('rel="prev" href="00_a.html"'), html);
  assertTrue(html.includes('rel="next" href="02_c.html"'), html);
  assertTrue(html.includes("Title of &lt;00_a>"), html);
  assertTrue(html.includes('<a href="02_c.html#end">c</a> <a href="other.ipynb">'), html);
  assertTrue(html.includes("p {}") && html.includes("theme()") && html.includes("2 of 3"), html);
  assertTrue(html.includes('action="index.html"><input type="search" name="q"'), html);
  const first = chapterPage(chapters[0]!, body, chapters, look);
  assertTrue(!first.includes('rel="prev"') && !first.includes("Not run yet"), first);
  const unrun = { ...chapters[0]!, executed: false };
  assertTrue(chapterPage(unrun, body, [unrun], look).includes("Not run yet"), "says so");
});

Deno.test("indexPage() has an entry for each chapter: figure, question, sections of the paper, cost", () => {
  const full = {
    ...chapters[0]!,
    cost: "A minute.",
    sections: ["§3", "Table 1"],
    figure: "data:x",
  };
  const section = { file: "00_a.html", chapter: "a", heading: "</script>", anchor: "c", text: "t" };
  const html = indexPage([full, chapters[1]!], look, { sections: [section], script: "find()" });
  for (
    const part of [
      '<a href="00_a.html">Title of &lt;00_a></a>',
      "<p>Is 1 &lt; 2?</p>",
      "<dd>§3, Table 1</dd>",
      "<dd>A minute.</dd>",
      'src="data:x"',
      '<a href="01_b.html">',
      '"heading":"\\u003c/script>"',
      "find()</script>",
    ]
  ) assertTrue(html.includes(part), `${part} in ${html}`);
  assertEquals(html.match(/<li>/g)?.length, 2);
  assertEquals(html.match(/<dt>/g)?.length, 2); // an entry without a text is left out
});

Deno.test("sectionsOf() begins a section at each heading, with the words and the code below it", () => {
  const notebook = notebookOf(about);
  const cell = (id: string, source: string, cell_type: "code" | "markdown" = "markdown"): Cell => ({
    ...{ cell_type, id, source, metadata: {} },
  });
  notebook.cells.push(
    cell("c1", "More **words**."),
    cell("c2", "## The `run`\n\nIt [trains](x.html)."),
    cell("c3", "const a =\n  1;", "code"),
  );
  const [first, second, ...rest] = sectionsOf("03_k", "Larger kernels", notebook);
  assertEquals(rest, []);
  const { text, ...head } = first!;
  const page = { file: "03_k.html", chapter: "Larger kernels" };
  assertEquals(head, { ...page, heading: "Larger kernels", anchor: "cell-id=" });
  assertTrue(
    text.startsWith("The question. Does a") && text.endsWith("8 GPUs. 1 More words."),
    text,
  );
  assertEquals(second, {
    ...page,
    ...{ heading: "The run", anchor: "cell-id=c2", text: "It trains. const a = 1;" },
  });
});

Deno.test("chapterPage() leaves a link to solutions, which are not in the book, as its words", () => {
  const body =
    'in <a href="solutions/00_a.ipynb"><code>solutions/00_a</code></a>, <a href="02_c.ipynb">c</a>';
  const html = chapterPage(chapters[0]!, body, chapters, look);
  assertTrue(html.includes("in <code>solutions/00_a</code>, <a "), html);
});
