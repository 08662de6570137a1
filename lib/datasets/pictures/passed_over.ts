/** Collects the files of a folder that are not used, and says in words which and why. */

/** Paths below the folder, by the reason. */
export interface PassedOver {
  /** Hidden files, and what systems leave. */
  readonly system: string[];
  /** Files that are no pictures. */
  readonly other: string[];
  /** Pictures of a kind that cannot be read here. */
  readonly otherPicture: string[];
  readonly brokenLinks: string[];
  /** Links that lead back to a folder above them. */
  readonly circles: string[];
  /** Pictures beside class folders. */
  readonly beside: string[];
  /** Class folders without a picture. */
  readonly emptyClasses: string[];
}

export function nothingPassedOver(): PassedOver {
  return {
    system: [],
    other: [],
    otherPicture: [],
    brokenLinks: [],
    circles: [],
    beside: [],
    emptyClasses: [],
  };
}

/** The words for each reason, for one file and for several. */
const phrases: Readonly<Record<keyof PassedOver, readonly [one: string, several: string]>> = {
  system: ["hidden or system file", "hidden or system files"],
  other: ["file that is no picture", "files that are no pictures"],
  otherPicture: [
    "picture of a kind that cannot be read here (convert it to JPEG or PNG)",
    "pictures of a kind that cannot be read here (convert them to JPEG or PNG)",
  ],
  brokenLinks: ["link that leads nowhere", "links that lead nowhere"],
  circles: ["link back to a folder above it", "links back to folders above them"],
  beside: [
    "picture beside the class folders, which has no class",
    "pictures beside the class folders, which have no class",
  ],
  emptyClasses: [
    "folder without a picture, which is no class",
    "folders without a picture, which are no classes",
  ],
};

/** All reasons, with the first few names of each, in one line; empty if nothing was passed over. */
export function inWords(passed: PassedOver): string {
  const reasons = Object.keys(phrases) as (keyof PassedOver)[];
  return reasons.filter((reason) => passed[reason].length > 0).map((reason) => {
    const { length } = passed[reason];
    return `${length} ${phrases[reason][length === 1 ? 0 : 1]}: ${some(passed[reason])}`;
  }).join("; ");
}

/** `1 picture`, `2 pictures`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The first few names: `a, b, c, …`. */
export function some(names: readonly string[]): string {
  return names.slice(0, 3).join(", ") + (names.length > 3 ? ", …" : "");
}
