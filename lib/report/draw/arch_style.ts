/**
 * One colour and one symbol for each family of networks, the same in every figure; the symbols tell
 * them apart without colour too.
 */
import * as Plot from "@observablehq/plot";
import { colours, type Figure, plot } from "lib/report/draw/plot.ts";

/** How a network is drawn. */
export interface ArchStyle {
  readonly colour: string;
  readonly symbol: "circle" | "square" | "triangle" | "diamond" | "star" | "wye" | "cross";
}

interface Family {
  readonly name: string;
  /** Pattern for the beginning of its networks' names: `ResNet-50`, `RN50w4`. */
  readonly beginning: RegExp;
  readonly style: ArchStyle;
}

const families: readonly Family[] = [
  {
    name: "BC-SSL",
    beginning: /^BC-SSL/,
    style: { colour: colours.vermilion, symbol: "circle" },
  },
  {
    name: "ConvNeXt",
    beginning: /^ConvNeXt/,
    style: { colour: colours.blue, symbol: "square" },
  },
  { name: "Swin", beginning: /^Swin/, style: { colour: colours.green, symbol: "triangle" } },
  { name: "ViT", beginning: /^ViT/, style: { colour: colours.purple, symbol: "diamond" } },
  {
    name: "ResNet",
    beginning: /^(ResNet|RN\d)/,
    style: { colour: colours.black, symbol: "cross" },
  },
  {
    name: "RepLKNet",
    beginning: /^RepLKNet/,
    style: { colour: colours.orange, symbol: "star" },
  },
  { name: "SLaK", beginning: /^SLaK/, style: { colour: colours.sky, symbol: "wye" } },
];

/**
 * Family of a network: `BC-SSL-T` → `BC-SSL`; a name that belongs to no family is returned as it
 * is.
 */
export function familyOf(arch: string): string {
  return families.find(({ beginning }) => beginning.test(arch))?.name ?? arch;
}

/**
 * Chooses a style for each name: its family's style, or the next free one where another name of its
 * group already has it. Seven names differ in colour and in symbol; the next 42 each have another
 * pair of the two.
 *
 * @param groups Groups of names to tell apart; `BC-SSL` of one group and `BC-SSL-T` of another get
 *   the same style.
 */
export function archStyles(
  ...groups: readonly (readonly string[])[]
): ReadonlyMap<string, ArchStyle> {
  return new Map(groups.flatMap((names) => [...stylesOf([...new Set(names)])]));
}

function stylesOf(names: readonly string[]): Map<string, ArchStyle> {
  const taken = new Map<ArchStyle, string>();
  for (const name of names) {
    const own = families.find(({ beginning }) => beginning.test(name))?.style;
    if (own && !taken.has(own)) taken.set(own, name);
  }
  const last = families.map(({ style }) => style).toReversed(); // the rarest families first
  const mixed = last.slice(1).flatMap((_, shift) =>
    last.map(({ colour }, i): ArchStyle => ({
      colour,
      symbol: last[(i + shift + 1) % last.length]!.symbol,
    }))
  );
  return new Map(names.map((name, i) => {
    const known = [...taken].find(([, of]) => of === name)?.[0];
    const free = [...last, ...mixed].find((style) => !taken.has(style));
    const style = known ?? free ?? last[i % last.length]!;
    if (!known) taken.set(style, name);
    return [name, style];
  }));
}

const letter = 8; // width of a character of 13-pixel text, with some room for wide ones
const height = 28;

/**
 * A line of symbols and names for `gridOf`'s header; names that share a style are shown once, as
 * their family.
 */
export function archLegend(styles: ReadonlyMap<string, ArchStyle>, width: number): string {
  let x = 20;
  const entries = [...new Set(styles.values())].map((style) => {
    const names = [...styles].flatMap(([name, of]) => of === style ? [name] : []);
    const name = names.length > 1 ? familyOf(names[0]!) : names[0]!;
    const entry = { name, style, x };
    x += 44 + letter * name.length;
    return entry;
  });
  const legend: Figure = plot({
    width,
    height,
    margin: 0,
    x: { domain: [0, width], axis: null },
    y: { domain: [0, 1], axis: null },
    marks: entries.flatMap(({ name, style, x }) => [
      Plot.dot([0], {
        x: () => x,
        y: () => 0.5,
        symbol: style.symbol,
        fill: style.colour,
        r: 5,
      }),
      Plot.text([name], { x: () => x + 12, y: () => 0.5, text: () => name, textAnchor: "start" }),
    ]),
  });
  return legend.outerHTML;
}
