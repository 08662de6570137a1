/**
 * All methods of self-supervised training. To add one, add a row to the table and its recipe to the
 * union.
 */
import { constantRng, type Rng } from "lib/rng.ts";
import { disposeTree, namedVariables } from "lib/nn/parameters.ts";
import { createByol } from "lib/ssl/byol/byol.ts";
import { byolHeadCost } from "lib/ssl/byol/networks.ts";
import type { ByolRecipe } from "lib/ssl/byol/recipe.ts";
import { createDeepCluster } from "lib/ssl/deepcluster/deepcluster.ts";
import { deepClusterHeadCost } from "lib/ssl/deepcluster/networks.ts";
import type { DeepClusterRecipe } from "lib/ssl/deepcluster/recipe.ts";
import { createDino } from "lib/ssl/dino/dino.ts";
import { dinoHeadCost } from "lib/ssl/distillation/head.ts";
import type { DinoRecipe } from "lib/ssl/dino/recipe.ts";
import { createEsvit } from "lib/ssl/esvit/esvit.ts";
import { esvitHeadCost } from "lib/ssl/esvit/networks.ts";
import type { EsvitRecipe } from "lib/ssl/esvit/recipe.ts";
import { createIGpt } from "lib/ssl/igpt/igpt.ts";
import type { IGptRecipe } from "lib/ssl/igpt/recipe.ts";
import type { KeptLayers } from "lib/ssl/method/kept_layers.ts";
import type { HeadCost, Method } from "lib/ssl/method/method.ts";
import { createMoby } from "lib/ssl/moby/moby.ts";
import { mobyHeadCost } from "lib/ssl/moby/networks.ts";
import type { MobyRecipe } from "lib/ssl/moby/recipe.ts";
import { createMocoV3 } from "lib/ssl/mocov3/mocov3.ts";
import { mocoV3HeadCost } from "lib/ssl/mocov3/networks.ts";
import type { MocoV3Recipe } from "lib/ssl/mocov3/recipe.ts";
import { createKeptLayers as createSimclrKept, simclrHeadCost } from "lib/ssl/simclr/networks.ts";
import type { SimclrRecipe } from "lib/ssl/simclr/recipe.ts";
import { createSimclr } from "lib/ssl/simclr/simclr.ts";
import { swavHeadCost } from "lib/ssl/swav/networks.ts";
import type { SwavRecipe } from "lib/ssl/swav/recipe.ts";
import { createSwav } from "lib/ssl/swav/swav.ts";

/** The recipe of any method. Its field `method` says which; a recipe without it is DINO's. */
export type Recipe =
  | DinoRecipe
  | ByolRecipe
  | SimclrRecipe
  | SwavRecipe
  | DeepClusterRecipe
  | EsvitRecipe
  | MocoV3Recipe
  | MobyRecipe
  | IGptRecipe;

/** A row of the table of methods. */
interface MethodKind<R extends Recipe> {
  create(recipe: R, rng: Rng, imageCount: number): Method;
  /**
   * Prefixes of names in checkpoints: `teacher` of the network that is evaluated, `student` of the
   * one that the gradient trains.
   */
  readonly networks: { readonly teacher: string; readonly student: string };
  /**
   * The names in checkpoints of the backbone that is evaluated. By default, those below
   * `<teacher>.backbone.`.
   */
  readonly backbone?: RegExp;
  /** @param tokens Number of positions of the backbone's last map. */
  headCost(featureDim: number, head: R["head"], tokens: number): HeadCost;
  /** Number of global views of an image that the networks read. By default, 2. */
  readonly globalViews?: number;
  /** The layers of the head that are evaluated with the backbone. By default, there are none. */
  keptLayers?(featureDim: number, head: R["head"], rng: Rng): KeptLayers | undefined;
}

type MethodName = NonNullable<Recipe["method"]> | "dino";
type RecipeOf<Name> = Name extends "dino" ? DinoRecipe : Extract<Recipe, { method: Name }>;

const methods: { readonly [Name in MethodName]: MethodKind<RecipeOf<Name>> } = {
  dino: {
    create: createDino,
    networks: { teacher: "teacher", student: "student" },
    headCost: dinoHeadCost,
  },
  byol: {
    create: createByol,
    networks: { teacher: "online", student: "online" },
    headCost: byolHeadCost,
  },
  simclr: {
    create: createSimclr,
    networks: { teacher: "network", student: "network" },
    headCost: simclrHeadCost,
    keptLayers: createSimclrKept,
  },
  swav: {
    create: createSwav,
    networks: { teacher: "network", student: "network" },
    headCost: swavHeadCost,
  },
  deepcluster_v2: {
    create: createDeepCluster,
    networks: { teacher: "network", student: "network" },
    headCost: deepClusterHeadCost,
  },
  esvit: {
    create: createEsvit,
    networks: { teacher: "teacher", student: "student" },
    headCost: esvitHeadCost,
  },
  mocov3: {
    create: createMocoV3,
    networks: { teacher: "base_encoder", student: "base_encoder" },
    backbone: /^base_encoder\.(?!(fc|head)\.)/, // the projector is in the place of the classifier
    headCost: mocoV3HeadCost,
  },
  moby: {
    create: createMoby,
    networks: { teacher: "encoder", student: "encoder" },
    backbone: /^encoder\./,
    headCost: mobyHeadCost,
  },
  igpt: {
    create: createIGpt,
    networks: { teacher: "network", student: "network" },
    headCost: () => ({ onTape: 0 }), // K multiply–adds a channel and position: under 1 %
    globalViews: 1,
  },
};

/** The row of a recipe's method. @throws {RangeError} If there is no such method. */
function kindOf<R extends Recipe>({ method }: R): MethodKind<R> {
  const others = Object.keys(methods).filter((name) => name !== "dino");
  if (method === undefined || others.includes(method)) {
    return methods[method ?? "dino"] as unknown as MethodKind<R>;
  }
  // Reached where nothing checks types: in JavaScript and notebook cells.
  throw new RangeError(
    `Cannot train by recipe.method ${JSON.stringify(method)}: use ${
      others.join(", ")
    }; DINO has none`,
  );
}

/**
 * A method with fresh networks.
 *
 * @param rng The random stream of the run's first weights.
 * @param imageCount Number of images in the data set.
 * @throws {RangeError} If there is no such method, or it cannot follow the recipe.
 */
export function createMethod(recipe: Recipe, rng: Rng, imageCount: number): Method {
  return kindOf(recipe).create(recipe, rng, imageCount);
}

/**
 * The prefix of the names of a network's weights in a checkpoint.
 *
 * @param network `teacher` is the network that is evaluated, `student` the one that the gradient
 *   trains. In some methods they are the same.
 */
export function checkpointKey(recipe: Recipe, network: "teacher" | "student"): string {
  return kindOf(recipe).networks[network];
}

/**
 * Tells which names in a checkpoint are weights of the network that is evaluated: its backbone, with
 * the layers of the head that stay on it.
 */
export function isEvaluated(recipe: Recipe): (name: string) => boolean {
  const { backbone, networks: { teacher } } = kindOf(recipe);
  const kept = keptNames(recipe);
  return (name) =>
    (backbone?.test(name) ?? name.startsWith(`${teacher}.backbone.`)) || kept.has(name);
}

/** The names in a checkpoint of the head's layers that are evaluated with the backbone. */
function keptNames(recipe: Recipe): ReadonlySet<string> {
  const kept = createKeptLayers(recipe, 1, constantRng()); // sizes do not matter for names
  if (kept === undefined) return new Set();
  const names = [...namedVariables(kept.params).keys()];
  disposeTree(kept.params);
  return new Set(names.map((name) => `${checkpointKey(recipe, "teacher")}.${name}`));
}

/**
 * Multiply–adds of the heads of a method for one view.
 *
 * @param featureDim Length of the backbone's features.
 * @param tokens Number of positions of its last map for the view.
 */
export function headCost(recipe: Recipe, featureDim: number, tokens: number): HeadCost {
  return kindOf(recipe).headCost(featureDim, recipe.head, tokens);
}

/** Number of global views of an image that the networks of a method read. */
export function globalViewsOf(recipe: Recipe): number {
  return kindOf(recipe).globalViews ?? 2;
}

/**
 * The layers of a method's head that are evaluated with the backbone; the caller owns them.
 *
 * @param featureDim Length of the backbone's features.
 * @param rng The random stream of the run's first weights.
 * @returns `undefined` if the backbone is evaluated alone.
 */
export function createKeptLayers(
  recipe: Recipe,
  featureDim: number,
  rng: Rng,
): KeptLayers | undefined {
  return kindOf(recipe).keptLayers?.(featureDim, recipe.head, rng);
}
