/**
 * The only door to the engine: everything else imports `tf` from here.
 *
 * Loads TensorFlow through `@tensorflow/tfjs-node-gpu` (on the GPU if its libtensorflow sees one); where that library
 * cannot be had, Deno's own WebGPU; where neither exists, throws and says how to mend it.
 */
import { createRequire } from "node:module";
import process from "node:process";
import * as tf from "@tensorflow/tfjs-core";

import type {} from "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.d.ts"; // x.add(y) in types

export * from "@tensorflow/tfjs-core";
const require = createRequire(import.meta.url);
process.env.TF_CPP_MIN_LOG_LEVEL ??= "2"; // before the library loads: its banner would land in every notebook
// tfjs 4.22 calls a function that Node 23 and Deno removed.
require("node:util").isNullOrUndefined ??= (value: unknown) =>
  value === null || value === undefined;
require("@tensorflow/tfjs-node-gpu");
