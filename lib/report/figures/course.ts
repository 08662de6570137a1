/** The notebooks as a course: what each needs, how long it takes to work through, and three plans. */
import { colours, type Figure, fontFamily, grey } from "lib/report/draw/plot.ts";
import { escapeXml } from "lib/report/draw/text.ts";

/** The lengths of course that there is a plan for. */
export type CourseLength = "lecture" | "afternoon" | "week";

/** A notebook as a part of the course. */
export interface CoursePart {
  /** File name without its ending. */
  readonly name: string;
  /** What it is about, in a few words. */
  readonly about: string;
  /** Notebooks that should be read before. */
  readonly after: readonly string[];
  /** Minutes to read it, predict, and solve its exercises, with runs that are there; estimated. */
  readonly minutes: number;
  /** Column of the map: from the first steps to what goes beyond the paper. */
  readonly column: number;
  /** Day of the plan for a week, from 1. */
  readonly day: number;
  /** Which of the shorter plans it belongs to. */
  readonly plans: readonly Exclude<CourseLength, "week">[];
}

const both = ["lecture", "afternoon"] as const;
const afternoon = ["afternoon"] as const;
const none = [] as const;

/** All notebooks, in the order of reading. */
export const courseParts: readonly CoursePart[] = [
  part("00_start", "a network learns without labels", [], 40, 0, 1, both),
  part("00b_baselines", "is that better than nothing?", ["00_start"], 25, 0, 1, afternoon),
  part("00c_models", "the networks, how far they see", ["00_start"], 25, 0, 1, both),
  part("01_vanilla_convnext", "ConvNeXt beside transformers", ["00c_models"], 30, 1, 2, afternoon),
  part("02_batchnorm", "BatchNorm after the kernels", ["01_vanilla_convnext"], 30, 1, 2, afternoon),
  part("03_kernel_size", "do larger kernels help?", ["02_batchnorm"], 30, 1, 2, both),
  part("03b_when", "when do they pay?", ["03_kernel_size"], 45, 1, 3, none),
  part("04_imagenet", "the paper's scale, and its cost", ["03_kernel_size"], 20, 1, 3, none),
  part("05_coco", "finding objects in scenes", ["03_kernel_size"], 40, 2, 3, none),
  part("06_robustness", "corrupted and redrawn images", ["03_kernel_size"], 35, 2, 4, none),
  part("07_cam", "where networks look", ["03_kernel_size"], 35, 2, 4, none),
  part("07b_look_inside", "what they tell apart", ["03_kernel_size"], 30, 2, 4, both),
  part("08_knn_monitor", "when to stop training", ["00_start"], 20, 2, 4, none),
  part(
    "09_claims",
    "all claims, judged together",
    ["03_kernel_size", "08_knn_monitor"],
    30,
    3,
    5,
    none,
  ),
  part("10_methods", "other methods than DINO", ["03_kernel_size"], 40, 3, 5, none),
  part("11_transfer", "other sets than the first", ["03_kernel_size"], 40, 3, 5, none),
  part("12_collapse", "what goes wrong, on purpose", ["00_start"], 25, 3, 5, both),
];

function part(
  ...[name, about, after, minutes, column, day, plans]: [
    string,
    string,
    readonly string[],
    number,
    number,
    number,
    CoursePart["plans"],
  ]
): CoursePart {
  return { name, about, after, minutes, column, day, plans };
}

/**
 * The plan of a course: its notebooks in order, with their minutes and the sum so far; of a week, the
 * sum of each day. In a lecture they are shown, not worked through, in half of the time.
 *
 * @throws {RangeError} If there is no plan of that length.
 */
export function coursePlan(length: CourseLength): Record<string, unknown>[] {
  if (length !== "lecture" && length !== "afternoon" && length !== "week") {
    throw new RangeError(
      `Unknown course "${length satisfies never}": use lecture, afternoon, week`,
    );
  }
  const parts = length === "week"
    ? courseParts
    : courseParts.filter(({ plans }) => plans.includes(length));
  const timeOf = ({ minutes }: CoursePart) =>
    length === "lecture" ? Math.ceil(minutes / 10) * 5 : minutes;
  return parts.map((part, i) => {
    const { name, about, after, day } = part;
    const before = parts.slice(0, i + 1).filter((other) => length !== "week" || other.day === day);
    return {
      ...(length === "week" && { day }),
      notebook: name,
      about,
      ...(length === "week" && { after: after.join(", ") }),
      minutes: timeOf(part),
      "minutes so far": before.reduce((sum, other) => sum + timeOf(other), 0),
    };
  });
}

const [width, height, gapX, gapY, top, left] = [196, 46, 44, 16, 34, 8];
const columnTitles = ["the subject", "the paper's claims", "what it is good for", "and beyond"];

/**
 * Draws the map of the course: a box for each notebook, and an arrow from what should be read before,
 * where that stands in the same column or the one to the left; the plan for a week names all.
 * Filled boxes belong to the plan of a lecture, those with a blue edge to that of an afternoon.
 */
export function courseMap(): Figure {
  const places = placesOf();
  const most = Math.max(...[...places.values()].map(({ y }) => y));
  const [w, h] = [left * 2 + 4 * width + 3 * gapX, top + most + height + 8];
  const titles = columnTitles.map((title, column) =>
    `<text x="${left + column * (width + gapX)}" y="18" font-size="14">${title}</text>`
  );
  const arrows = courseParts.flatMap(({ name, after }) =>
    after.map((from) => ({ from: places.get(from)!, to: places.get(name)! }))
      .filter(({ from, to }) => to.column - from.column <= 1)
      .map(({ from, to }) => arrow(from, to))
  );
  const boxes = courseParts.map((part) => box(part, places.get(part.name)!));
  return {
    outerHTML: `<svg width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" ` +
      `font-family="${fontFamily}">${[...titles, ...arrows, ...boxes].join("")}</svg>`,
  };
}

/** Upper left corner of a box, without the title's height. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly column: number;
}

function placesOf(): Map<string, Place> {
  const rows = [0, 0, 0, 0];
  return new Map(courseParts.map(({ name, column }) => {
    const row = rows[column]!++;
    return [name, { x: left + column * (width + gapX), y: row * (height + gapY), column }];
  }));
}

function box({ name, about, plans }: CoursePart, { x, y }: Place): string {
  const fill = plans.includes("lecture") ? "#D6EAF5" : "white";
  const [stroke, weight] = plans.includes("afternoon") ? [colours.blue, 2] : [grey, 1];
  return `<rect x="${x}" y="${
    top + y
  }" width="${width}" height="${height}" rx="5" fill="${fill}" ` +
    `stroke="${stroke}" stroke-width="${weight}"/>` +
    `<text x="${x + 9}" y="${top + y + 19}" font-size="13">${escapeXml(name)}</text>` +
    `<text x="${x + 9}" y="${top + y + 36}" font-size="10.5" fill="${grey}">${
      escapeXml(about)
    }</text>`;
}

/** Down inside a column; to the right from column to column. */
function arrow(from: Place, to: Place): string {
  const [y1, y2] = [top + from.y + height / 2, top + to.y + height / 2];
  if (from.column === to.column) return downArrow(from, to);
  const [x1, x2] = [from.x + width, to.x];
  const bend = x2 - gapX / 2;
  return `<path d="M${x1},${y1}H${bend}V${y2}H${x2 - 6}" fill="none" stroke="${grey}"/>` +
    `<path d="M${x2},${y2}l-7,-4v8z" fill="${grey}"/>`;
}

/** Along the left edges, so that it passes boxes between the two. */
function downArrow(from: Place, to: Place): string {
  const [x, y1, y2] = [from.x + 18, top + from.y + height, top + to.y];
  return `<path d="M${x},${y1}V${y2 - 6}" fill="none" stroke="${grey}"/>` +
    `<path d="M${x},${y2}l-4,-7h8z" fill="${grey}"/>`;
}
