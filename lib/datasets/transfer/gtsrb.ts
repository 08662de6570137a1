/** German traffic signs (Stallkamp et al. 2012): GTSRB. */
import { listClassFolders } from "./class_folders.ts";
import { findSet, readSetLines, storedPart } from "./set_folder.ts";
import type { TransferParts } from "./transfer_types.ts";

/**
 * Reads the 26,640 training pictures that torchvision and ELEVATER train on, and the final test.
 * Classes are called by their numbers, `00000` to `00042`.
 *
 * @throws {Error} If something is missing or damaged; the message names it.
 */
export async function openGtsrb(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "GTSRB",
    archives: [
      "GTSRB-Training_fixed.zip",
      "GTSRB_Final_Test_Images.zip",
      "GTSRB_Final_Test_GT.zip",
    ],
    markers: ["GTSRB/Training"],
  });
  const { classNames, pictures } = listClassFolders(
    set,
    "GTSRB/Training",
    (name) => name.endsWith(".ppm"),
  );
  const lines = await readSetLines(
    set,
    "GT-final_test.csv",
    /^(?:Filename;.*;ClassId|(\d+\.ppm);(?:\d+;){6}(\d+))$/,
  );
  const listed = lines.filter(([name]) => name !== undefined).map(([name, number]) => ({
    id: `GTSRB/Final_Test/Images/${name}`,
    label: Number(number),
  }));
  return {
    train: storedPart(set, "train", classNames, pictures),
    test: storedPart(set, "test", classNames, listed),
  };
}
