/**
 * All methods of self-supervised training: to add one, add its row to the table and its recipe to
 * the union.
 */
import type { Rng } from "lib/rng.ts";
import { createByol } from "lib/ssl/byol/byol.ts";
import { byolHeadCost } from "lib/ssl/byol/networks.ts";
import type { ByolRecipe } from "lib/ssl/byol/recipe.ts";
import { createDino } from "lib/ssl/dino/dino.ts";
import { dinoHeadCost } from "lib/ssl/dino/head.ts";
import type { DinoRecipe } from "lib/ssl/dino/recipe.ts";
import type { HeadCost, Method } from "lib/ssl/method/method.ts";

/** Any method's recipe; `method` tells them apart, and its absence means DINO. */
export type Recipe = DinoRecipe | ByolRecipe;

/** What a method is, before any network exists. */
interface MethodKind<R extends Recipe> {
  create(recipe: R, rng: Rng): Method;
  /**
   * Where its checkpoints hold the network that is evaluated, and the one that the gradient moves.
   */
  readonly networks: { readonly teacher: string; readonly student: string };
  headCost(featureDim: number, head: R["head"]): HeadCost;
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
};

/** The kind of a recipe's method. @throws {RangeError} If there is no such method. */
function kindOf<R extends Recipe>({ method }: R): MethodKind<R> {
  const others = Object.keys(methods).filter((name) => name !== "dino");
  if (method === undefined || others.includes(method)) {
    return methods[method ?? "dino"] as unknown as MethodKind<R>;
  }
  throw new RangeError( // in plain JavaScript and notebooks
    `Cannot train by recipe.method ${JSON.stringify(method)}: use ${
      others.join(", ")
    }; DINO has none`,
  );
}

/**
 * A method with fresh networks.
 *
 * @param rng The run's stream of first weights.
 * @throws {RangeError} If there is no such method, or it cannot follow the recipe.
 */
export function createMethod(recipe: Recipe, rng: Rng): Method {
  return kindOf(recipe).create(recipe, rng);
}

/**
 * Before the names of a network's weights in a checkpoint.
 *
 * @param network `teacher` is the network that is evaluated, `student` the one that the gradient
 *   moves; a method may have one network for both.
 */
export function checkpointKey(recipe: Recipe, network: "teacher" | "student"): string {
  return kindOf(recipe).networks[network];
}

/** Multiply–adds of a view's way through the heads of a method. */
export function headCost(recipe: Recipe, featureDim: number): HeadCost {
  return kindOf(recipe).headCost(featureDim, recipe.head);
}
