/**
 * Where the patches of a sheet are. A place is `{ row, column, y, x }`: a picture of the sheet, and a
 * patch of its map, counted from 0. The originals, in row 0, are divided as the first network's map.
 *
 * @param maps For each block, one for each network, `{ height, width }`.
 * @param data The rest as `drawPart` of `patches.js` gets it.
 */
export function patchGrid(maps, { cell, images, columns, rows }) {
  const mapOf = ({ row, column }) => maps[Math.floor(column / images)][Math.max(row - 1, 0)];
  const imageOf = ({ column }) => column % images;
  /** The number of a patch in its map. */
  const numberOf = (place) => {
    const { height, width } = mapOf(place);
    return (imageOf(place) * height + place.y) * width + place.x;
  };
  /** The patch of a picture at fractions of its sides. */
  const placeAt = (picture, { y, x }) => {
    const { height, width } = mapOf(picture);
    return { ...picture, y: Math.floor(y * height), x: Math.floor(x * width) };
  };
  /** The chosen patch in the map that a picture is of: the same row and block, its own image. */
  const chosenBeside = ({ row, column }, chosen) =>
    placeAt({ row, column: column - column % images + chosen.image }, chosen);
  /** The middle of a patch in fractions of its picture's sides. */
  const middleOf = (place) => {
    const { height, width } = mapOf(place);
    return { image: imageOf(place), y: (place.y + 0.5) / height, x: (place.x + 0.5) / width };
  };
  /** Left, top, width and height of a patch. */
  const boxOf = (place) => {
    const { height, width } = mapOf(place);
    const [w, h] = [cell[0] / width, cell[1] / height];
    return [columns[place.column] + place.x * w, rows[place.row].top + place.y * h, w, h];
  };
  /** The patch at a point of the sheet, if there is one. */
  const under = (x, y) => {
    const column = columns.findIndex((left) => x >= left && x < left + cell[0]);
    const row = rows.findIndex(({ top }) => y >= top && y < top + cell[1]);
    if (column < 0 || row < 0) return undefined;
    const [left, { top }] = [columns[column], rows[row]];
    return placeAt({ row, column }, { x: (x - left) / cell[0], y: (y - top) / cell[1] });
  };
  /** The patch one further; beyond the edge of a picture, the first one of the next picture. */
  const beside = (place, down, right) => {
    const { height, width } = mapOf(place);
    const [y, x] = [place.y + down, place.x + right];
    if (y >= 0 && y < height && x >= 0 && x < width) return { ...place, y, x };
    const next = { row: place.row + down, column: place.column + right };
    if (!rows[next.row] || columns[next.column] === undefined) return place;
    const entered = (step, same) => step === 0 ? same : step > 0 ? 0 : 1 - 1e-9;
    const { y: sameY, x: sameX } = middleOf(place);
    return placeAt(next, { y: entered(down, sameY), x: entered(right, sameX) });
  };
  return { mapOf, imageOf, numberOf, placeAt, chosenBeside, middleOf, boxOf, under, beside };
}
