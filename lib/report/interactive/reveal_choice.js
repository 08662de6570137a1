import { claimPart } from "./parts.js";
import { onChoice } from "./choices.js";

/**
 * Sets the reader's choice beside the answer.
 *
 * @param question `{ id, choices, answer }`
 */
export function drawPart(name, { id, choices, answer }) {
  const host = claimPart(name);
  if (!host) return;
  const said = host.querySelector(".said");
  onChoice(id, (chosen) => {
    const known = choices.includes(chosen);
    host.dataset.match = known ? String(chosen === answer) : "none";
    said.textContent = !known
      ? "You have not predicted this one. The question stands above: a guess made now still helps to remember."
      : chosen === answer
      ? `✓ You predicted it: ${chosen}`
      : `≠ You predicted: ${chosen}`;
  });
}
