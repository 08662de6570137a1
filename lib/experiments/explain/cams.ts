/**
 * The verbs `cams` and `scoreCams`: class activation maps of networks side by side, and how well
 * they find the object.
 */
import { imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import { imageBatch } from "lib/eval/features/features.ts";
import { type MeanAndError, meanAndError } from "lib/stats/statistics.ts";
import {
  type CamDepth,
  camLayerAt,
  type CamScores,
  camScores,
  eigenCam,
  type GradCam,
  gradCam,
  type Heatmap,
  hotThreshold,
} from "lib/explain/mod.ts";
import {
  type ExplainedNetwork,
  type NetworkToExplain,
  openBackbone,
  openExplained,
} from "lib/experiments/explain/explained.ts";
import { interruptible } from "lib/experiments/runs/pause.ts";

/** What class activation maps explain. */
export interface CamsOptions {
  /**
   * Which class Grad-CAM explains: the network's first choice (as pytorch-grad-cam does), or the
   * image's own.
   */
  readonly explain?: "choice" | "label";
  /**
   * Which layer is drawn of networks that name none: at the end of the last stage, or of the one
   * with most blocks. By default the last, which is the paper's, unless its map has fewer than
   * 5 × 5 positions: see `camLayerAt`.
   */
  readonly layer?: CamDepth;
  /**
   * Whether to compute Grad-CAM, for which a run without a classifier gets one fitted. By default,
   * yes.
   */
  readonly gradCam?: boolean;
  /** When it is aborted, the computation ends after the current batch with an error. */
  readonly signal?: AbortSignal;
}

/** An image's Grad-CAM and the class it explains. */
export interface NamedGradCam extends GradCam {
  /** Name of the class; `class 7` if nobody named the network's classes. */
  readonly className: string;
}

/** One network's maps, in the order of the images. */
export interface CamRow {
  /** Name of the network, as it was given. */
  readonly name: string;
  /** Official names of the layers whose output is drawn. */
  readonly layers: readonly string[];
  /** Absent for a network without a classifier, or if it was not asked for. */
  readonly gradCam?: readonly NamedGradCam[];
  /** Eigen-CAM of each image; it needs no classifier. */
  readonly eigenCam: readonly Heatmap[];
}

/** Maps as in Table 6: networks by pictures by methods. Numbers only. */
export interface CamSheet {
  /** The images, N of them. */
  readonly images: ImageSet;
  /** One row for each network. */
  readonly rows: readonly CamRow[];
}

/**
 * Computes Grad-CAM and Eigen-CAM of some images for each network, at the layers that it names or
 * at the one that `layer` chooses.
 *
 * @param images A few, as `loadPictures` or `subset` returns them, at the size that the networks
 *   expect.
 * @throws {Error} If a run is not there, or `signal` was aborted.
 * @throws {RangeError} If there is no image, an image is too small for the layer to have a map, or
 *   has a class that the network does not know.
 */
export async function cams(
  subjects: readonly NetworkToExplain[],
  images: ImageSet,
  { explain = "choice", layer, gradCam: wanted = true, signal }: CamsOptions = {},
): Promise<CamSheet> {
  if (imageCount(images) === 0) throw new RangeError("Cannot explain images: there are none");
  const pause = interruptible("the class activation maps", signal);
  const rows: CamRow[] = [];
  for (const subject of subjects) {
    using opened = await (wanted ? openExplained(subject, pause) : withoutClassifier(subject));
    const layers = layersOf(subject, opened, images, layer);
    const [grads, eigens]: [NamedGradCam[], Heatmap[]] = [[], []];
    for await (const maps of batches(opened, images, { layers, explain }, pause)) {
      grads.push(...maps.gradCam ?? []);
      eigens.push(...maps.eigenCam);
    }
    const gradCam = opened.hasClassifier ? { gradCam: grads } : {};
    rows.push({ name: subject.name, layers, ...gradCam, eigenCam: eigens });
  }
  return { images, rows };
}

async function withoutClassifier(subject: NetworkToExplain): Promise<ExplainedNetwork> {
  const { model, stats, [Symbol.dispose]: dispose } = await openBackbone(subject);
  const { config } = model;
  return { model, hasClassifier: false, stats, config, [Symbol.dispose]: dispose };
}

/** The layers that a network names; otherwise the one for the size of the images. */
function layersOf(
  { layers }: NetworkToExplain,
  { config }: Pick<ExplainedNetwork, "config">,
  { height, width }: ImageSet,
  layer: CamDepth | undefined,
): readonly string[] {
  return layers ?? [camLayerAt(config, Math.min(height, width), layer)];
}

const batchSize = 16; // images whose maps are computed at a time

/** Maps of all images, one batch at a time. */
async function* batches(
  { model, classNames, hasClassifier, stats }: ExplainedNetwork,
  images: ImageSet,
  { explain, layers }: Required<Pick<CamsOptions, "explain">> & Pick<CamRow, "layers">,
  pause: () => Promise<void>,
): AsyncGenerator<Omit<CamRow, "name" | "layers"> & { readonly from: number }> {
  const labels = explain === "label" && hasClassifier ? knownLabels(images, classNames) : undefined;
  const count = imageCount(images);
  for (let from = 0; from < count; from += batchSize) {
    const to = Math.min(from + batchSize, count);
    const x = imageBatch(images, from, to, stats);
    try {
      const classes = labels && [...labels.subarray(from, to)];
      const grads = hasClassifier ? await gradCam(model, x, { layers, classes }) : undefined;
      const named = grads?.map((map) => ({
        ...map,
        className: classNames?.[map.classIndex] ?? `class ${map.classIndex}`,
      }));
      yield {
        from,
        ...(named ? { gradCam: named } : {}),
        eigenCam: await eigenCam(model, x, { layers }),
      };
    } finally {
      x.dispose();
    }
    await pause();
  }
}

/** Labels of the images; their classes must be the network's. */
function knownLabels(images: ImageSet, classNames: readonly string[] | undefined): Int32Array {
  if (classNames?.join("\n") !== images.classNames.join("\n")) {
    throw new RangeError(
      `Cannot explain the labels of "${images.name}": the network was given other classes; leave explain at "choice"`,
    );
  }
  if (images.labels.includes(-1)) {
    throw new RangeError(
      `Cannot explain the labels of "${images.name}": an image has none; leave explain at "choice"`,
    );
  }
  return images.labels;
}

/** What the maps explain, and from where on they count as a hit. */
export interface ScoreCamsOptions extends Omit<CamsOptions, "gradCam"> {
  /** Share of a map's highest value from which a pixel counts as hot. */
  readonly threshold?: number;
}

/** Scores of one method's maps by one network. Fractions; errors are of the mean over images. */
export interface CamScoreRow {
  /** Seed of the run, where rows of several are together. */
  readonly seed?: number;
  /** Id of the run, where rows of several are together. */
  readonly run?: string;
  /** Name of the network, as it was given. */
  readonly name: string;
  /** How the maps were computed. */
  readonly method: "Grad-CAM" | "Eigen-CAM";
  /** Official names of the layers whose output was scored. */
  readonly layers: readonly string[];
  /** Side in pixels; `null` for a network whose blocks do not share one kernel size. */
  readonly kernelSize: number | null;
  /** Share of a map's highest value from which a pixel counted as hot. */
  readonly threshold: number;
  /** Mean and standard error over the images of each score. */
  readonly scores: Readonly<Record<keyof CamScores, MeanAndError>>;
}

/**
 * Scores how well the maps of each network find the object, on images with masks, such as the
 * emoji.
 *
 * @param options.explain By default the image's own class, whose object the mask shows.
 * @throws {RangeError} If the images have no masks; else as {@linkcode cams} and `camScores`.
 */
export async function scoreCams(
  subjects: readonly NetworkToExplain[],
  images: ImageSet,
  { explain = "label", layer, threshold = hotThreshold, signal }: ScoreCamsOptions = {},
): Promise<CamScoreRow[]> {
  const { masks } = images;
  if (!masks || imageCount(images) === 0) {
    throw new RangeError(
      `Cannot score maps of "${images.name}": need images with masks of their objects, as the emoji have`,
    );
  }
  const pause = interruptible("the scores of class activation maps", signal);
  const size = images.height * images.width;
  const rows: CamScoreRow[] = [];
  for (const subject of subjects) {
    using opened = await openExplained(subject, pause);
    const scores = { "Grad-CAM": [] as CamScores[], "Eigen-CAM": [] as CamScores[] };
    const layers = layersOf(subject, opened, images, layer);
    const all = batches(opened, images, { layers, explain }, pause);
    for await (const { from, gradCam = [], eigenCam } of all) {
      const score = (map: Heatmap, i: number) =>
        camScores(map, masks.subarray((from + i) * size, (from + i + 1) * size), { threshold });
      scores["Grad-CAM"].push(...gradCam.map(score));
      scores["Eigen-CAM"].push(...eigenCam.map(score));
    }
    const { kernelSize } = { kernelSize: null, ...opened.config } as { kernelSize: unknown };
    for (const [method, all] of Object.entries(scores)) {
      if (all.length === 0) continue;
      rows.push({
        name: subject.name,
        method: method as CamScoreRow["method"],
        layers,
        kernelSize: typeof kernelSize === "number" ? kernelSize : null,
        threshold,
        scores: averages(all),
      });
    }
  }
  return rows;
}

function averages(all: readonly CamScores[]): CamScoreRow["scores"] {
  const names = Object.keys(all[0]!) as (keyof CamScores)[];
  return Object.fromEntries(
    names.map((name) => [name, meanAndError(all.map((scores) => scores[name]))]),
  ) as CamScoreRow["scores"];
}
