/** Parameters and multiply–adds of a network and its modules, counted while it runs. */
import * as tf from "lib/tf.ts";
import { countCosts } from "lib/nn/cost.ts";
import { namedVariables, parameters } from "lib/nn/parameters.ts";
import { withShapesOnly } from "lib/models/parts/shapes_only.ts";
import type { ForwardOptions, ModelOutput, Tap } from "lib/models/parts/backbone.ts";

/** The cost of a module with everything inside it. */
export interface ModuleCost {
  /** Official name: `stages.2.8`; the empty name is the whole network. */
  readonly name: string;
  /** Without the batch; null where the module's output is not one of the named ones. */
  readonly outputShape: readonly number[] | null;
  /** Weights that an optimiser moves. */
  readonly parameters: number;
  /** Multiply–adds for one image. */
  readonly multiplyAdds: number;
  /** The part of the multiply–adds in depthwise convolutions, whose kernels the paper enlarges. */
  readonly depthwise: number;
}

/** The image to count on, and how far down modules are listed. */
export interface SummaryOptions {
  /** Pixels per side. */
  readonly imageSize: number;
  /** The depth of names: 1 lists `stages`, 2 also `stages.2`, 3 also `stages.2.8`. */
  readonly depth?: number;
}

/** The part of a `Model` that is needed here. */
export interface Countable {
  /** Tree of variables; paths are the official weight names. */
  readonly params: object;
  /** Runs it on `[B, H, W, 3]`. */
  forward(x: tf.Tensor4D, options: ForwardOptions): ModelOutput;
}

/**
 * Runs the network on the shape of one image, without values, and adds up the costs that its layers
 * report.
 *
 * Multiply–adds of convolutions, linear layers and attention's two products, as the papers count
 * "FLOPs"; norms, activations, additions and biases count nothing.
 *
 * @returns A row for each module down to `depth`, in the network's order; the last row is the whole
 *   network.
 * @throws {RangeError} If the image is too small for the network.
 *
 * @example
 * ```ts
 * import { bcSslConfig, createModel, summarize } from "lib/models/mod.ts";
 * import { createRng } from "lib/rng.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * using model = createModel(bcSslConfig("atto"), createRng(0));
 * const rows = summarize(model, { imageSize: 64, depth: 1 });
 * console.table(rows);
 * assertEquals(rows.map(({ name }) => name), ["downsample_layers", "stages", "norm", ""]);
 * ```
 */
export function summarize(
  { params, forward }: Countable,
  { imageSize, depth = 2 }: SummaryOptions,
): readonly ModuleCost[] {
  const shapes = new Map<string, readonly number[]>();
  const tap: Tap = (name, output) => {
    shapes.set(name, output.shape.slice(1));
    return output;
  };
  const run = () =>
    tf.tidy(() => void forward(tf.zeros([1, imageSize, imageSize, 3]), { training: false, tap }));
  const costs = withShapesOnly(() => countCosts(run));
  const names = new Map([...namedVariables(params)].map(([name, variable]) => [variable, name]));
  const rows = new Map<string, { parameters: number; multiplyAdds: number; depthwise: number }>();
  const add = (
    weight: string,
    what: "parameters" | "multiplyAdds" | "depthwise",
    count: number,
  ) => {
    for (const name of enclosing(weight, depth)) {
      const row = rows.get(name) ?? { parameters: 0, multiplyAdds: 0, depthwise: 0 };
      row[what] += count;
      rows.set(name, row);
    }
  };
  for (const [name, { size }] of parameters(params)) add(name, "parameters", size);
  for (const { weight, multiplyAdds, kind } of costs) {
    add(names.get(weight)!, "multiplyAdds", multiplyAdds);
    if (kind === "depthwise") add(names.get(weight)!, "depthwise", multiplyAdds);
  }
  const whole = { name: "", outputShape: null, ...rows.get("")! };
  rows.delete("");
  return [
    ...[...rows].map(([name, row]) => ({ name, outputShape: shapes.get(name) ?? null, ...row })),
    whole,
  ];
}

/** The modules that contain a weight, outermost first: `""`, `stages`, `stages.2`. */
function enclosing(weight: string, depth: number): string[] {
  const modules = weight.split(".").slice(0, -1);
  return Array.from(
    { length: Math.min(depth, modules.length) + 1 },
    (_, parts) => modules.slice(0, parts).join("."),
  );
}

/**
 * The whole network's row of {@linkcode summarize}.
 *
 * @example
 * ```ts
 * import { bcSslConfig, createModel, totalCost } from "lib/models/mod.ts";
 * import { createRng } from "lib/rng.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * using model = createModel(bcSslConfig("atto"), createRng(0));
 * const { parameters, multiplyAdds, depthwise } = totalCost(model, 64);
 * assertTrue(parameters > 3e6 && parameters < 4e6, "3.4 million weights");
 * assertTrue(depthwise < multiplyAdds, "the kernels' part of the work");
 * ```
 */
export function totalCost(model: Countable, imageSize: number): ModuleCost {
  return summarize(model, { imageSize, depth: 0 }).at(-1)!;
}
