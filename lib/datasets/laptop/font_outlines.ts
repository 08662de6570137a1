/**
 * Reads the outlines of letters and digits from a TrueType file (Apple's and Microsoft's "TrueType
 * Reference Manual"), so that they are drawn alike on every machine, whatever fonts it has.
 */

/** Draws the characters of one font. */
export interface FontOutlines {
  /**
   * An SVG of one character, black, cut to its outline's box.
   *
   * @throws {RangeError} If the font does not have the character, or it has no outline.
   */
  svg(character: string): string;
}

/** A point of a contour; between two that are not on it, the curve passes through their middle. */
interface Point {
  readonly x: number;
  readonly y: number;
  readonly onCurve: boolean;
}

/** `[a, b, c, d, e, f]`: x → a·x + c·y + e, y → b·x + d·y + f. */
type Affine = readonly [number, number, number, number, number, number];

/**
 * Opens a font.
 *
 * @param name Of the font, for messages: `DejaVuSans`.
 * @throws {Error} If the file is no TrueType font with Unicode characters.
 */
export function openFont(file: Uint8Array, name: string): FontOutlines {
  const data = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const tables = tablesOf(data, name);
  const glyphOf = characterMap(data, tables("cmap"), name);
  const offsetOf = glyphOffsets(data, tables("head"), tables("loca"));
  const glyphs = tables("glyf");
  const contours = (glyph: number): Point[][] => {
    const [from, to] = [offsetOf(glyph), offsetOf(glyph + 1)];
    return from === to ? [] : readGlyph(data, glyphs + from, contours);
  };
  return {
    svg(character) {
      const glyph = glyphOf(character.codePointAt(0)!);
      const outline = glyph === 0 ? [] : contours(glyph);
      if (outline.length > 0) return svgOf(outline);
      throw new RangeError(`Cannot draw "${character}": ${name} has no outline of it`);
    },
  };
}

/** The place of each table in the file. */
function tablesOf(data: DataView, name: string): (tag: string) => number {
  const count = data.getUint16(4);
  const places = new Map(Array.from({ length: count }, (_, i) => {
    const at = 12 + 16 * i;
    const tag = [0, 1, 2, 3].map((k) => String.fromCharCode(data.getUint8(at + k))).join("");
    return [tag, data.getUint32(at + 8)] as const;
  }));
  return (tag) => {
    const place = places.get(tag);
    if (place !== undefined) return place;
    throw new Error(`Cannot read the font ${name}: it has no table "${tag}"`);
  };
}

/** The glyph of a Unicode character, 0 if there is none: the table of format 4. */
function characterMap(data: DataView, cmap: number, name: string): (code: number) => number {
  const subtables = Array.from({ length: data.getUint16(cmap + 2) }, (_, i) => {
    return cmap + data.getUint32(cmap + 4 + 8 * i + 4);
  });
  const at = subtables.find((subtable) => data.getUint16(subtable) === 4);
  if (at === undefined) throw new Error(`Cannot read the font ${name}: no map of format 4`);
  const doubled = data.getUint16(at + 6); // twice the number of segments
  const word = (list: number, i: number) => at + 14 + list * doubled + (list > 0 ? 2 : 0) + 2 * i;
  return (code) => {
    for (let i = 0; i < doubled / 2; i++) {
      if (data.getUint16(word(0, i)) < code) continue; // ends before it
      const start = data.getUint16(word(1, i));
      if (start > code) return 0;
      const delta = data.getUint16(word(2, i));
      const range = data.getUint16(word(3, i));
      if (range === 0) return (code + delta) & 0xffff;
      const glyph = data.getUint16(word(3, i) + range + 2 * (code - start));
      return glyph === 0 ? 0 : (glyph + delta) & 0xffff;
    }
    return 0;
  };
}

/** Where a glyph begins in the table of outlines; it ends where the next one begins. */
function glyphOffsets(data: DataView, head: number, loca: number): (glyph: number) => number {
  const long = data.getInt16(head + 50) === 1;
  return (glyph) => long ? data.getUint32(loca + 4 * glyph) : 2 * data.getUint16(loca + 2 * glyph);
}

function readGlyph(
  data: DataView,
  at: number,
  contoursOf: (glyph: number) => Point[][],
): Point[][] {
  const contours = data.getInt16(at);
  return contours >= 0
    ? simpleGlyph(data, at + 10, contours)
    : composite(data, at + 10, contoursOf);
}

const flag = { onCurve: 1, shortX: 2, shortY: 4, repeat: 8, sameX: 16, sameY: 32 };

/** A glyph of contours: ends of contours, instructions, flags, then all x and all y. */
function simpleGlyph(data: DataView, start: number, count: number): Point[][] {
  const ends = Array.from({ length: count }, (_, i) => data.getUint16(start + 2 * i));
  const points = (ends.at(-1) ?? -1) + 1;
  let at = start + 2 * count;
  at += 2 + data.getUint16(at);
  const flags: number[] = [];
  while (flags.length < points) {
    const value = data.getUint8(at++);
    const times = value & flag.repeat ? 1 + data.getUint8(at++) : 1;
    for (let i = 0; i < times; i++) flags.push(value);
  }
  const coordinates = (short: number, same: number) => {
    let last = 0;
    return flags.map((value) => {
      if (value & short) last += (value & same ? 1 : -1) * data.getUint8(at++);
      else if (!(value & same)) {
        last += data.getInt16(at);
        at += 2;
      }
      return last;
    });
  };
  const xs = coordinates(flag.shortX, flag.sameX);
  const ys = coordinates(flag.shortY, flag.sameY);
  return ends.map((end, c) =>
    xs.slice(c === 0 ? 0 : ends[c - 1]! + 1, end + 1).map((x, i) => {
      const point = (c === 0 ? 0 : ends[c - 1]! + 1) + i;
      return { x, y: ys[point]!, onCurve: (flags[point]! & flag.onCurve) !== 0 };
    })
  );
}

const part = { words: 1, offsets: 2, scale: 8, more: 32, twoScales: 64, matrix: 128 };

/** A glyph of other glyphs, each moved and scaled: an "i" is a stem and a dot. */
function composite(
  data: DataView,
  start: number,
  contoursOf: (glyph: number) => Point[][],
): Point[][] {
  const contours: Point[][] = [];
  for (let at = start, flags = part.more; flags & part.more;) {
    flags = data.getUint16(at);
    const glyph = data.getUint16(at + 2);
    const words = (flags & part.words) !== 0;
    const moved = [0, 1].map((i) =>
      words ? data.getInt16(at + 4 + 2 * i) : data.getInt8(at + 4 + i)
    );
    const [e, f] = flags & part.offsets ? moved as [number, number] : [0, 0];
    at += words ? 8 : 6;
    const fraction = () => {
      at += 2;
      return data.getInt16(at - 2) / 2 ** 14;
    };
    let [a, b, c, d] = [1, 0, 0, 1];
    if (flags & part.scale) a = d = fraction();
    else if (flags & part.twoScales) [a, d] = [fraction(), fraction()];
    else if (flags & part.matrix) [a, b, c, d] = [fraction(), fraction(), fraction(), fraction()];
    contours.push(...contoursOf(glyph).map((points) => moveAll(points, [a, b, c, d, e, f])));
  }
  return contours;
}

function moveAll(points: readonly Point[], [a, b, c, d, e, f]: Affine): Point[] {
  return points.map(({ x, y, onCurve }) => ({
    x: a * x + c * y + e,
    y: b * x + d * y + f,
    onCurve,
  }));
}

/** The contours as one path; y grows downwards in an SVG and upwards in a font. */
function svgOf(contours: readonly Point[][]): string {
  const all = contours.flat();
  const [left, right] = [Math.min(...all.map(({ x }) => x)), Math.max(...all.map(({ x }) => x))];
  const [low, high] = [Math.min(...all.map(({ y }) => y)), Math.max(...all.map(({ y }) => y))];
  const [width, height] = [right - left, high - low];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${left} ${-high} ${width} ${height}" ` +
    `width="${width}" height="${height}"><path d="${contours.map(pathOf).join("")}"/></svg>`;
}

function pathOf(points: readonly Point[]): string {
  const middle = (p: Point, q: Point): Point => ({
    x: (p.x + q.x) / 2,
    y: (p.y + q.y) / 2,
    onCurve: true,
  });
  // Points in the middle of two control points are written out, and the path starts on the curve.
  const full = points.flatMap((point, i) => {
    const before = points.at(i - 1)!;
    return point.onCurve || before.onCurve ? [point] : [middle(before, point), point];
  });
  const first = full.findIndex(({ onCurve }) => onCurve);
  const turned = [...full.slice(first), ...full.slice(0, first + 1)];
  const text = ({ x, y }: Point) => `${x} ${-y}`;
  let path = `M${text(turned[0]!)}`;
  for (let i = 1; i < turned.length; i++) {
    if (turned[i]!.onCurve) path += `L${text(turned[i]!)}`;
    else path += `Q${text(turned[i]!)} ${text(turned[++i]!)}`;
  }
  return `${path}Z`;
}
