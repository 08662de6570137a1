/** Text in drawings and tables: escaped, and cut to the room it has. */

/** Width of a letter in pixels, at the font size of captions (11). */
const letterWidth = 6.4;

/** About how many pixels a caption is wide. */
export function captionWidth(text: string): number {
  return letterWidth * text.length;
}

/** The part of a caption that fits into `width` pixels, with an ellipsis where it was cut. */
export function fittingCaption(text: string, width: number): string {
  const letters = Math.max(1, Math.floor(width / letterWidth));
  return text.length <= letters ? text : text.slice(0, letters - 1) + "…";
}

/** Text for use between the tags of HTML or SVG. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Text for use between tags or in an attribute. */
export function escapeXml(text: string): string {
  return escapeText(text).replaceAll('"', "&quot;");
}
