import { claimPart, element } from "./parts.js";
import { keepChoice, onChoice } from "./choices.js";

/**
 * Makes buttons of the choices of a question. What was chosen is kept, and can be changed.
 *
 * @param {{ id: string }} question The choices stand in the output as a list.
 */
export function drawPart(name, { id }) {
  const host = claimPart(name);
  if (!host) return;
  const list = host.querySelector(".choices");
  const choices = [...list.children].map(({ textContent }) => textContent);
  const group = element("div", { class: "choices", role: "radiogroup" });
  group.setAttribute("aria-label", host.querySelector(".ask").textContent);
  const inputs = choices.map((choice) => {
    const input = element("input", { type: "radio", name: host.dataset.drawn, value: choice });
    input.addEventListener("change", () => keepChoice(id, choice));
    group.append(element("label", {}, input, choice));
    return input;
  });
  list.replaceWith(group);
  const forget = element("button", { type: "button" }, "forget it");
  forget.addEventListener("click", () => {
    keepChoice(id, undefined);
    inputs[0].focus();
  });
  const said = host.querySelector(".said");
  onChoice(id, (chosen) => {
    const known = choices.includes(chosen);
    for (const input of inputs) input.checked = input.value === chosen;
    said.replaceChildren(
      known ? "Your prediction is kept; the result below comes back to it. " : "",
      ...(known ? [forget] : []),
    );
  });
}
