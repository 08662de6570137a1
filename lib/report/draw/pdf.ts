/** Figures as PDF, for papers: one page of the figure's size, with curves and text as such. */
import { fileURLToPath } from "node:url";

/** The part of a PDFKit document that is used here. */
interface PdfDocument {
  on(event: "data", listener: (chunk: Uint8Array<ArrayBuffer>) => void): void;
  on(event: "end", listener: () => void): void;
  registerFont(name: string, path: string): void;
  end(): void;
}

const fonts = { plain: "DejaVuSans.ttf", bold: "DejaVuSans-Bold.ttf" } as const;

/**
 * Draws an SVG as a PDF of the same size, a pixel as a point. Fonts are embedded, and the same SVG
 * gives the same bytes.
 *
 * @param svg What `toSvg` made of a figure.
 * @throws {Error} If it has something that cannot be drawn.
 */
export async function toPdf(svg: string): Promise<Uint8Array> {
  const [{ default: PDFDocument }, { default: draw }] = await Promise.all([
    import("pdfkit"),
    import("svg-to-pdfkit"),
  ]);
  const [width, height] = ["width", "height"].map((side) =>
    Number(new RegExp(`^<svg[^>]* ${side}="([\\d.]+)"`).exec(svg)?.[1])
  );
  // deno-lint-ignore no-explicit-any -- it comes without types, and TypeScript misreads its mixins
  const document: PdfDocument = new (PDFDocument as any)({
    ...{ size: [width, height], margin: 0 },
    info: { CreationDate: new Date(0), Producer: "PDFKit" }, // not the time: equal figures are equal
  });
  for (const [name, file] of Object.entries(fonts)) {
    document.registerFont(name, fileURLToPath(import.meta.resolve(`dejavu-fonts-ttf/ttf/${file}`)));
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const ended = new Promise<void>((resolve) => document.on("end", resolve));
  document.on("data", (chunk) => chunks.push(chunk));
  // The library gives no opacity to strokes in `currentColor`, and leaves some out.
  draw(document, svg.replaceAll("currentColor", "black"), 0, 0, {
    ...{ width, height, assumePt: true },
    fontCallback: (_family: string, bold: boolean) => bold ? "bold" : "plain",
    warningCallback: (warning: string) => {
      throw new Error(`Cannot draw a figure as PDF: ${warning}`);
    },
  });
  document.end();
  await ended;
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
