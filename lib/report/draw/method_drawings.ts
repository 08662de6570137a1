/** What the diagrams of methods show: networks, memories and losses, as data. */
import type { MethodName } from "lib/experiments/mod.ts";

/** What a box stands for: how it changes during training. */
export type BoxKind = "trained" | "average" | "memory" | "plain";

/** One box. Both texts have 26 letters at most. */
export interface MethodBox {
  readonly kind: BoxKind;
  readonly label: string;
  /** The second line. */
  readonly detail: string;
}

/** What a method does with the views of an image, in two columns from top to bottom. */
export interface MethodDrawing {
  /** Name of the method. */
  readonly title: string;
  /** The side that the gradient trains. */
  readonly left: readonly MethodBox[];
  /** The side that gives the targets. */
  readonly right: readonly MethodBox[];
  /** What goes into the left and into the right side. */
  readonly inputs: readonly [string, string];
  /** What compares the two sides; the details have two lines. */
  readonly loss: { readonly label: string; readonly details: readonly [string, string] };
  /** How the networks of the two sides belong together, if both have one. */
  readonly tie?: "moving average" | "same weights";
  /** Whether the gradient stops where the right side meets the loss. */
  readonly stops: boolean;
}

function box(kind: BoxKind, label: string, detail: string): MethodBox {
  return { kind, label, detail };
}
const trained = (label: string, detail: string) => box("trained", label, detail);
const average = (label: string, detail: string) => box("average", label, detail);
const memory = (label: string, detail: string) => box("memory", label, detail);
const plain = (label: string, detail: string) => box("plain", label, detail);

const [oneView, otherView] = ["one view", "the other view"];

/** Name of a method that has a diagram: all that train the networks of a comparison, and iGPT. */
export type DiagramName = MethodName | "igpt";

/** The diagram of each method, by its name in recipes. */
export const methodDrawings: Readonly<Record<DiagramName, MethodDrawing>> = {
  dino: {
    title: "DINO",
    inputs: ["all views", "the two large views"],
    left: [
      trained("backbone", "student"),
      trained("head", "student"),
      trained("prototypes", "student"),
      plain("softmax", "temperature 0.1"),
    ],
    right: [
      average("backbone", "teacher: evaluated"),
      average("head", "teacher"),
      average("prototypes", "teacher"),
      memory("minus the centre", "running mean of logits"),
      plain("softmax", "temperature 0.04: sharper"),
    ],
    loss: { label: "cross-entropy", details: ["of each pair of", "different views"] },
    tie: "moving average",
    stops: true,
  },
  byol: {
    title: "BYOL",
    inputs: [oneView, otherView],
    left: [
      trained("backbone", "online: evaluated"),
      trained("projector", "online"),
      trained("predictor", "online only"),
    ],
    right: [average("backbone", "target"), average("projector", "target")],
    loss: {
      label: "squared distance",
      details: ["of unit vectors; then with", "the views exchanged"],
    },
    tie: "moving average",
    stops: true,
  },
  simclr: {
    title: "SimCLR",
    inputs: [oneView, otherView],
    left: [trained("backbone", "evaluated"), trained("projector", "two or three layers")],
    right: [trained("backbone", "the same"), trained("projector", "the same")],
    loss: {
      label: "contrast (NT-Xent)",
      details: ["the other view, among all", "views of the batch"],
    },
    tie: "same weights",
    stops: false,
  },
  swav: {
    title: "SwAV",
    inputs: ["all views", "the two large views"],
    left: [
      trained("backbone", "evaluated"),
      trained("projector", "unit vectors"),
      trained("prototypes", "frozen at first"),
      plain("softmax", "temperature 0.1"),
    ],
    right: [
      trained("backbone", "the same"),
      trained("projector", "the same"),
      memory("queue", "of embeddings"),
      trained("prototypes", "the same"),
      plain("Sinkhorn", "equal use of prototypes"),
    ],
    loss: { label: "cross-entropy", details: ["with the assignment of", "another view"] },
    tie: "same weights",
    stops: true,
  },
  deepcluster_v2: {
    title: "DeepCluster-v2",
    inputs: ["all views", "all images, one epoch ago"],
    left: [
      trained("backbone", "evaluated"),
      trained("projector", "unit vectors"),
      memory("centroids", "the classifier; fixed"),
      plain("softmax", "temperature 0.1"),
    ],
    right: [
      memory("memory", "an embedding per image"),
      memory("k-means", "before each epoch"),
      plain("cluster", "of the image"),
    ],
    loss: {
      label: "cross-entropy",
      details: ["with the image's cluster;", "mean of the clusterings"],
    },
    stops: true,
  },
  esvit: {
    title: "EsViT",
    inputs: ["all views", "the two large views"],
    left: [
      trained("backbone", "student: view and regions"),
      trained("two heads", "for views, for regions"),
      plain("softmax", "temperature 0.1"),
    ],
    right: [
      average("backbone", "teacher: evaluated"),
      average("two heads", "for views, for regions"),
      memory("minus two centres", "running means of logits"),
      plain("softmax", "temperature 0.04: sharper"),
    ],
    loss: {
      label: "two cross-entropies",
      details: ["of views; of each region", "and its most similar one"],
    },
    tie: "moving average",
    stops: true,
  },
  mocov3: {
    title: "MoCo v3",
    inputs: [oneView, otherView],
    left: [
      trained("backbone", "evaluated"),
      trained("projector", "two or three layers"),
      trained("predictor", "gives queries"),
    ],
    right: [average("backbone", "momentum encoder"), average("projector", "gives keys")],
    loss: {
      label: "contrast (InfoNCE)",
      details: ["own key, among those of", "the batch; then exchanged"],
    },
    tie: "moving average",
    stops: true,
  },
  moby: {
    title: "MoBY",
    inputs: [oneView, otherView],
    left: [
      trained("backbone", "evaluated"),
      trained("projector", "two layers"),
      trained("predictor", "gives queries"),
    ],
    right: [
      average("backbone", "key encoder"),
      average("projector", "gives keys"),
      memory("queue", "keys of earlier batches"),
    ],
    loss: {
      label: "contrast (InfoNCE)",
      details: ["own key, among those of", "the queue; then exchanged"],
    },
    tie: "moving average",
    stops: true,
  },
  igpt: {
    title: "iGPT",
    inputs: ["a small image, in rows", "the same image"],
    left: [
      memory("palette", "found once, by k-means"),
      trained("transformer", "evaluated"),
      trained("linear", "to colours of the palette"),
    ],
    right: [memory("palette", "the same"), plain("colours", "next, or hidden ones")],
    loss: { label: "cross-entropy", details: ["with the next colour, or", "with the hidden ones"] },
    stops: true,
  },
};
