import { CurveChart } from "./chart.js";

/**
 * Draws the curves in a cell's output, from data that stand in it. The boxes of the table choose
 * runs; without scripts, the table alone is there.
 *
 * @param {string} name Of the output: its `data-runs`.
 * @param data `{ metric, metrics: [{ name, label }], curves: { name: [{ id, dots, points }] } }`;
 *   each list of curves is in the order of the table.
 */
export function drawCell(name, { metric, metrics, curves }) {
  const host = [...document.querySelectorAll(`[data-runs="${name}"]`)]
    .find((output) => !output.dataset.drawn);
  if (!host) return;
  host.dataset.drawn = "yes";
  const select = document.createElement("select");
  for (const { name, label } of metrics) select.append(new Option(label, name));
  select.value = metric;
  const label = document.createElement("label");
  label.append("Metric ", select);
  host.querySelector(".bar").append(label);
  const chart = new CurveChart(host.querySelector(".curves"));
  const boxes = [...host.querySelectorAll("tbody input")];
  const draw = () =>
    chart.draw({
      label: metrics.find(({ name }) => name === select.value).label,
      curves: curves[select.value].map((curve, slot) => ({ ...curve, slot }))
        .filter(({ slot }) => boxes[slot].checked),
    });
  for (const control of [select, ...boxes]) control.addEventListener("change", draw);
  for (const box of boxes) box.disabled = false;
  draw();
}
