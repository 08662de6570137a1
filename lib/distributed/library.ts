/** The functions in C++ that set-up compiles into tfjs's bridge to TensorFlow: src/collectives.cc. */
import { createRequire } from "node:module";

const symbols = {
  bcssl_join: {
    parameters: ["buffer", "i32", "i32", "f64", "f64", "buffer", "usize"],
    result: "i32",
  },
  bcssl_check_peer: { parameters: ["i32", "i64"], result: "i32", nonblocking: true },
  bcssl_begin: { parameters: [], result: "void" },
  bcssl_end: { parameters: [], result: "void" },
  bcssl_background: { parameters: ["i64"], result: "void" },
  bcssl_foreground: { parameters: [], result: "void" },
  bcssl_await_background: { parameters: ["buffer", "usize"], result: "i32" },
  bcssl_lost: { parameters: ["buffer"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

/** TensorFlow's collectives, as the functions of src/collectives.cc. */
export type CollectivesLibrary = Deno.DynamicLibrary<typeof symbols>["symbols"];

/**
 * Opens the bridge, which the engine has loaded already.
 *
 * @throws {Error} If it was compiled without these functions.
 */
export function openCollectives(): CollectivesLibrary {
  const path = createRequire(import.meta.url)
    .resolve("@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node");
  try {
    return Deno.dlopen(path, symbols).symbols;
  } catch (cause) {
    throw new Error(
      'Cannot train with several processes: the bridge to TensorFlow is an older one; run "deno task setup"',
      { cause },
    );
  }
}
