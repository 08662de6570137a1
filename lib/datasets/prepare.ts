/** Makes the data that the notebooks need present; what `deno task setup` calls. */
import { fetchFashionMnist } from "lib/datasets/fashion_mnist_files.ts";

/**
 * Fetches Fashion-MNIST where it is missing. What is there already is left alone, so a second call takes milliseconds.
 *
 * A data set that cannot be had is said in one line with the way to get it by hand; the others go on.
 */
export async function prepareData(log: (line: string) => void): Promise<void> {
  try {
    log(`Fashion-MNIST: ${await fetchFashionMnist(log)}`);
  } catch (error) {
    log((error as Error).message);
  }
}
