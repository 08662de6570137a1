import { claimPart, element, inlined } from "./parts.js";
import { onChoice } from "./choices.js";
import { curvePlaces, isCurve } from "./curve_places.js";

/**
 * Draws the reader's curve into the drawing of the answer.
 *
 * @param question As `drawPart` of curve.js takes it, and `answer`: points of the true curve.
 */
export function drawPart(name, question) {
  const host = claimPart(name);
  if (!host) return;
  const { id, x, answer, unit } = question;
  const svg = inlined(host.querySelector("img"), host.dataset.drawn);
  const places = curvePlaces(question);
  const own = svg.appendChild(element("g"));
  const said = host.querySelector(".said");
  onChoice(id, (drawn) => {
    const known = isCurve(drawn, x);
    host.dataset.match = known ? "drawn" : "none";
    own.replaceChildren();
    if (!known) {
      said.textContent =
        "You have not drawn this one. The question stands above: a curve drawn now " +
        "still helps to remember.";
      return;
    }
    const points = x.map((at, i) => [at, drawn[i]]);
    own.append(element("path", { class: "guess", d: places.path(points) }));
    for (const point of points) {
      const [cx, cy] = places.to(...point);
      own.append(element("circle", { class: "guessed", r: 4, cx, cy }));
    }
    const errors = answer.map(([at, value]) => Math.abs(value - curveAt(points, at)));
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    said.textContent = `Your curve is dashed. It is ${Number(mean.toPrecision(2))} ${unit} away ` +
      "from the result on average.";
  });
}

/** The height of a curve at x: on the straight line between two points, level beyond its ends. */
function curveAt(points, at) {
  const after = points.findIndex(([x]) => x >= at);
  if (after === 0) return points[0][1];
  if (after < 0) return points.at(-1)[1];
  const [[x0, y0], [x1, y1]] = [points[after - 1], points[after]];
  return y0 + (y1 - y0) * (at - x0) / (x1 - x0);
}
