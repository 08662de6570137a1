/** Tells by its name what a file in a folder of pictures is. */

/** Endings of the pictures that can be read, in lower case. */
export const pictureEndings = [
  ...["jpg", "jpeg", "jpe", "jfif", "png", "webp"],
  ...["tif", "tiff", "gif", "avif", "bmp"],
] as const;

/** The kinds of pictures that can be read, for messages. */
export const pictureKinds = "JPEG, PNG, WebP, TIFF, GIF, AVIF or BMP";

const readable = new RegExp(`\\.(${pictureEndings.join("|")})$`, "i");
/** Pictures that no decoder here reads: HEIC, JPEG 2000, JPEG XL, raw files of cameras, … */
const otherPicture =
  /\.(heic|heif|jp2|j2k|jpx|jxl|jxr|cr2|cr3|nef|arw|dng|orf|rw2|raf|psd|xcf|svg|svgz|ico|tga|ppm|pgm|pbm|pnm|exr|hdr|dcm|pdf)$/i;
const system =
  /^(\..*|__MACOSX|@eaDir|@Recycle|#recycle|\$RECYCLE\.BIN|System Volume Information|lost\+found|__pycache__|Thumbs\.db|ehthumbs.*\.db|desktop\.ini|Icon\r)$/i;

/**
 * - `system`: hidden, or made by an operating system, a file server or Jupyter for its own use:
 *   `.DS_Store`, `._owl.jpg`, `.ipynb_checkpoints`, `__MACOSX`, `@eaDir`, `Thumbs.db`. Folders too.
 * - `picture`: one that can be read.
 * - `other picture`: one of a kind that cannot be read here.
 * - `other`: anything else.
 */
export type NameKind = "system" | "picture" | "other picture" | "other";

/** Tells what a file is by its name, without its folder. */
export function kindOfName(name: string): NameKind {
  if (system.test(name)) return "system";
  if (readable.test(name)) return "picture";
  return otherPicture.test(name) ? "other picture" : "other";
}

/** Whether a file is a picture that can be read, by its name without its folder. */
export function isPicture(name: string): boolean {
  return kindOfName(name) === "picture";
}
