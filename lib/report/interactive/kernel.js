import { claimPart, element, inlined } from "./parts.js";

/**
 * Slides a kernel over a picture: under the pointer, or by the arrow keys. The products and their
 * sum stand below.
 *
 * @param data `{ side, values, kernels: [{ name, weights }], cell, left: [x of the picture, x of the
 *   map], top, colours }`; `values` are the picture's, row by row, `colours` go from −1 over 0 to 1.
 */
export function drawPart(name, { side, values, kernels, cell, left, top, colours }) {
  const host = claimPart(name);
  if (!host) return;
  const svg = inlined(host.querySelector("img"), host.dataset.drawn);
  svg.classList.add("walk");
  svg.setAttribute("tabindex", 0);
  svg.setAttribute("role", "group");
  const cells = [...svg.querySelectorAll(".map rect")];
  const [seen, sum] = [0, 1].map(() => svg.appendChild(element("rect", { class: "window" })));
  const said = host.querySelector(".said");
  const table = element("table", { class: "sum" });
  said.after(element("div", { class: "scroll" }, table));
  const choice = element("select");
  for (const kernel of kernels) choice.append(new Option(kernel.name));
  svg.before(element("p", {}, element("label", {}, "Kernel ", choice)));
  let [row, column] = [Math.floor(side / 2), Math.floor(side / 2)];
  let map;

  const weights = () => kernels[choice.selectedIndex].weights;
  /** The products below the kernel, row by row; beyond the picture everything is 0. */
  const productsAt = (row, column) => {
    const reach = (weights().length - 1) / 2;
    return weights().map((line, i) =>
      line.map((weight, j) => {
        const [y, x] = [row + i - reach, column + j - reach];
        const outside = y < 0 || x < 0 || y >= side || x >= side;
        return { weight, value: outside ? 0 : values[y * side + x], outside };
      })
    );
  };
  const sumOf = (products) =>
    products.flat().reduce((sum, { weight, value }) => sum + weight * value, 0);
  const place = (frame, from, row, column, size) => {
    const [x, y] = [Math.max(column, 0), Math.max(row, 0)];
    frame.setAttribute("x", left[from] + x * cell);
    frame.setAttribute("y", top + y * cell);
    frame.setAttribute("width", (Math.min(column + size, side) - x) * cell);
    frame.setAttribute("height", (Math.min(row + size, side) - y) * cell);
  };
  const step = () => {
    const products = productsAt(row, column);
    const reach = (products.length - 1) / 2;
    place(seen, 0, row - reach, column - reach, products.length);
    place(sum, 1, row, column, 1);
    table.replaceChildren(...products.map((line) =>
      element(
        "tr",
        {},
        ...line.map(({ weight, value, outside }) =>
          element(
            "td",
            outside ? { class: "outside" } : {},
            `${inWords(value)} × ${inWords(weight)}`,
          )
        ),
      )
    ));
    said.textContent = `Row ${row + 1}, column ${column + 1}: pixel × weight, added up over the ` +
      `${products.length ** 2} positions of the kernel, is ${inWords(map[row * side + column])}. ` +
      "Move the pointer over the picture, or use the arrow keys.";
  };
  const draw = () => {
    map = values.map((_, i) => sumOf(productsAt(Math.floor(i / side), i % side)));
    const most = Math.max(...map.map(Math.abs), 1e-9);
    const middle = (colours.length - 1) / 2;
    map.forEach((value, i) =>
      cells[i].setAttribute("fill", colours[Math.round(middle * (1 + value / most))])
    );
    step();
  };
  const moveTo = (y, x) => {
    [row, column] = [y, x].map((at) => Math.min(Math.max(at, 0), side - 1));
    step();
  };
  choice.addEventListener("change", draw);
  svg.addEventListener("pointermove", (event) => {
    const around = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / around.width;
    const [x, y] = [(event.clientX - around.left) * scale, (event.clientY - around.top) * scale];
    const from = x < (left[0] + side * cell + left[1]) / 2 ? 0 : 1;
    moveTo(Math.floor((y - top) / cell), Math.floor((x - left[from]) / cell));
  });
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  svg.addEventListener("keydown", (event) => {
    if (!(event.key in moves)) return;
    const [down, right] = moves[event.key];
    moveTo(row + down, column + right);
    event.preventDefault();
  });
  draw();
}

/** A number with two digits behind the point, and a true minus sign. */
function inWords(number) {
  return String(Math.round(number * 100) / 100).replace("-", "−");
}
