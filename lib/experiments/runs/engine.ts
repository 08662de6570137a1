/** Describes the engine that computes, in one line for a notebook. */
import { engine } from "lib/tf.ts";
import { nativeStatus } from "lib/native/mod.ts";

/** `tensorflow 2.21.0 on CPU, 2 threads; native kernels in use`. */
export function describeEngine(): string {
  const { backend, device, threads, versions } = engine();
  const version = versions[backend] ?? versions.tfjs;
  const share = threads > 0 ? `, ${threads} threads` : "";
  return `${backend} ${version} on ${device}${share}; ${nativeStatus().reason}`;
}
