/** Makes the pages of the book: each is a string of HTML that needs no other file. */
import { codeCells, type Notebook, sourceOf } from "lib/setup/notebooks/notebook.ts";
import { type BookSection, plainText } from "lib/setup/notebooks/search_index.ts";

/** What the index says about a notebook; it is read from the first cell and the outputs. */
export interface Chapter {
  /** `03_kernel_size` */
  readonly name: string;
  readonly title: string;
  /**
   * The paragraph that begins with **The question.** or **The claim.**; empty without one. Plain
   * text, as the cost.
   */
  readonly question: string;
  /** The paragraph that begins with **Cost**. */
  readonly cost: string;
  /** Sections and tables of the paper that the first cell mentions: `§3.2`, `Table 1`. */
  readonly sections: readonly string[];
  /** The last figure that the notebook saved, as a data URI. */
  readonly figure?: string;
  /** Whether the notebook was run: whether its cells have outputs. */
  readonly executed: boolean;
}

/** Reads a notebook for the index. */
export function chapterOf(name: string, notebook: Notebook): Chapter {
  const first = sourceOf(notebook.cells.find((cell) => cell.cell_type === "markdown") ?? emptyCell);
  const paragraphs = first.split(/\n\s*\n/).map((paragraph) => paragraph.replace(/\s+/g, " "));
  const beginning = (pattern: RegExp) => {
    const found = paragraphs.find((paragraph) => pattern.test(paragraph)) ?? "";
    return plainText(found.replace(pattern, ""));
  };
  const cost = beginning(/^\*\*Cost\.?\*\*(?:\s*:)?\s*/);
  const figure = lastFigure(notebook);
  return {
    name,
    title: plainText(/^# (.+)$/m.exec(first)?.[1] ?? name),
    question: beginning(/^\*\*The (?:question|claim)\.?\*\*\s*/),
    cost: cost && cost[0]!.toUpperCase() + cost.slice(1),
    sections: sectionsIn(first),
    ...(figure && { figure }),
    executed: codeCells(notebook).some(({ index }) => notebook.cells[index]!.outputs?.length),
  };
}

/** Removes repetitions and keeps the order. */
function sectionsIn(text: string): string[] {
  const mentions = text.match(/(?:§|Section)\s?[A-Z\d](?:\.?\d+)*|(?:Table|Figure)\s[A-Z]?\d+/g) ??
    [];
  return [
    ...new Set(mentions.map((m) => m.replace(/^(?:§|Section)\s?/, "§").replace(/\s/, " "))),
  ];
}

const emptyCell = { cell_type: "markdown", source: "", metadata: {} } as const;

/**
 * The last picture that `saveFigure` or `saveImage` showed, as SVG if there is one, otherwise as
 * PNG.
 */
function lastFigure({ cells }: Notebook): string | undefined {
  const outputs = cells.flatMap(({ outputs }) => outputs ?? []);
  const saved = outputs.findLast((output) =>
    "data" in output && /outputs\/figures\//.test(textOf(output.data["text/plain"]))
  );
  if (saved === undefined || !("data" in saved)) return undefined;
  const [svg, png] = [saved.data["image/svg+xml"], saved.data["image/png"]];
  return svg === undefined
    ? `data:image/png;base64,${textOf(png).trim()}`
    : `data:image/svg+xml;base64,${new TextEncoder().encode(textOf(svg)).toBase64()}`;
}

/** Joins text, which a notebook's file may hold as lines. */
function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join("") : String(value ?? "");
}

const bookTitle = "BC-SSL in notebooks";

/** What all pages share. */
export interface BookLook {
  readonly css: string;
  /** The script that makes a page light or dark. */
  readonly theme: string;
}

/**
 * The page of a notebook.
 *
 * @param body What nbconvert made of its cells; links to other notebooks become links to their
 *   pages.
 * @param chapters All chapters of the book, in order.
 */
export function chapterPage(
  chapter: Chapter,
  body: string,
  chapters: readonly Chapter[],
  look: BookLook,
): string {
  const place = chapters.indexOf(chapter);
  const link = (to: Chapter | undefined, rel: "prev" | "next") =>
    to === undefined ? "<span></span>" : `<a rel="${rel}" href="${to.name}.html">` +
      `<small>${rel === "prev" ? "← Previous" : "Next →"}</small>${escape(to.title)}</a>`;
  const turn = `<nav class="turn">${link(chapters[place - 1], "prev")}${
    link(chapters[place + 1], "next")
  }</nav>`;
  const linked = withoutSolutions(body).replace(
    /href="(?:\.\/)?([\w-]+)\.ipynb(#[^"]*)?"/g,
    (whole, name, anchor = "") =>
      chapters.some((known) => known.name === name) ? `href="${name}.html${anchor}"` : whole,
  );
  const unrun = chapter.executed ? "" : `<p class="unrun">Not run yet: code without results.</p>`;
  return page(
    `${chapter.title} · ${bookTitle}`,
    `<header><a href="index.html">${bookTitle}</a>${searchForm}<span>${
      place + 1
    } of ${chapters.length}</span>${themeButton}</header>\n` +
      `<main class="chapter">${unrun}${linked}</main>\n${turn}\n` +
      `<footer>This page is <code>notebooks/${chapter.name}.ipynb</code> as it was run. To change ` +
      `a value and run it again: <code>npx --yes deno@2.9.6 task lab</code></footer>`,
    look,
  );
}

/** Solutions of exercises are not in the book: a link to them is left as its words. */
function withoutSolutions(body: string): string {
  return body.replace(/<a href="solutions\/[^"]*"[^>]*>([^]*?)<\/a>/g, "$1");
}

/** A search field. It sends the words to the first page, which searches by itself. */
const searchForm = `<form role="search" action="index.html"><input type="search" name="q" ` +
  `aria-label="Search the book" placeholder="Search the book"></form>`;

/** It is shown by the script that it needs. */
const themeButton = `<button class="theme" type="button" hidden>Light or dark</button>`;

/** What the first page searches with. */
export interface BookSearch {
  readonly sections: readonly BookSection[];
  readonly script: string;
}

/**
 * The first page: what each notebook asks, what it costs to run, and its last figure; and the search
 * of all pages.
 */
export function indexPage(
  chapters: readonly Chapter[],
  look: BookLook,
  { sections, script }: BookSearch,
): string {
  const data = JSON.stringify(sections).replaceAll("<", "\\u003c");
  return page(
    bookTitle,
    `<header><span></span>${themeButton}</header>
<main class="index"><h1>${bookTitle}</h1>
<p class="lead">Self-supervised vision that you can read, step through and rerun: <em>The Counterattack of CNNs in
Self-Supervised Learning: Larger Kernel Size might be All You Need</em> (Huang, Chen, Wang, Liu, 2023), a
question a chapter. Each says what the paper found, runs it at the scale of a laptop, sets its own numbers
beside the printed ones, and ends with what to change next.</p>
<div class="search">${searchForm}<p role="status"></p><ol></ol></div>
<ol class="chapters">${chapters.map(entry).join("\n")}</ol></main>
<footer>Each chapter is a notebook: <code>npx --yes deno@2.9.6 task lab</code> opens them,
<code>npx --yes deno@2.9.6 task reproduce</code> runs them all.</footer>
<script>
const sections = ${data};
${script}</script>`,
    look,
  );
}

function entry({ name, title, question, cost, sections, figure }: Chapter): string {
  const file = `${name}.html`;
  const thumbnail = figure
    ? `<a class="thumbnail" href="${file}" tabindex="-1"><img alt="" src="${figure}"></a>`
    : `<span class="thumbnail"></span>`;
  const about = [
    sections.length > 0 ? `<dt>In the paper</dt><dd>${sections.map(escape).join(", ")}</dd>` : "",
    cost ? `<dt>Cost</dt><dd>${escape(cost)}</dd>` : "",
  ].join("");
  return `<li>${thumbnail}<div><small>${escape(name)}</small><h2><a href="${file}">${
    escape(title)
  }</a></h2><p>${escape(question)}</p><dl>${about}</dl></div></li>`;
}

function page(title: string, body: string, { css, theme }: BookLook): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>
${css}</style>
<script>
${theme}</script>
</head>
<body>
${body}
</body>
</html>
`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
