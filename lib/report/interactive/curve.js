import { claimPart, element, inlined } from "./parts.js";
import { keepChoice, onChoice } from "./choices.js";
import { curvePlaces, isCurve } from "./curve_places.js";

/**
 * Lets the reader draw a curve: one point for each value of x, moved by the pointer or by the arrow
 * keys.
 *
 * @param question `{ id, x, domain: [first, last], y: [low, high], step, labels, unit, frame }`; the
 *   frame, `{ left, right, top, bottom }`, is in pixels of the drawing that stands in the output.
 */
export function drawPart(name, question) {
  const host = claimPart(name);
  if (!host) return;
  const { id, x, y: [low, high], step } = question;
  const svg = inlined(host.querySelector("img"), host.dataset.drawn);
  svg.setAttribute("role", "group");
  svg.classList.add("drawable");
  const places = curvePlaces(question);
  const line = svg.appendChild(element("path", { class: "guess" }));
  let values = x.map(() => (low + high) / 2);
  const dots = x.map((at, i) => {
    const dot = svg.appendChild(element("circle", { class: "handle", r: 8, tabindex: 0 }));
    dot.setAttribute("role", "slider");
    dot.setAttribute("aria-label", `${question.labels.x} ${at}`);
    dot.setAttribute("aria-orientation", "vertical");
    dot.setAttribute("aria-valuemin", low);
    dot.setAttribute("aria-valuemax", high);
    dot.addEventListener("keydown", (event) => {
      const moved = { ArrowUp: step, ArrowDown: -step, PageUp: 5 * step, PageDown: -5 * step };
      if (event.key in moved) move(i, values[i] + moved[event.key]);
      else if (event.key === "ArrowLeft") dots[Math.max(i - 1, 0)].focus();
      else if (event.key === "ArrowRight") dots[Math.min(i + 1, x.length - 1)].focus();
      else return;
      event.preventDefault();
    });
    return dot;
  });

  const move = (i, value) => {
    const steps = Math.round((value - low) / step);
    const inside = Math.min(Math.max(low + steps * step, low), high);
    keepChoice(id, values.with(i, Number(inside.toFixed(6))));
  };
  const pointed = (event) => {
    const { left, top, width } = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / width;
    return places.from((event.clientX - left) * scale, (event.clientY - top) * scale);
  };
  let held;
  svg.addEventListener("pointerdown", (event) => {
    const { i, value } = pointed(event);
    held = i;
    svg.setPointerCapture(event.pointerId);
    dots[i].focus();
    move(i, value);
    event.preventDefault();
  });
  svg.addEventListener("pointermove", (event) => {
    if (held !== undefined) move(held, pointed(event).value);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    svg.addEventListener(end, () => held = undefined);
  }

  const forget = element("button", { type: "button" }, "forget it");
  forget.addEventListener("click", () => {
    keepChoice(id, undefined);
    dots[0].focus();
  });
  const said = host.querySelector(".said");
  onChoice(id, (drawn) => {
    const known = isCurve(drawn, x);
    values = known ? drawn : x.map(() => (low + high) / 2);
    line.setAttribute("d", places.path(x.map((at, i) => [at, values[i]])));
    line.classList.toggle("untouched", !known);
    dots.forEach((dot, i) => {
      const [cx, cy] = places.to(x[i], values[i]);
      dot.setAttribute("cx", cx);
      dot.setAttribute("cy", cy);
      dot.setAttribute("aria-valuenow", values[i]);
      dot.setAttribute("aria-valuetext", `${values[i]} ${question.unit}`);
    });
    said.replaceChildren(
      known
        ? "Your curve is kept; the result below comes back to it. "
        : "Drag the points, or move to one with Tab and shift it with the arrow keys.",
      ...(known ? [forget] : []),
    );
  });
}
