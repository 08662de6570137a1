/** What the reader has chosen, kept in the browser for all outputs and pages. */

// Where the browser keeps nothing, as in private windows, the page itself remembers.
const remembered = globalThis.bcsslChoices ??= {};
const key = (id) => `bcssl-choice/${id}`;

/** What the reader has chosen, or `undefined`. */
export function choiceOf(id) {
  try {
    const stored = localStorage.getItem(key(id));
    return stored === null ? remembered[id] : JSON.parse(stored);
  } catch {
    return remembered[id];
  }
}

/** Keeps a choice, or forgets it if `value` is undefined, and tells the other outputs of the page. */
export function keepChoice(id, value) {
  remembered[id] = value;
  try {
    if (value === undefined) localStorage.removeItem(key(id));
    else localStorage.setItem(key(id), JSON.stringify(value));
  } catch { /* the page remembers */ }
  document.dispatchEvent(new CustomEvent("bcssl-choice", { detail: id }));
}

/** Calls `draw` now and whenever the choice is changed, also by an output of another tab. */
export function onChoice(id, draw) {
  document.addEventListener("bcssl-choice", ({ detail }) => detail === id && draw(choiceOf(id)));
  addEventListener("storage", (event) => event.key === key(id) && draw(choiceOf(id)));
  draw(choiceOf(id));
}
