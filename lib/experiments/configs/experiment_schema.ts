/** The schemas of the fields that all experiments have. */
import * as v from "valibot";
import { pixels } from "lib/models/parts/schema_fields.ts";
import { record, type Schema, whole } from "lib/schema/fields.ts";

const longestName = 100; // characters; a file name has at most 255 bytes, and an id adds some
// deno-lint-ignore no-control-regex
const unfit = /[\0-\x1f\x7f-\x9f/\\:*?"<>|]|\.\.|^\.|^\s|\s$/;

/** The name of an experiment, which becomes the name of a folder in `outputs/`. */
export const experimentName = v.pipe(
  v.string(nameRule()),
  v.check(
    (name) => name !== "" && name.length <= longestName && !unfit.test(name),
    nameRule(),
  ),
);

function nameRule(): string {
  return `a name of 1 to ${longestName} characters that a folder can have: without / \\ : * ? " < > | and "..", ` +
    "and without a dot or a space at its beginning";
}

/** Sizes that every scale has. */
export const commonSizes = {
  imageSize: pixels,
  trainCount: whole(1),
  batchSize: whole(1, 2 ** 20),
  epochs: whole(1, 2 ** 20),
  monitorEvery: whole(1),
};

/** The three scales. */
export function scalesOf<S extends Schema>(sizes: S) {
  return record({ smoke: sizes, laptop: sizes, paper: sizes });
}
