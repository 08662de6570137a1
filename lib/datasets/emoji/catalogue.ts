/**
 * A list of the emoji there are, and of the name under which each design system draws them.
 *
 * Four colour styles come with code points. The others have names only. These are compared, by
 * their letters and digits, with the names in emojibase, in Unicode and in the styles with code
 * points; a name that fits two emoji is not used.
 */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** Design systems in colour, as the packages `@iconify-json/*` are named. */
export const colourStyles = [
  "noto",
  "noto-v1",
  "twemoji",
  "openmoji",
  "fluent-emoji-flat",
  "emojione",
  "emojione-v1",
  "fxemoji",
] as const;

/** Design systems that draw in one ink: a shifted domain, as ImageNet-Sketch is. */
export const monochromeStyles = ["fluent-emoji-high-contrast", "emojione-monotone"] as const;

export type ColourStyle = typeof colourStyles[number];
export type EmojiStyle = ColourStyle | typeof monochromeStyles[number];
export const emojiStyles: readonly EmojiStyle[] = [...colourStyles, ...monochromeStyles];

/** One emoji in any style. Only the default skin tone is used. */
export interface EmojiIdentity {
  /** Code points in lower-case hexadecimal, joined by `-`, without variation selectors: `1f34e`. */
  readonly hexcode: string;
  /** CLDR's name: `red apple`. */
  readonly label: string;
  /** Unicode's coarse and fine category: `food-drink`, `food-fruit`. */
  readonly group: string;
  readonly subgroup: string;
}

/** An identity, with the name of its icon in each style that draws it. */
export interface CatalogueEntry extends EmojiIdentity {
  readonly icons: Partial<Readonly<Record<EmojiStyle, string>>>;
}

interface Icon {
  readonly body: string;
  readonly width?: number;
  readonly height?: number;
  readonly left?: number;
  readonly top?: number;
}

interface IconSet {
  readonly icons: Readonly<Record<string, Icon>>;
  readonly aliases?: Readonly<
    Record<string, { readonly parent: string; readonly hFlip?: boolean }>
  >;
  readonly width?: number;
  readonly height?: number;
}

/** Every emoji that at least `minStyles` of the colour styles draw, in Unicode's order. */
export function emojiCatalogue(minStyles = 4): CatalogueEntry[] {
  const identities = unicodeEmoji();
  const names = namesOf(identities);
  const icons = emojiStyles.map((style) => [style, iconsByHexcode(style, names)] as const);
  return identities
    .map((identity) => ({
      ...identity,
      icons: Object.fromEntries(
        icons.flatMap(([style, of]) => {
          const icon = of.get(identity.hexcode);
          return icon === undefined ? [] : [[style, icon]];
        }),
      ),
    }))
    .filter(({ icons }) => colourStyles.filter((style) => style in icons).length >= minStyles);
}

/**
 * The packages that the drawings come from, `noto@1.2.9 …`: a part of the key of what is made from
 * them.
 */
export function emojiPackages(): string {
  return [...emojiStyles.map((style) => `@iconify-json/${style}`), "emojibase-data"]
    .map((name) => `${name}@${require(`${name}/package.json`).version}`)
    .join(" ");
}

/** One icon as an SVG document of its own proportions; one-ink icons are black. */
export function emojiSvg(style: EmojiStyle, icon: string): string {
  const set = iconSet(style);
  const alias = set.aliases?.[icon];
  const { body, left = 0, top = 0, width = set.width ?? 16, height = set.height ?? 16 } = set
    .icons[alias?.parent ?? icon]!;
  const drawn = alias?.hFlip
    ? `<g transform="translate(${2 * left + width} 0) scale(-1 1)">${body}</g>`
    : body;
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ` +
    `viewBox="${left} ${top} ${width} ${height}" width="${width}" height="${height}">${drawn}</svg>`;
}

function iconSet(style: EmojiStyle): IconSet {
  return require(`@iconify-json/${style}/icons.json`); // Node keeps it: the second time is free
}

/** The emoji of Unicode that have a category, without the components (skin tones, hair). */
function unicodeEmoji(): EmojiIdentity[] {
  interface Row {
    hexcode: string;
    label: string;
    group?: number;
    subgroup?: number;
    order?: number;
  }
  const rows: Row[] = require("emojibase-data/en/data.json");
  const { groups, subgroups } = require("emojibase-data/meta/groups.json");
  return rows
    .filter(({ group, subgroup }) => subgroup !== undefined && groups[group!] !== "component")
    .sort((a, b) => a.order! - b.order!)
    .map(({ hexcode, label, group, subgroup }) => ({
      hexcode: plainHexcode(hexcode),
      label,
      group: groups[group!],
      subgroup: subgroups[subgroup!],
    }));
}

/** A map from the letters and digits of a name to the one emoji that it can mean. */
function namesOf(identities: readonly EmojiIdentity[]): Map<string, string> {
  const meanings = new Map<string, Set<string>>();
  const add = (name: string | undefined, hexcode: string | undefined) => {
    if (name === undefined || !known.has(hexcode ?? "")) return;
    const key = letters(name);
    meanings.set(key, (meanings.get(key) ?? new Set()).add(hexcode!));
  };
  const known = new Set(identities.map(({ hexcode }) => hexcode));
  for (const { hexcode, label } of identities) add(label, hexcode);
  const unicodeNames: Record<string, string> = require("emojibase-data/meta/unicode-names.json");
  for (const [hexcode, name] of Object.entries(unicodeNames)) add(name, plainHexcode(hexcode));
  for (const style of emojiStyles) {
    const hexcodes = new Map([...codePoints(style)].map(([hexcode, icon]) => [icon, hexcode]));
    for (const [icon, hexcode] of hexcodes) add(icon, hexcode);
    for (const [alias, { parent, hFlip }] of Object.entries(iconSet(style).aliases ?? {})) {
      if (!hFlip && !hexcodes.has(alias)) add(alias, hexcodes.get(parent));
    }
  }
  return new Map(
    [...meanings].flatMap(([key, set]) => set.size === 1 ? [[key, [...set][0]!] as const] : []),
  );
}

/** The icon of each emoji in a style: by code point where the package has them, else by name. */
function iconsByHexcode(
  style: EmojiStyle,
  names: ReadonlyMap<string, string>,
): Map<string, string> {
  const coded = codePoints(style);
  if (coded.size > 0) return coded;
  const found = new Map<string, string>();
  const { icons, aliases = {} } = iconSet(style);
  for (const name of [...Object.keys(icons), ...Object.keys(aliases)]) {
    const hexcode = names.get(letters(name));
    if (hexcode !== undefined && !found.has(hexcode)) found.set(hexcode, name);
  }
  return found;
}

/** The code points a package states: hexcode → icon. */
function codePoints(style: EmojiStyle): Map<string, string> {
  const chars: Record<string, string> = require(`@iconify-json/${style}/chars.json`);
  return new Map(Object.entries(chars).map(([hexcode, icon]) => [plainHexcode(hexcode), icon]));
}

function plainHexcode(hexcode: string): string {
  return hexcode.toLowerCase().split("-").filter((point) => point !== "fe0f").join("-");
}

function letters(name: string): string {
  return name.normalize("NFD").toLowerCase().replace(/[^a-z0-9]/g, "");
}
