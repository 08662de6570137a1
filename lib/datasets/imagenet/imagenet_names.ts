/**
 * Classes by the names that files and folders of ImageNet have. A wnid is a class by its WordNet
 * number: `n01440764`, a tench.
 */

const wnid = /^n\d{8}$/;

/** Whether a name is a wnid. */
export function isWnid(name: string): boolean {
  return wnid.test(name);
}

/** `n01440764.tar` → `n01440764`; `undefined` if it is not the archive of a class. */
export function wnidOfArchive(name: string): string | undefined {
  return /^(?:.*\/)?(n\d{8})\.tar$/.exec(name)?.[1];
}

/**
 * The class of a picture by its path: the folder it lies in, `n01440764/n01440764_18.JPEG` or Tiny
 * ImageNet's `n01440764/images/n01440764_0.JPEG`; or its own name, `n01440764_18.JPEG` or
 * `ILSVRC2012_val_00000293_n01440764.JPEG`.
 *
 * @returns `undefined` if neither tells.
 */
export function wnidOfPicture(path: string): string | undefined {
  const parts = path.split("/");
  const name = parts.pop()!;
  return parts.findLast(isWnid) ??
    (/^(n\d{8})[_.-]/.exec(name) ?? /[_-](n\d{8})\.\w+$/.exec(name))?.[1];
}

/**
 * A path as an archive has it, without what does not count: `./n01440764.tar` → `n01440764.tar`.
 */
export function plainPath(path: string): string {
  return path.split("/").filter((part) => part !== "" && part !== ".").join("/");
}
