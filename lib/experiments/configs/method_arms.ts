/**
 * Methods on the networks of the comparisons: whether what a network gains depends on the method
 * that trains it.
 */
import { table3, type Table3Row } from "lib/paper/mod.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import type { Recipe } from "lib/ssl/methods.ts";
import { type Arm, armConfig, armName, type ArmOptions, familyOfArm } from "./arms.ts";
import { override, type PretrainConfig, type RecipeAnyScale } from "./config.ts";
import {
  byolStart,
  deepClusterStart,
  esvitStart,
  mobyStart,
  mocoV3Start,
  simclrStart,
  swavStart,
} from "./method_runs.ts";
import { bcSslEmoji } from "./notebook_runs.ts";

/** The methods that can train any arm. iGPT is none: it trains a network of its own. */
export const methodNames = [
  "dino",
  "byol",
  "simclr",
  "swav",
  "deepcluster_v2",
  "esvit",
  "mocov3",
  "moby",
] as const;
/** Name of a method in recipes; DINO's recipes have none. */
export type MethodName = typeof methodNames[number];

type AnyRecipe = RecipeAnyScale<Recipe>;

/** The properties of one method. */
interface MethodKind {
  /** Its name in tables and figures: `MoCo v3`. */
  readonly title: string;
  /** Its name in the paper's Table 3, if it is there. */
  readonly printed?: string;
  /** Its run on the first notebook's network, absent for DINO: its arms are those of `armConfig`. */
  readonly start?: PretrainConfig;
  /** Changes an arm's network for the method. By default, nothing changes. */
  readonly network?: (model: ModelConfig) => ModelConfig;
  /** Changes the method's recipe for an arm's network. By default, nothing changes. */
  readonly adapt?: (recipe: AnyRecipe, arm: Arm) => AnyRecipe;
}

const kinds: Readonly<Record<MethodName, MethodKind>> = {
  dino: { title: "DINO", printed: "DINO" },
  byol: { title: "BYOL", printed: "BYOL", start: byolStart },
  simclr: { title: "SimCLR", printed: "SCLR", start: simclrStart },
  swav: { title: "SwAV", printed: "SwAV", start: swavStart },
  deepcluster_v2: { title: "DeepCluster-v2", printed: "DCv2", start: deepClusterStart },
  esvit: { title: "EsViT", start: esvitStart, network: withoutLastStage },
  mocov3: { title: "MoCo v3", printed: "MoCo-v3", start: mocoV3Start, adapt: withHeadOfNetwork },
  moby: { title: "MoBY", printed: "MoBY", start: mobyStart },
};

/**
 * A network without its last stage, whose map of coarse images is a single position: EsViT's task of
 * regions needs several. A ViT has no stages and 4 × 4 positions.
 */
function withoutLastStage(model: ModelConfig): ModelConfig {
  const stages = ["depths", "dims", "numHeads"];
  return Object.fromEntries(
    Object.entries(model).map(([key, value]) => [
      key,
      stages.includes(key) && Array.isArray(value) ? value.slice(0, -1) : value,
    ]),
  ) as unknown as ModelConfig;
}

/** MoCo v3 has other heads for transformers than for ResNets. */
function withHeadOfNetwork(recipe: AnyRecipe, { arch }: Arm): AnyRecipe {
  const form = arch === "vit" || arch === "swin" ? "vit" : "resnet";
  return { ...recipe, head: { ...recipe.head, form } } as AnyRecipe;
}

/** The name of a method in tables and figures: `MoCo v3`. @throws {RangeError} If it is unknown. */
export function methodTitle(method: MethodName): string {
  return kindOf(method).title;
}

/** Scale and images of a method's arms; at `smoke` and `laptop` they have the geometry `coarse`. */
export type MethodArmOptions = Pick<ArmOptions, "scale" | "data">;

/**
 * The config of a method on an arm's network. Images, batches and number of steps are those of
 * {@linkcode armConfig} at geometry `coarse`, the same for all methods. Loss, heads, crops,
 * optimiser and learning rate are those of the method's own run in the first notebook, such as
 * `start_simclr`. DINO's config is that of `armConfig`, so that its runs are shared with the other
 * notebooks.
 *
 * Differs: on all images but garments, colours change as little as in {@linkcode bcSslEmoji}, where
 * the reason stands. EsViT's networks lack the last stage, as `start_esvit` does. MoCo v3's heads
 * are of the form for the network.
 *
 * @throws {RangeError} If the method is unknown, or is iGPT, which trains no arm; if the scale is
 *   `paper` and the method not DINO; or for the reasons of {@linkcode armConfig}.
 *
 * @example
 * ```ts
 * import { methodConfig } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const arm = { arch: "convnext", kernelSize: 9, batchNorm: true } as const;
 * const { name, recipe } = methodConfig("simclr", arm, { scale: "laptop" });
 * assertEquals(name, "start_simclr_emoji_bcssl_k9");
 * assertEquals(recipe.method, "simclr");
 * ```
 */
export function methodConfig(
  method: MethodName,
  arm: Arm,
  { scale, data = "emoji" }: MethodArmOptions,
): PretrainConfig {
  const { title, start, network = same, adapt = same } = kindOf(method);
  const ofArm = armConfig(arm, { scale, data, geometry: "coarse" });
  if (start === undefined) return ofArm;
  if (scale === "paper") {
    throw new RangeError(
      `Cannot train ${armName(arm)} by ${title} at paper scale: the paper has no such run`,
    );
  }
  const onNetwork = { ...start.recipe, model: network(ofArm.recipe.model) } as AnyRecipe;
  const recipe = adapt(onNetwork, arm);
  const config: PretrainConfig = { ...ofArm, name: `${start.name}_${ofArm.name}`, recipe };
  if (data === "fashion") return config;
  const { jitter: { hue, probability }, grayscale, solarize } = bcSslEmoji.recipe.crops;
  const crops = { jitter: { hue, probability }, grayscale, solarize };
  return override(config, { recipe: { crops } });
}

function same<T>(value: T): T {
  return value;
}

/**
 * The row of the paper's Table 3 about a method on an arm's family of networks, the smallest if
 * there are several; `undefined` if there is none. Of BC-SSL, the paper has 9×9 alone.
 *
 * @throws {RangeError} If the method is unknown.
 */
export function printedOfMethod(method: MethodName, arm: Arm): Table3Row | undefined {
  const { printed } = kindOf(method);
  const family = familyOfArm(arm);
  if (family === "BC-SSL" && arm.kernelSize !== 9) return undefined;
  const beginning = family === "ResNet" ? "RN" : `${family}-`;
  return table3.rows
    .filter((row) => row.method === printed && row.arch.startsWith(beginning))
    .toSorted((a, b) => a.millionParameters - b.millionParameters)[0];
}

/** The properties of a method. Notebook cells run without a type check. */
function kindOf(method: MethodName): MethodKind {
  if (methodNames.includes(method)) return kinds[method];
  const problem = method as string === "igpt"
    ? "Cannot train an arm by igpt, which trains only a network of its own"
    : `Unknown method ${JSON.stringify(method)}`;
  throw new RangeError(`${problem}: use ${methodNames.join(", ")}`);
}
