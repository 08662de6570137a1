import { claimPart, element, inlined } from "./parts.js";

/**
 * Shows what a mark stands for: under the pointer, or one after the other by the arrow keys.
 *
 * @param {{ pictures?: { png: string, columns: number, width: number, height: number } }} data
 *   A picture for each mark, all in one PNG.
 */
export function drawPart(name, { pictures }) {
  const host = claimPart(name);
  if (!host) return;
  const svg = inlined(host.querySelector("img"), host.dataset.drawn);
  const tip = host.appendChild(element("div", { class: "tip", role: "status" }));
  const marks = [...svg.querySelectorAll("title")].map((title) => {
    const mark = title.parentElement;
    mark.setAttribute("aria-label", title.textContent);
    title.remove(); // or the browser would show it a second time
    return mark;
  });
  const picture = pictures && pictureOf(pictures);
  let met;
  const meet = (mark) => {
    met?.classList.remove("met");
    met = mark;
    met?.classList.add("met");
    tip.textContent = met?.getAttribute("aria-label") ?? "";
    if (!met) return;
    if (picture) tip.prepend(picture(marks.indexOf(met)));
    const [around, at] = [host.getBoundingClientRect(), met.getBoundingClientRect()];
    const middle = at.left + at.width / 2 - around.left;
    const left = Math.min(
      Math.max(middle - tip.offsetWidth / 2, 0),
      around.width - tip.offsetWidth,
    );
    const above = at.top - around.top - tip.offsetHeight - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above < 0 ? at.bottom - around.top + 8 : above}px`;
  };
  svg.addEventListener("pointerover", ({ target }) => meet(marks.find((m) => m.contains(target))));
  svg.addEventListener("pointerleave", () => meet());
  svg.setAttribute("tabindex", 0);
  svg.setAttribute("role", "group");
  svg.addEventListener("blur", () => meet());
  svg.addEventListener("keydown", (event) => {
    const at = marks.indexOf(met);
    if (event.key === "ArrowRight") meet(marks[Math.min(at + 1, marks.length - 1)]);
    else if (event.key === "ArrowLeft") meet(marks[Math.max(at - 1, 0)]);
    else if (event.key === "Escape") meet();
    else return;
    event.preventDefault();
  });
}

const shownWidth = 112; // screen pixels, about

/** An element that shows one of the pictures, by its number, enlarged by a whole number. */
function pictureOf({ png, columns, width, height }) {
  const scale = Math.max(1, Math.round(shownWidth / width));
  const [w, h] = [scale * width, scale * height];
  const shown = element("div", { class: "picture" });
  shown.style.width = `${w}px`;
  shown.style.height = `${h}px`;
  shown.style.backgroundImage = `url("data:image/png;base64,${png}")`;
  shown.style.backgroundSize = `${columns * w}px auto`;
  return (at) => {
    shown.style.backgroundPosition = `${-(at % columns) * w}px ${-Math.floor(at / columns) * h}px`;
    return shown;
  };
}
