/** Cosines of patches, from the vectors of bytes that stand in an output. */

export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** A map whose vectors get length 1; those of length 0 stay. `[images, height, width, dim]` */
export function withUnits({ height, width, dim, vectors }) {
  const units = Float32Array.from(new Int8Array(bytesOf(vectors).buffer));
  for (let from = 0; from < units.length; from += dim) {
    const vector = units.subarray(from, from + dim);
    const length = Math.hypot(...vector) || 1;
    vector.forEach((value, k) => vector[k] = value / length);
  }
  return { height, width, dim, units };
}

/** The cosine of two patches of a map, by their numbers. */
export function cosineOf({ dim, units }, a, b) {
  let sum = 0;
  for (let k = 0; k < dim; k++) sum += units[a * dim + k] * units[b * dim + k];
  return sum;
}

/** Puts the pixels of one image of a map on a canvas, coloured by cosines with a patch. */
export function colourMap(canvas, map, image, patch, palette) {
  const { height, width } = map;
  Object.assign(canvas, { height, width });
  const pixels = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    const cosine = cosineOf(map, patch, image * height * width + i);
    const level = Math.round(127.5 * (1 + Math.min(Math.max(cosine, -1), 1)));
    pixels.data.set([...palette.subarray(3 * level, 3 * level + 3), 255], 4 * i);
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}
