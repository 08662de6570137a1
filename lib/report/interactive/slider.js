import { claimPart, element } from "./parts.js";

/**
 * Adds a slider that chooses among pictures.
 *
 * @param {{ label: string, start: number, frames: { at: string, says: string, src: string }[] }} data
 *   The picture at `start` stands in the output already, and has an empty `src`.
 */
export function drawPart(name, { label, start, frames }) {
  const host = claimPart(name);
  if (!host) return;
  const image = host.querySelector("img");
  const first = image.src;
  const said = host.querySelector(".said");
  const slider = element("input", { type: "range", min: 0, max: frames.length - 1, step: 1 });
  slider.value = start;
  const shown = element("output");
  image.before(element("label", { class: "slider" }, `${label} `, slider, shown));
  const draw = () => {
    const { at, says, src } = frames[slider.value];
    const words = says ? `${at}: ${says}` : at;
    image.src = src || first;
    image.alt = `${label} ${words}`;
    shown.textContent = at;
    said.textContent = says;
    slider.setAttribute("aria-valuetext", words);
  };
  slider.addEventListener("input", draw);
  draw();
}
