/**
 * Draws curves of runs as SVG, with a cursor that the pointer and the arrow keys move, and a legend
 * that says the values under it.
 *
 * @param {HTMLElement} host Gets the drawing; it is drawn again when the width changes.
 * @returns `draw({ label, curves: [{ id, slot, dots, points: [[step, value], …] }] })`. The slot, a
 *   number from 0, is the place of a run in the legend, and chooses colour and dashes.
 */
export function curveChart(host) {
  const height = 340;
  const margin = { left: 64, right: 40, top: 26, bottom: 42 };
  const dashes = ["", "7 4", "2 3", "9 3 2 3"];
  const colours = 7;
  let data = { label: "", curves: [] };
  let cursor; // a step
  let width = 0;

  host.classList.add("chart");
  host.replaceChildren();
  const svg = element("svg", { tabindex: 0, role: "slider", "aria-label": "Step of the curves" });
  const legend = document.createElement("div");
  legend.className = "legend";
  host.append(svg, legend);

  new ResizeObserver(() => {
    if (host.clientWidth > 0 && host.clientWidth !== width) draw(data);
  }).observe(host);
  svg.addEventListener("pointermove", (event) => {
    const { left } = svg.getBoundingClientRect();
    moveTo(scales().stepAt(event.clientX - left));
  });
  svg.addEventListener("pointerleave", () => moveTo(undefined));
  svg.addEventListener("blur", () => moveTo(undefined));
  svg.addEventListener("keydown", (event) => {
    const [from, to] = domain(0);
    const by = (to - from) / 50;
    const next = {
      ArrowLeft: (cursor ?? to) - by,
      ArrowRight: (cursor ?? from) + by,
      Home: from,
      End: to,
      Escape: undefined,
    };
    if (!(event.key in next)) return;
    event.preventDefault();
    const step = next[event.key];
    moveTo(step === undefined ? undefined : Math.min(to, Math.max(from, step)));
  });

  function element(name, attributes, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function styleOf(slot) {
    return {
      stroke: `var(--c${slot % colours})`,
      "stroke-dasharray": dashes[Math.floor(slot / colours) % dashes.length],
    };
  }

  /** Lowest and highest step (0) or value (1) of all curves. */
  function domain(axis) {
    let [low, high] = [Infinity, -Infinity];
    for (const { points } of data.curves) {
      for (const point of points) {
        low = Math.min(low, point[axis]);
        high = Math.max(high, point[axis]);
      }
    }
    if (low > high) return [0, 1];
    return low === high ? [low - 0.5, high + 0.5] : [low, high];
  }

  function scales() {
    const [x0, x1] = [Math.min(0, domain(0)[0]), domain(0)[1]];
    const [low, high] = domain(1);
    const room = (high - low) * 0.04;
    const [y0, y1] = [low - room, high + room];
    const [w, h] = [width - margin.left - margin.right, height - margin.top - margin.bottom];
    return {
      x: (step) => margin.left + (step - x0) / (x1 - x0) * w,
      y: (value) => margin.top + (y1 - value) / (y1 - y0) * h,
      stepAt: (px) => x0 + Math.min(1, Math.max(0, (px - margin.left) / w)) * (x1 - x0),
      steps: ticks(x0, x1, Math.max(2, w / 110)),
      values: ticks(y0, y1, 6),
    };
  }

  /** Round numbers from `low` to `high`, about `count` of them. */
  function ticks(low, high, count) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const by = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
    const first = Math.ceil(low / by - 1e-9);
    const last = Math.floor(high / by + 1e-9);
    return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * by);
  }

  function said(value) {
    if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) {
      return value.toExponential(2);
    }
    return Number(value.toPrecision(5)).toLocaleString("en", { maximumSignificantDigits: 5 });
  }

  function draw(next) {
    data = next;
    width = Math.max(320, host.clientWidth);
    const { x, y, steps, values } = scales();
    const right = width - margin.right;
    const bottom = height - margin.bottom;
    const grid = values.flatMap((value) => [
      element("line", { class: "grid", x1: margin.left, x2: right, y1: y(value), y2: y(value) }),
      element("text", { x: margin.left - 8, y: y(value) + 4, "text-anchor": "end" }, said(value)),
    ]);
    const places = steps.map((step) =>
      element("text", { x: x(step), y: bottom + 18, "text-anchor": "middle" }, said(step))
    );
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren(
      ...grid,
      ...places,
      element("text", { x: 8, y: 14 }, data.label),
      element(
        "text",
        { x: (margin.left + right) / 2, y: height - 6, "text-anchor": "middle" },
        "step",
      ),
      ...data.curves.map((curve) => drawnCurve(curve, x, y)),
      ...endLabels(x, y),
      element("g", { class: "under-cursor" }),
    );
    moveTo(cursor);
  }

  function drawnCurve({ id, slot, dots, points }, x, y) {
    const places = points.map(([step, value]) => `${x(step).toFixed(1)} ${y(value).toFixed(1)}`);
    const line = element("path", { class: "line", d: `M${places.join("L")}`, ...styleOf(slot) });
    const marks = dots
      ? points.map(([step, value]) =>
        element("circle", { cx: x(step), cy: y(value), r: 3, fill: styleOf(slot).stroke })
      )
      : [];
    const title = element("title", {}, id);
    return element("g", { "data-run": id }, title, ...(points.length > 0 ? [line] : []), ...marks);
  }

  /** The number of each curve at its end; numbers that would overlap are moved apart. */
  function endLabels(x, y) {
    const ends = data.curves.filter(({ points }) => points.length > 0)
      .map(({ slot, points }) => {
        const [step, value] = points.at(-1);
        return { slot, x: x(step) + 6, y: y(value) + 4 };
      })
      .sort((a, b) => a.y - b.y);
    ends.forEach((end, i) => {
      const above = ends[i - 1];
      if (above && Math.abs(above.x - end.x) < 24) end.y = Math.max(end.y, above.y + 12);
    });
    return ends.map(({ slot, x, y }) => {
      const text = element("text", { class: "end", x, y }, String(slot + 1));
      text.style.fill = styleOf(slot).stroke;
      return text;
    });
  }

  /** The point of a curve that is nearest to a step. */
  function nearest(points, step) {
    return points.reduce(
      (best, point) =>
        best === undefined || Math.abs(point[0] - step) < Math.abs(best[0] - step) ? point : best,
      undefined,
    );
  }

  function moveTo(step) {
    cursor = step;
    const { x, y } = scales();
    const under = data.curves.map((curve) => ({
      ...curve,
      point: step === undefined ? curve.points.at(-1) : nearest(curve.points, step),
    }));
    const marks = step === undefined ? [] : [
      element("line", {
        class: "cursor",
        ...{ x1: x(step), x2: x(step), y1: margin.top, y2: height - margin.bottom },
      }),
      ...under.flatMap(({ slot, point }) =>
        point
          ? [
            element("circle", {
              cx: x(point[0]),
              cy: y(point[1]),
              r: 4,
              fill: styleOf(slot).stroke,
            }),
          ]
          : []
      ),
    ];
    svg.querySelector(".under-cursor")?.replaceChildren(...marks);
    drawLegend(under);
    const [from, to] = domain(0);
    svg.setAttribute("aria-valuemin", from);
    svg.setAttribute("aria-valuemax", to);
    svg.setAttribute("aria-valuenow", Math.round(step ?? to));
    const texts = under.map(({ id, point }) =>
      point ? `${id} ${said(point[1])} at step ${said(Math.round(point[0]))}` : `${id} no value`
    );
    svg.setAttribute("aria-valuetext", texts.join("; "));
  }

  function drawLegend(under) {
    const cell = (text, name) => {
      const made = document.createElement("span");
      made.className = name;
      made.textContent = text;
      return made;
    };
    const head = ["", "run", "step", data.label].map((text, i) =>
      cell(text, i > 1 ? "head value" : "head")
    );
    const rows = under.flatMap(({ id, slot, point }) => {
      const line = element("line", {
        class: "line",
        x1: 0,
        x2: 30,
        y1: 6,
        y2: 6,
        ...styleOf(slot),
      });
      const sample = document.createElement("span");
      const number = cell(String(slot + 1), "number");
      number.style.color = styleOf(slot).stroke;
      const picture = element("svg", { width: 30, height: 12, "aria-hidden": "true" }, line);
      picture.style.display = "inline-block";
      sample.append(number, picture);
      const [step, value] = point ?? [];
      return [
        sample,
        cell(id, "name"),
        cell(point ? said(Math.round(step)) : "–", "value"),
        cell(point ? said(value) : "–", "value"),
      ];
    });
    legend.replaceChildren(...(under.length > 0 ? [...head, ...rows] : []));
  }

  return { draw };
}
