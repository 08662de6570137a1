/**
 * Curves of runs as SVG, with a cursor that the pointer and the arrow keys move, and a legend that
 * says the values under it. The drawing is made again when the width changes.
 */
export class CurveChart {
  #data = { label: "", curves: [] };
  /** The step under the cursor; undefined if there is none. */
  #cursor;
  #width = 0;
  #host;
  #legend = html("div", "legend");
  #svg = svg("svg", { tabindex: 0, role: "slider", "aria-label": "Step of the curves" });

  /** @param {HTMLElement} host Gets the drawing. */
  constructor(host) {
    this.#host = host;
    host.classList.add("chart");
    host.replaceChildren(this.#svg, this.#legend);
    new ResizeObserver(() => {
      if (host.clientWidth > 0 && host.clientWidth !== this.#width) this.draw(this.#data);
    }).observe(host);
    this.#svg.addEventListener("pointermove", (event) => {
      const { left } = this.#svg.getBoundingClientRect();
      this.#moveTo(this.#scales().stepAt(event.clientX - left));
    });
    this.#svg.addEventListener("pointerleave", () => this.#moveTo(undefined));
    this.#svg.addEventListener("blur", () => this.#moveTo(undefined));
    this.#svg.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /**
   * Draws curves; the cursor stays where it is.
   *
   * @param data `{ label, curves: [{ id, slot, dots, points: [[step, value], …] }] }`. The slot, a
   *   number from 0, is the place of a run in the legend, and chooses colour and dashes.
   */
  draw(data) {
    this.#data = data;
    this.#width = Math.max(320, this.#host.clientWidth);
    const scales = this.#scales();
    const size = { width: this.#width, height, viewBox: `0 0 ${this.#width} ${height}` };
    for (const [name, value] of Object.entries(size)) this.#svg.setAttribute(name, value);
    this.#svg.replaceChildren(
      ...drawnAxes(scales, data.label),
      ...data.curves.map((curve) => drawnCurve(curve, scales)),
      ...endNumbers(data.curves, scales),
      svg("g", { class: "under-cursor" }),
    );
    this.#moveTo(this.#cursor);
  }

  #onKey(event) {
    const [from, to] = domainOf(this.#data.curves, 0);
    const by = (to - from) / 50;
    const steps = {
      ArrowLeft: (this.#cursor ?? to) - by,
      ArrowRight: (this.#cursor ?? from) + by,
      Home: from,
      End: to,
      Escape: undefined,
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const step = steps[event.key];
    this.#moveTo(step === undefined ? undefined : Math.min(to, Math.max(from, step)));
  }

  #scales() {
    const [from, to] = domainOf(this.#data.curves, 0);
    const [low, high] = domainOf(this.#data.curves, 1);
    const room = (high - low) * 0.04;
    const [x0, y0, y1] = [Math.min(0, from), low - room, high + room];
    const [right, bottom] = [this.#width - margin.right, height - margin.bottom];
    const [w, h] = [right - margin.left, bottom - margin.top];
    return {
      right,
      bottom,
      x: (step) => margin.left + (step - x0) / (to - x0) * w,
      y: (value) => margin.top + (y1 - value) / (y1 - y0) * h,
      stepAt: (px) => x0 + Math.min(1, Math.max(0, (px - margin.left) / w)) * (to - x0),
      steps: ticks(x0, to, Math.max(2, w / 110)),
      values: ticks(y0, y1, 6),
    };
  }

  /** Moves the cursor to a step; without one, the legend has the newest values. */
  #moveTo(step) {
    this.#cursor = step;
    const read = this.#data.curves.map(({ id, slot, points }) => ({
      id,
      slot,
      point: step === undefined ? points.at(-1) : nearest(points, step),
    }));
    const marks = step === undefined ? [] : cursorMarks(step, read, this.#scales());
    this.#svg.querySelector(".under-cursor")?.replaceChildren(...marks);
    const heads = ["", "run", "step", this.#data.label];
    const head = heads.map((text, i) => html("span", i > 1 ? "head value" : "head", text));
    this.#legend.replaceChildren(...(read.length > 0 ? [...head, ...read.flatMap(legendRow)] : []));
    this.#say(step, read);
  }

  /** Says the values to whoever hears the page. */
  #say(step, read) {
    const [from, to] = domainOf(this.#data.curves, 0);
    this.#svg.setAttribute("aria-valuemin", from);
    this.#svg.setAttribute("aria-valuemax", to);
    this.#svg.setAttribute("aria-valuenow", Math.round(step ?? to));
    const texts = read.map(({ id, point }) =>
      point ? `${id} ${said(point[1])} at step ${said(Math.round(point[0]))}` : `${id} no value`
    );
    this.#svg.setAttribute("aria-valuetext", texts.join("; "));
  }
}

const height = 340;
const margin = { left: 64, right: 40, top: 26, bottom: 42 };
const colours = 7;
const dashes = ["", "7 4", "2 3", "9 3 2 3"];

function svg(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function html(name, className, ...children) {
  const made = document.createElement(name);
  made.className = className;
  made.append(...children);
  return made;
}

/** Colour of a slot, as CSS. */
export function colourOf(slot) {
  return `var(--c${slot % colours})`;
}

/** Attributes of a line: seven colours, then the same ones with dashes. */
function lineOf(slot) {
  const dash = dashes[Math.floor(slot / colours) % dashes.length];
  return { class: "line", stroke: colourOf(slot), "stroke-dasharray": dash };
}

/** Lowest and highest step (axis 0) or value (axis 1) of all curves. */
function domainOf(curves, axis) {
  let [low, high] = [Infinity, -Infinity];
  for (const { points } of curves) {
    for (const point of points) {
      low = Math.min(low, point[axis]);
      high = Math.max(high, point[axis]);
    }
  }
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** Round numbers from `low` to `high`, about `count` of them. */
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const by = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9));
  const first = Math.ceil(low / by - 1e-9);
  const last = Math.floor(high / by + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * by);
}

/** A number in at most five digits. */
function said(value) {
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) {
    return value.toExponential(2);
  }
  return value.toLocaleString("en", { maximumSignificantDigits: 5 });
}

function drawnAxes({ x, y, right, bottom, steps, values }, label) {
  const grid = values.flatMap((value) => [
    svg("line", { class: "grid", x1: margin.left, x2: right, y1: y(value), y2: y(value) }),
    svg("text", { x: margin.left - 8, y: y(value) + 4, "text-anchor": "end" }, said(value)),
  ]);
  const below = steps.map((step) =>
    svg("text", { x: x(step), y: bottom + 18, "text-anchor": "middle" }, said(step))
  );
  const middle = { x: (margin.left + right) / 2, y: height - 6, "text-anchor": "middle" };
  return [...grid, ...below, svg("text", { x: 8, y: 14 }, label), svg("text", middle, "step")];
}

function drawnCurve({ id, slot, dots, points }, { x, y }) {
  const places = points.map(([step, value]) => `${x(step).toFixed(1)} ${y(value).toFixed(1)}`);
  const line = points.length > 0
    ? [svg("path", { d: `M${places.join("L")}`, ...lineOf(slot) })]
    : [];
  const marks = (dots ? points : []).map(([step, value]) =>
    svg("circle", { cx: x(step), cy: y(value), r: 3, fill: colourOf(slot) })
  );
  return svg("g", { "data-run": id }, svg("title", {}, id), ...line, ...marks);
}

/** The number of each curve at its end; numbers that would overlap are moved apart. */
function endNumbers(curves, { x, y }) {
  const ends = curves.filter(({ points }) => points.length > 0).map(({ slot, points }) => {
    const [step, value] = points.at(-1);
    return { slot, x: x(step) + 8, y: y(value) + 4 };
  }).sort((a, b) => a.y - b.y);
  ends.forEach((end, i) => {
    const above = ends[i - 1];
    if (above && Math.abs(above.x - end.x) < 24) end.y = Math.max(end.y, above.y + 12);
  });
  return ends.flatMap(({ slot, x, y }) => [
    svg("circle", { cx: x, cy: y - 4, r: 3.5, fill: colourOf(slot) }),
    svg("text", { class: "end", x: x + 7, y }, String(slot + 1)),
  ]);
}

/** The point of a curve that is nearest to a step; undefined if the curve has none. */
function nearest(points, step) {
  const distance = (point) => Math.abs(point[0] - step);
  return points.reduce((best, point) => distance(point) < distance(best) ? point : best, points[0]);
}

function cursorMarks(step, read, { x, y, bottom }) {
  const line = svg("line", {
    class: "cursor",
    ...{ x1: x(step), x2: x(step), y1: margin.top, y2: bottom },
  });
  const dots = read.filter(({ point }) => point).map(({ slot, point: [at, value] }) =>
    svg("circle", { cx: x(at), cy: y(value), r: 4, fill: colourOf(slot) })
  );
  return [line, ...dots];
}

/** The four cells of a run in the legend. */
function legendRow({ id, slot, point }) {
  const number = html("span", "number", String(slot + 1));
  const line = svg("line", { x1: 0, x2: 30, y1: 6, y2: 6, ...lineOf(slot) });
  const sample = svg("svg", { width: 30, height: 12, "aria-hidden": "true" }, line);
  const values = point ? [said(Math.round(point[0])), said(point[1])] : ["–", "–"];
  return [
    html("span", "sample", number, sample),
    html("span", "name", id),
    ...values.map((text) => html("span", "value", text)),
  ];
}
