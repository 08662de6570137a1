/**
 * What all interactive outputs share. A copy of it stands in each output, before the script of its
 * kind, inside one function: outputs of one page share nothing but the choices that are kept.
 */

/**
 * Finds the output that this script belongs to: the first of its name that no script has taken,
 * since the same output may stand in a page twice.
 *
 * @param {string} name Of the output: its `data-part`.
 */
export function claimPart(name) {
  const parts = [...document.querySelectorAll(`[data-part="${name}"]`)];
  const host = parts.find(({ dataset }) => !dataset.drawn);
  if (!host) return undefined;
  host.dataset.drawn = `part${document.querySelectorAll("[data-drawn]").length}`;
  // In JupyterLab an arrow would go to the next cell instead.
  host.addEventListener("keydown", (event) => {
    if (/^(Arrow|Page|Home|End|Enter|Escape| )/.test(event.key)) event.stopPropagation();
  });
  return host;
}

/** An element with attributes and children; in a drawing, of SVG. */
export function element(tag, attributes = {}, ...children) {
  const drawn = /^(svg|g|path|circle|rect|line|text|title)$/.test(tag);
  const made = drawn
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * Puts the drawing in the place of the image that shows it, so that a script can add to it. Its ids
 * get the output's own name, because another drawing of the page may have the same ones.
 */
export function inlined(image, prefix) {
  const bytes = Uint8Array.from(atob(image.src.split(",")[1]), (letter) => letter.charCodeAt(0));
  const own = new TextDecoder().decode(bytes)
    .replace(/\bid="/g, `id="${prefix}-`)
    .replace(/url\(#/g, `url(#${prefix}-`)
    .replace(/href="#/g, `href="#${prefix}-`);
  const svg = document.importNode(
    new DOMParser().parseFromString(own, "image/svg+xml").documentElement,
    true,
  );
  svg.setAttribute("aria-label", image.alt);
  image.replaceWith(svg);
  return svg;
}
