/** The page of runs: asks its server every two seconds, and draws what it answers. */
import { colourOf, CurveChart } from "./chart.js";

const every = 2000; // milliseconds
const find = (selector) => document.querySelector(selector);
const chart = new CurveChart(find("#chart"));
/** Chosen runs with their places in the legend, which they keep while they are chosen. */
const chosen = new Map();
const rows = new Map();
let [metric, sort, filter] = ["loss", "age", ""];
let [state, asked, timer] = [undefined, 0, undefined];

function make(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Replaces a text only if it is another, so that a reader's selection stays. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function readAddress() {
  const query = new URLSearchParams(location.hash.slice(1));
  for (const id of query.getAll("run")) choose(id, true);
  metric = query.get("metric") ?? metric;
  sort = query.get("sort") ?? sort;
  filter = query.get("filter") ?? filter;
  find("#filter").value = filter;
}

function query() {
  const asked = new URLSearchParams({ metric, sort });
  const inOrder = [...chosen].sort(([, a], [, b]) => a - b);
  for (const [id] of inOrder) asked.append("run", id);
  return asked;
}

function writeAddress() {
  const written = query();
  if (filter) written.set("filter", filter);
  history.replaceState(null, "", `#${written}`);
}

function choose(id, on) {
  const taken = new Set(chosen.values());
  let slot = 0;
  while (taken.has(slot)) slot++;
  if (!on) chosen.delete(id);
  else if (!chosen.has(id)) chosen.set(id, slot);
}

async function ask() {
  clearTimeout(timer);
  const number = ++asked;
  try {
    const response = await fetch(`/state.json?${query()}`);
    if (!response.ok) throw new Error(await response.text());
    const answer = await response.json();
    if (number !== asked) return; // a later question is on its way
    state = answer;
    draw();
    setText(find("#status"), `${state.folder}, as of ${new Date().toLocaleTimeString("en-GB")}`);
  } catch {
    if (number !== asked) return;
    setText(find("#status"), "The server does not answer: start deno task runs --web again");
  }
  timer = setTimeout(() => document.hidden || ask(), every);
}

async function askConfigs() {
  find("#configs").hidden = chosen.size === 0;
  if (chosen.size === 0) return;
  const wanted = query().toString();
  const response = await fetch(`/configs.json?${wanted}`).catch(() => undefined);
  if (response?.ok && wanted === query().toString()) drawConfigs(await response.json());
}

function draw() {
  const ids = new Set(state.runs.map(({ id }) => id));
  for (const id of chosen.keys()) if (!ids.has(id)) chosen.delete(id);
  drawHead();
  drawRows();
  drawMetrics();
  const curves = state.curves.map((curve) => ({ ...curve, slot: chosen.get(curve.id) }))
    .filter(({ slot }) => slot !== undefined);
  find("#hint").hidden = chosen.size > 0;
  find("#chart").hidden = chosen.size === 0;
  chart.draw({ label: state.metric?.label ?? "", curves });
  drawFigures();
}

function drawHead() {
  const head = find("#list thead");
  if (head.children.length === 0) {
    const cells = state.columns.map(({ title, right, sort: key }) => {
      const button = make("button", { type: "button", textContent: title });
      button.addEventListener("click", () => changed(() => sort = key));
      const name = right ? "right" : "";
      return key ? make("th", { className: name }, button) : make("th", { className: name }, title);
    });
    head.append(make("tr", {}, ...cells));
  }
  state.columns.forEach(({ sort: key }, i) => {
    const cell = head.rows[0].cells[i];
    if (key && key === sort) cell.setAttribute("aria-sort", "other");
    else cell.removeAttribute("aria-sort");
  });
}

function drawRows() {
  const words = filter.toLowerCase().split(/\s+/);
  const shown = state.runs.filter(({ cells }) => {
    const text = cells.join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const body = find("#list tbody");
  const wanted = shown.map((run) => rowOf(run));
  if (wanted.length !== body.rows.length || wanted.some((row, i) => row !== body.rows[i])) {
    const focused = document.activeElement;
    body.replaceChildren(...wanted);
    if (body.contains(focused)) focused.focus();
  }
  const of = state.runs.length === shown.length ? "" : ` of ${state.runs.length}`;
  setText(find("#count"), `${shown.length}${of} runs, ${chosen.size} chosen`);
}

function rowOf({ id, state: runState, progress, cells }) {
  const row = rows.get(id) ?? newRow(id, cells.length);
  rows.set(id, row);
  const slot = chosen.get(id);
  row.className = slot === undefined ? "" : "chosen";
  row.querySelector("input").checked = slot !== undefined;
  const number = row.querySelector(".number");
  setText(number, slot === undefined ? "" : String(slot + 1));
  number.style.setProperty("--line", slot === undefined ? "transparent" : colourOf(slot));
  state.columns.forEach(({ title, right }, i) => {
    const cell = row.cells[i];
    if (i > 0) setText(cell, cells[i]);
    const names = [right && "right", title === "steps" && progress < 1 && "progress"];
    if (title === "state") names.push(`state-${runState}`);
    cell.className = names.filter(Boolean).join(" ");
    if (title === "steps") cell.style.setProperty("--done", progress);
  });
  return row;
}

function newRow(id, columns) {
  const box = make("input", { type: "checkbox" });
  box.addEventListener("change", () => {
    changed(() => choose(id, box.checked));
    askConfigs();
  });
  const label = make("label", {}, box, make("span", { className: "number" }), id);
  const others = Array.from({ length: columns - 1 }, () => make("td"));
  return make("tr", {}, make("td", {}, label), ...others);
}

function drawMetrics() {
  const select = find("#metric");
  const names = state.metrics.map(({ name }) => name);
  if (names.join() !== [...select.options].map(({ value }) => value).join()) {
    select.replaceChildren(
      ...state.metrics.map(({ name, label }) => make("option", { value: name }, label)),
    );
  }
  select.disabled = names.length === 0;
  if (state.metric) select.value = state.metric.name;
}

function drawConfigs({ runs, rows: all }) {
  const only = find("#differing").checked;
  const shown = only && runs.length > 1 ? all.filter(({ differs }) => differs) : all;
  const heads = runs.map((id) => make("th", {}, `${chosen.get(id) + 1} ${id}`));
  const head = make("tr", {}, make("th", {}, ""), ...heads);
  const lines = shown.map(({ path, values, differs }) => {
    const cells = values.map((value) => make("td", {}, value ?? "–"));
    const name = make("td", {}, `${differs && !only ? "≠ " : ""}${path}`);
    return make("tr", { className: differs && !only ? "differs" : "" }, name, ...cells);
  });
  const same = make("tr", {}, make("td", { colSpan: runs.length + 1 }, "They are the same."));
  find("#config-table").replaceChildren(
    make("thead", {}, head),
    make("tbody", {}, ...(lines.length > 0 ? lines : [same])),
  );
}

let drawnFigures = "";
function drawFigures() {
  const { figures } = state;
  const key = JSON.stringify(figures);
  if (key === drawnFigures) return;
  drawnFigures = key;
  setText(find("#figures summary"), `Figures (${figures.length})`);
  find("#figures .figures").replaceChildren(...figures.map(({ name, files, version }) => {
    const address = (file) => `/figures/${encodeURIComponent(file)}?${version}`;
    const image = make("img", { src: address(files[0]), alt: name, loading: "lazy" });
    const links = files.flatMap((file) => [
      " ",
      make("a", { href: address(file) }, file.slice(file.lastIndexOf(".") + 1)),
    ]);
    return make("figure", {}, image, make("figcaption", {}, name, ...links));
  }));
}

/** Changes what is asked for, and asks at once. */
function changed(change) {
  change();
  writeAddress();
  if (state) drawRows();
  ask();
}

find("#filter").addEventListener("input", ({ target }) => {
  filter = target.value.trim();
  writeAddress();
  if (state) drawRows();
});
find("#metric").addEventListener("change", ({ target }) => changed(() => metric = target.value));
find("#clear").addEventListener("click", () => {
  changed(() => chosen.clear());
  askConfigs();
});
find("#differing").addEventListener("change", askConfigs);
document.addEventListener("visibilitychange", () => document.hidden || ask());
readAddress();
ask();
askConfigs();
