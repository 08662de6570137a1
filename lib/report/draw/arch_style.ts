/** One colour and one symbol a family of networks, the same in every figure; told apart also without colour. */
import * as Plot from "@observablehq/plot";
import { colours, type Figure, plot } from "lib/report/draw/plot.ts";

/** How a network is drawn. */
export interface ArchStyle {
  readonly colour: string;
  readonly symbol: "circle" | "square" | "triangle" | "diamond" | "star" | "wye" | "cross";
}

interface Family {
  readonly name: string;
  /** How names of its networks begin: `ResNet-50`, `RN50w4`. */
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

/** `BC-SSL-T` → `BC-SSL`; a name of no family is its own. */
export function familyOf(arch: string): string {
  return families.find(({ beginning }) => beginning.test(arch))?.name ?? arch;
}

/**
 * A style for each name: its family's, or the next one free where another name of its group has it already, up to seven.
 *
 * @param groups Names that are to be told apart; `BC-SSL` of one group and `BC-SSL-T` of another look the same.
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
  const last = families.map(({ style }) => style).toReversed(); // those rarely drawn first
  return new Map(names.map((name, i) => {
    const known = [...taken].find(([, of]) => of === name)?.[0];
    const style = known ?? last.find((free) => !taken.has(free)) ?? last[i % last.length]!;
    if (!known) taken.set(style, name);
    return [name, style];
  }));
}

const letter = 8; // pixels a character of 13-pixel text, wide ones among them
const height = 28;

/** A line of symbols with their names, to stand above panels as `gridOf`'s header; a family where names share a style. */
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
