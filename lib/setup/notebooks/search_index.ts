/** What the book's search looks through: the sections of all notebooks. */
import { type Notebook, sourceOf } from "lib/setup/notebooks/notebook.ts";

/** A section of a page. */
export interface BookSection {
  /** `03_kernel_size.html` */
  readonly file: string;
  /** Title of the page. */
  readonly chapter: string;
  /** The section's own heading; before the first one, the chapter's title. */
  readonly heading: string;
  /** Id of the cell that begins it, in the page. */
  readonly anchor: string;
  /** Its words and its code, in one line. */
  readonly text: string;
}

/**
 * The sections of a notebook: a cell that begins with a heading begins one. Outputs are left out:
 * their numbers stand in tables, which are found by the words around them.
 *
 * @param name Of the notebook: `03_kernel_size`.
 * @param title Of its page.
 */
export function sectionsOf(name: string, title: string, notebook: Notebook): BookSection[] {
  const sections: { heading: string; anchor: string; text: string[] }[] = [];
  for (const cell of notebook.cells) {
    const source = sourceOf(cell);
    const isText = cell.cell_type === "markdown";
    const heading = isText ? /^#{1,3} (.+)$/m.exec(source)?.[1] : undefined;
    if (heading !== undefined || sections.length === 0) {
      const own = sections.length === 0 ? title : plainText(heading!);
      sections.push({ heading: own, anchor: `cell-id=${cell.id ?? ""}`, text: [] });
    }
    sections.at(-1)!.text.push(isText ? plainText(source.replace(/^#+ .*$/m, "")) : source);
  }
  return sections.map(({ heading, anchor, text }) => ({
    ...{ file: `${name}.html`, chapter: title, heading, anchor },
    text: text.join(" ").replace(/\s+/g, " ").trim(),
  }));
}

/** Markdown without its marks of emphasis, code and links. */
export function plainText(markdown: string): string {
  return markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/\*\*|`/g, "")
    .replace(/(^|[\s(])[_*]([^_*]+)[_*](?=$|[\s.,;:)?!])/g, "$1$2").trim();
}
