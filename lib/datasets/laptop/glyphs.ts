/** Letters and digits in the faces of the DejaVu fonts, which come with the project. */
import { openFont } from "./font_outlines.ts";
import { rasterise } from "lib/datasets/emoji/rasterize.ts";
import { mapInOrder } from "lib/datasets/files/map_in_order.ts";
import { makeSprite, type PlacementRange, type Sprite } from "lib/datasets/pictures/place.ts";
import { createRng } from "lib/rng.ts";
import {
  type LaptopParts,
  type LaptopSetOptions,
  type PlacedObject,
  placeEach,
} from "./placed_sets.ts";

/** The faces of DejaVu Sans, Sans Mono and Serif. */
export const fontFaces = [
  ...["Sans", "Sans-Bold", "Sans-Oblique", "Sans-BoldOblique", "Sans-ExtraLight"],
  ...["SansCondensed", "SansCondensed-Bold", "SansCondensed-Oblique", "SansCondensed-BoldOblique"],
  ...["SansMono", "SansMono-Bold", "SansMono-Oblique", "SansMono-BoldOblique"],
  ...["Serif", "Serif-Bold", "Serif-Italic", "Serif-BoldItalic"],
  ...[
    "SerifCondensed",
    "SerifCondensed-Bold",
    "SerifCondensed-Italic",
    "SerifCondensed-BoldItalic",
  ],
] as const;

const digits = [..."0123456789"];
const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const rasterSide = 128; // pixels
const atOnce = 4; // glyphs; sharp works outside the JavaScript thread

/** Digits by their value, in other faces for the test than for training. */
export function openDigits(options: LaptopSetOptions): Promise<LaptopParts> {
  return openCharacters("digits", digits, options);
}

/** Capital letters, in other faces for the test than for training. */
export function openLetters(options: LaptopSetOptions): Promise<LaptopParts> {
  return openCharacters("letters", letters, options);
}

/** Faces of which only the shapes of strokes tell the class. */
const facesToTell = [
  ...["Sans", "Sans-Bold", "Sans-Oblique", "SansMono", "SansMono-Bold"],
  ...["Serif", "Serif-Bold", "Serif-Italic"],
];

/** Upright enough that an oblique letter is not taken for a turned one. */
const nearlyUpright: PlacementRange = { extent: [0.55, 0.95], rotation: 5 };

/** Letters and digits by the face they are set in, other characters for the test. */
export async function openFonts(options: LaptopSetOptions): Promise<LaptopParts> {
  const characters = [...digits, ...letters, ..."abcdefghijklmnopqrstuvwxyz"];
  const glyphs = (part: readonly string[]) =>
    part.flatMap((character) => facesToTell.map((face, label) => ({ face, character, label })));
  const parts = {
    train: glyphs(characters.filter((_, i) => i % 3 !== 2)),
    test: glyphs(characters.filter((_, i) => i % 3 === 2)),
  };
  return await openGlyphs(
    { name: "fonts", classNames: facesToTell },
    parts,
    options,
    nearlyUpright,
  );
}

async function openCharacters(
  name: string,
  characters: readonly string[],
  options: LaptopSetOptions,
): Promise<LaptopParts> {
  const glyphs = (faces: readonly string[]) =>
    faces.flatMap((face) => characters.map((character, label) => ({ face, character, label })));
  const parts = {
    train: glyphs(fontFaces.filter((_, i) => i % 3 !== 2)),
    test: glyphs(fontFaces.filter((_, i) => i % 3 === 2)),
  };
  return await openGlyphs({ name, classNames: characters }, parts, options);
}

interface Glyph {
  readonly face: string;
  readonly character: string;
  readonly label: number;
}

/** Places every glyph as often as the counts ask for, at another place each time. */
async function openGlyphs(
  { name, classNames }: { readonly name: string; readonly classNames: readonly string[] },
  parts: Readonly<Record<"train" | "test", readonly Glyph[]>>,
  { size, trainCount, testCount }: LaptopSetOptions,
  placement?: PlacementRange,
): Promise<LaptopParts> {
  const rng = createRng(0).fork(`laptop ${name}`);
  const make = async (part: "train" | "test", count: number) => {
    // In random order, so that a few of them are spread over classes and faces.
    const order = rng.fork("order").fork(part).permutation(parts[part].length);
    const glyphs = Array.from(order, (i) => parts[part][i]!);
    const sprites = await drawGlyphs(glyphs.slice(0, count));
    const objects = Array.from({ length: count }, (_, i): PlacedObject => {
      const { face, character, label } = glyphs[i % glyphs.length]!;
      const id = `${face}/${character}#${Math.floor(i / glyphs.length)}`;
      return { id, label, sprite: () => sprites[i % glyphs.length]! };
    });
    const set = { name: `${name} ${size} px, ${part}`, size, classNames, placement };
    return placeEach(objects, set, rng.fork("place"));
  };
  return { train: await make("train", trainCount), test: await make("test", testCount) };
}

/** Draws glyphs, black on nothing. @throws {Error} If the package with the fonts is missing. */
async function drawGlyphs(glyphs: readonly Glyph[]): Promise<Sprite[]> {
  return await mapInOrder(await outlinesOf(glyphs), atOnce, async (svg) => {
    return makeSprite(await rasterise(svg, rasterSide), rasterSide);
  });
}

/** Outlines that were asked for before, as SVG: to open a font takes a tenth of a second. */
const outlines = new Map<string, string>();

async function outlinesOf(glyphs: readonly Glyph[]): Promise<string[]> {
  const key = ({ face, character }: Glyph) => `${face} ${character}`;
  const missing = glyphs.filter((glyph) => !outlines.has(key(glyph)));
  for (const [face, ofFace] of Map.groupBy(missing, ({ face }) => face)) {
    const name = `DejaVu${face}`;
    const file = import.meta.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`);
    const font = openFont(await Deno.readFile(new URL(file)), name);
    for (const glyph of ofFace) outlines.set(key(glyph), font.svg(glyph.character));
  }
  return glyphs.map((glyph) => outlines.get(key(glyph))!);
}
