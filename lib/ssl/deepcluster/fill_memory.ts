/** The first content of the memory. */
import * as tf from "lib/tf.ts";
import { embed } from "lib/ssl/method/embedding_network.ts";
import type { EpochStart } from "lib/ssl/method/method.ts";
import { type Memory, remember } from "./memory.ts";
import type { DeepClusterNetwork } from "./networks.ts";

/**
 * Embeds all images of an epoch before anything is trained. As in the official code, each of the two
 * global crops has a forward pass of its own, with its own batch statistics, and moves the running
 * ones.
 */
export async function fillMemory(
  network: DeepClusterNetwork,
  memory: Memory,
  { views: batches, rng, precision }: EpochStart,
): Promise<void> {
  let batch = 0;
  for await (const { global, indices } of batches()) {
    const ofBatch = rng.fork("memory").fork(batch);
    tf.tidy(() => {
      const [first, second] = (tf.split(global, 2) as tf.Tensor4D[]).map((crop, i) =>
        embed(network, { global: crop, local: null }, {
          training: true,
          precision,
          rng: ofBatch.fork(i),
        }).embeddings
      );
      const images = tf.tensor1d([...indices!]);
      remember(memory, batch++, { first: first!, second: second!, images });
    });
  }
}
