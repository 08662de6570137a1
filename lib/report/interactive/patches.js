import { claimPart, element } from "./parts.js";
import { bytesOf, colourMap, cosineOf, withUnits } from "./patch_cosines.js";
import { patchGrid } from "./patch_grid.js";

/**
 * Colours every patch by its cosine with the one that the reader chooses: by a click, or by the
 * arrow keys and Enter. It draws over the still, of which the originals and the names remain.
 *
 * @param data `{ size, cell, images, at: { image, y, x }, columns, rows, blocks, colours }`. `size` is
 *   that of the still, `cell` that of a picture, `columns` are the left ends of the pictures, over
 *   all blocks, and `rows` are `{ name, top }`, the originals first. `blocks` hold a map for each
 *   network, `{ height, width, dim, vectors }` with bytes `[images, height, width, dim]`; `colours`
 *   are 256 RGB colours, for −1 to 1.
 */
export function drawPart(name, data) {
  const host = claimPart(name);
  if (!host) return;
  const [width, height] = data.size;
  const grid = patchGrid(data.blocks.map((block) => block.map(withUnits)), data);
  const canvas = element("canvas", { width, height, tabindex: 0, role: "group" });
  canvas.setAttribute("aria-label", host.querySelector("img").alt);
  host.querySelector(".sheet").append(canvas);
  const [pen, said] = [canvas.getContext("2d"), host.querySelector(".said")];
  let chosen = data.at;
  let coloured = colouredSheet(grid, data, chosen);
  let met;

  const meet = (place) => {
    met = place;
    pen.clearRect(0, 0, width, height);
    pen.drawImage(coloured, 0, 0);
    if (met) frame(pen, grid.boxOf(met), "#e69f00");
    said.textContent = met
      ? inWords(met)
      : "Colours are each patch's cosine with the framed one, " +
        `of picture ${chosen.image + 1}. Click another patch, or go to it by the arrow keys and ` +
        "press Enter.";
  };
  const inWords = (place) => {
    const where = `picture ${grid.imageOf(place) + 1}, row ${place.y + 1}, column ${place.x + 1}`;
    const choose = "Click, or press Enter, to choose this patch.";
    if (place.row === 0) return `Original of ${where}. ${choose}`;
    const here = grid.chosenBeside(place, chosen);
    const cosine = cosineOf(grid.mapOf(place), grid.numberOf(here), grid.numberOf(place));
    const said = cosine.toFixed(2).replace("-", "−");
    return `${
      data.rows[place.row].name
    }, ${where}: cosine ${said} with the framed patch. ${choose}`;
  };
  const choose = () => {
    if (!met) return;
    chosen = grid.middleOf(met);
    coloured = colouredSheet(grid, data, chosen);
    meet(met);
  };
  const under = ({ clientX, clientY }) => {
    const around = canvas.getBoundingClientRect();
    const scale = width / around.width;
    return grid.under((clientX - around.left) * scale, (clientY - around.top) * scale);
  };
  canvas.addEventListener("pointermove", (event) => meet(under(event)));
  canvas.addEventListener("pointerleave", () => meet());
  canvas.addEventListener("blur", () => meet());
  canvas.addEventListener("click", (event) => {
    meet(under(event)); // a finger does not move before it taps
    choose();
  });
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const from = met ?? grid.placeAt({ row: 1, column: chosen.image }, chosen);
    if (event.key in moves) meet(grid.beside(from, ...moves[event.key]));
    else if (event.key === "Enter" || event.key === " ") choose();
    else if (event.key === "Escape") meet();
    else return;
    event.preventDefault();
  });
  meet();
}

/** A canvas with all maps, coloured by their cosines with the chosen patch, which is framed. */
function colouredSheet(grid, { size, cell, columns, rows, colours }, chosen) {
  const [width, height] = size;
  const sheet = element("canvas", { width, height });
  const [pen, small, palette] = [sheet.getContext("2d"), element("canvas"), bytesOf(colours)];
  pen.imageSmoothingEnabled = false;
  pen.fillStyle = "white";
  const pictures = rows.flatMap((_, row) => columns.map((_, column) => ({ row, column })));
  for (const picture of pictures.filter(({ row }) => row > 0)) {
    const [left, { top }] = [columns[picture.column], rows[picture.row]];
    const here = grid.chosenBeside(picture, chosen);
    const [map, image] = [grid.mapOf(picture), grid.imageOf(picture)];
    pen.fillRect(left - 2, top - 2, cell[0] + 4, cell[1] + 4); // the still's frame may reach there
    colourMap(small, map, image, grid.numberOf(here), palette);
    pen.drawImage(small, left, top, ...cell);
  }
  for (const picture of pictures.filter((picture) => grid.imageOf(picture) === chosen.image)) {
    frame(pen, grid.boxOf(grid.placeAt(picture, chosen)), "white");
  }
  return sheet;
}

/** A black frame with a line of another colour in it. */
function frame(pen, box, colour) {
  for (const [stroke, line] of [["black", 4], [colour, 2]]) {
    pen.lineWidth = line;
    pen.strokeStyle = stroke;
    pen.strokeRect(...box);
  }
}
