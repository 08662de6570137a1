/**
 * Depthwise convolution and its gradients for kernels of any odd size, at stride 1 or 2.
 *
 * All three are one computation: for every place and channel of a result,
 *
 *     Σ over taps: map(place · placeStep + tap · tapStep − padding) · factor(tap)
 *
 * Forward the taps are those of the kernel; for the gradient of the map they are those of the
 * mirrored kernel, and the map is that of the output's gradients with zeros between them at stride
 * 2; for the gradient of the kernel the places are those of the kernel, and the taps are all
 * places of the output, whose gradients are the factors.
 *
 * A workgroup computes a tile of places for a few channels. It reads the part of the map that a
 * block of taps needs into its own memory, once, adds up these taps, and goes on with the next
 * block: so its memory suffices for kernels of any size. A thread holds four neighbouring places.
 */
import type * as tf from "lib/tf.ts";
import { run, type Shader, sizeOf, split } from "./program.ts";
import { runColumnSums, sumParts, sumsOfColumns } from "./sums.ts";
import { chooseTile, type WorkTile } from "./depthwise_tile.ts";

type Role = "forward" | "gradInput" | "gradWeight";

/** Numbers of a workgroup's memory for the map: 16 KiB with the few that a thread reads too far. */
export const memory = 4096;

interface Sizes {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** The whole computation. */
interface Correlation {
  readonly role: Role;
  readonly stride: number;
  /** Whether a tensor is added: a bias `[C]` forward, a map for the map's gradient. */
  readonly plus: boolean;
  /** Of the map that is read. */
  readonly map: Sizes;
  /** Height and width of the result, and of the taps. */
  readonly places: readonly [number, number];
  readonly taps: readonly [number, number];
  readonly padding: readonly [number, number];
}

/** @param inputs x `[B, H, W, C]`, weight `[kh, kw, C, 1]`, and perhaps bias `[C]`. */
export function depthwise(
  inputs: readonly tf.TensorInfo[],
  { stride }: { readonly stride: number },
): tf.TensorInfo[] {
  const [x, weight, ...bias] = inputs as [tf.TensorInfo, tf.TensorInfo, ...tf.TensorInfo[]];
  const map = sizesOf(x), kernel = kernelOf(weight);
  const places = strided(map, stride);
  const plan = {
    role: "forward",
    stride,
    plus: bias.length > 0,
    map,
    places,
    taps: kernel,
  } as const;
  return [
    correlate({ ...plan, padding: half(kernel) }, inputs, [map.images, ...places, map.channels]),
  ];
}

/** @param inputs dy, x for its shape, weight, and perhaps a map to add to the result. */
export function depthwiseGradInput(
  [dy, x, weight, ...plus]: readonly tf.TensorInfo[],
  { stride }: { readonly stride: number },
): tf.TensorInfo[] {
  const kernel = kernelOf(weight!), { height, width } = sizesOf(x!);
  const plan = { role: "gradInput", stride, plus: plus.length > 0, taps: kernel } as const;
  const places = [height, width] as const;
  const whole = {
    ...plan,
    map: { ...sizesOf(x!), ...named(strided(sizesOf(x!), stride)) },
    places,
  };
  return [correlate({ ...whole, padding: half(kernel) }, [dy!, weight!, ...plus], x!.shape)];
}

/** @param inputs dy, x, weight for its shape, and perhaps bias, which asks for its gradient. */
export function depthwiseGradWeight(
  [dy, x, weight, ...bias]: readonly tf.TensorInfo[],
  { stride }: { readonly stride: number },
): tf.TensorInfo[] {
  const map = sizesOf(x!), kernel = kernelOf(weight!);
  const plan = { role: "gradWeight", stride, plus: false, map, places: kernel } as const;
  const taps = strided(map, stride);
  const dweight = correlate({ ...plan, taps, padding: half(kernel) }, [x!, dy!], weight!.shape);
  if (bias.length === 0) return [dweight];
  const sums = runColumnSums(sumsOfColumns, [dy!], {
    rows: sizeOf(dy!) / map.channels,
    columns: map.channels,
  });
  return [dweight, ...split(sums, [[map.channels]])];
}

function sizesOf({ shape }: tf.TensorInfo): Sizes {
  const [images, height, width, channels] = shape as [number, number, number, number];
  return { images, height, width, channels };
}

function kernelOf({ shape }: tf.TensorInfo): readonly [number, number] {
  return [shape[0]!, shape[1]!];
}

function half([height, width]: readonly [number, number]): readonly [number, number] {
  return [height >> 1, width >> 1];
}

function named([height, width]: readonly [number, number]) {
  return { height, width };
}

function strided({ height, width }: Sizes, stride: number): readonly [number, number] {
  return [Math.ceil(height / stride), Math.ceil(width / stride)];
}

/** How far the map moves from one place to the next, and from one tap to the next. */
function steps({ role, stride }: Pick<Correlation, "role" | "stride">): readonly [number, number] {
  return [role === "forward" ? stride : 1, role === "gradWeight" ? stride : 1];
}

function correlate(
  plan: Correlation,
  inputs: readonly tf.TensorInfo[],
  shape: readonly number[],
): tf.TensorInfo {
  const { role, map, places, taps, padding } = plan;
  const [placeStep, tapStep] = steps(plan);
  const tile = chooseTile({ places, taps, placeStep, tapStep, channels: map.channels, memory });
  const across = Math.ceil(places[1] / tile.width);
  const tiles = Math.ceil(places[0] / tile.height) * across;
  const blocks = Math.ceil(map.channels / tile.channels);
  // Blocks of rows of taps, of one image forward, of all images for the gradient of the kernel.
  const rowsOfTaps = Math.ceil(taps[0] / tile.tapRows);
  const units = rowsOfTaps * (role === "gradWeight" ? map.images : 1);
  const wanted = role === "gradWeight" ? Math.ceil(1024 / (tiles * blocks)) : 1;
  const perPart = Math.ceil(units / Math.min(units, wanted));
  const parts = Math.ceil(units / perPart);
  const result = run(shaderOf(plan, tile), inputs, {
    shape: parts === 1 ? shape : [parts, ...shape],
    groups: [tiles, blocks, role === "gradWeight" ? parts : map.images],
    uniforms: [
      ...[map.channels, map.height, map.width, ...places, ...taps, ...padding],
      ...[tile.height, tile.width / 4, tile.tapRows, tile.tapColumns],
      ...[rowsOfTaps, units, perPart, across],
    ],
  });
  return parts === 1 ? result : sumParts(result, parts, shape);
}

const uniforms = [
  ...[
    "channels",
    "height",
    "width",
    "rows",
    "columns",
    "tapsDown",
    "tapsAcross",
    "above",
    "before",
  ],
  ...[
    "tileRows",
    "quads",
    "tapRows",
    "tapColumns",
    "rowsOfTaps",
    "units",
    "perPart",
    "tilesAcross",
  ],
];

/** How the map is read: `column` and `row` may lie outside of it. */
function mapValue({ role, stride }: Correlation): string {
  const place = role !== "gradInput" || stride === 1 ? "let r = row; let c = column;" : `
  if (row % ${stride} != 0 || column % ${stride} != 0) { return 0.0; }
  let r = row / ${stride};
  let c = column / ${stride};`;
  return `
fn mapValue(image: i32, row: i32, column: i32, channel: i32) -> f32 {
  if (row < 0 || column < 0 || channel >= uniforms.channels) { return 0.0; }
  ${place}
  if (r >= uniforms.height || c >= uniforms.width) { return 0.0; }
  return x[((image * uniforms.height + r) * uniforms.width + c) * uniforms.channels + channel];
}`;
}

/** The factor of a tap. */
function factor(role: Role): string {
  const [row, column] = role === "gradInput"
    ? ["uniforms.tapsDown - 1 - row", "uniforms.tapsAcross - 1 - column"]
    : ["row", "column"];
  const image = role === "gradWeight" ? "image * uniforms.tapsDown + " : "";
  return `
fn factorOf(image: i32, row: i32, column: i32, channel: i32) -> f32 {
  return factors[((${image}${row}) * uniforms.tapsAcross + ${column}) * uniforms.channels + channel];
}`;
}

function shaderOf(plan: Correlation, tile: WorkTile): Shader {
  const { role, stride, plus } = plan;
  const { channels, threads } = tile;
  const [placeStep, tapStep] = steps(plan);
  const four = 4 * placeStep;
  return {
    name: `depthwise_${role}_${stride}_${plus ? "plus_" : ""}${channels}_${threads}`,
    inputs: ["x", "factors", ...(plus ? ["plus"] : [])],
    uniforms,
    threads,
    code: `
var<workgroup> tile: array<f32, ${memory}>;
${mapValue(plan)}
${factor(role)}
fn main() {
  let c = i32(localIndex) % ${channels};
  let quad = i32(localIndex) / ${channels} % uniforms.quads;
  let down = i32(localIndex) / ${channels} / uniforms.quads;
  let working = down < uniforms.tileRows;
  let top = i32(workgroupId.x) / uniforms.tilesAcross * uniforms.tileRows;
  let left = i32(workgroupId.x) % uniforms.tilesAcross * uniforms.quads * 4;
  let firstChannel = i32(workgroupId.y) * ${channels};
  let channel = min(firstChannel + c, uniforms.channels - 1);
  let z = i32(workgroupId.z);
  let begin = ${role === "gradWeight" ? "z * uniforms.perPart" : "0"};
  let end = min(begin + uniforms.perPart, uniforms.units);
  var total = vec4<f32>(0.0);
  for (var unit = begin; unit < end; unit++) {
    let image = ${role === "gradWeight" ? "unit / uniforms.rowsOfTaps" : "z"};
    let firstRow = unit % uniforms.rowsOfTaps * uniforms.tapRows;
    let tapRows = min(uniforms.tapRows, uniforms.tapsDown - firstRow);
    for (var firstColumn = 0; firstColumn < uniforms.tapsAcross; firstColumn += uniforms.tapColumns) {
      let tapColumns = min(uniforms.tapColumns, uniforms.tapsAcross - firstColumn);
      let wide = (uniforms.quads * 4 - 1) * ${placeStep} + (tapColumns - 1) * ${tapStep} + 1;
      let high = (uniforms.tileRows - 1) * ${placeStep} + (tapRows - 1) * ${tapStep} + 1;
      workgroupBarrier();
      for (var k = i32(localIndex); k < high * wide * ${channels}; k += ${threads}) {
        let place = k / ${channels};
        let row = top * ${placeStep} + firstRow * ${tapStep} + place / wide - uniforms.above;
        let column = left * ${placeStep} + firstColumn * ${tapStep} + place % wide - uniforms.before;
        tile[k] = mapValue(image, row, column, firstChannel + k % ${channels});
      }
      workgroupBarrier();
      var sum = vec4<f32>(0.0);
      for (var row = 0; row < select(0, tapRows, working); row++) {
        let start = ((down * ${placeStep} + row * ${tapStep}) * wide + quad * ${four}) * ${channels} + c;
        ${addRow(placeStep, tapStep, channels)}
      }
      total += sum;
    }
  }
  let row = top + down;
  if (working && row < uniforms.rows && firstChannel + c < uniforms.channels) {
    for (var k = 0; k < 4; k++) {
      let column = left + quad * 4 + k;
      if (column < uniforms.columns) {
        let i = ((z * uniforms.rows + row) * uniforms.columns + column) * uniforms.channels + channel;
        result[i] = total[k]${plus ? ` + plus[${role === "forward" ? "channel" : "i"}]` : ""};
      }
    }
  }
}`,
  };
}

/**
 * Adds one row of taps to the four places of a thread. Where places and taps move by one, the four
 * numbers of the map move along with the tap, and one more is read for each.
 */
function addRow(placeStep: number, tapStep: number, channels: number): string {
  const at = (k: number) => `tile[at + ${k * placeStep * channels}]`;
  const four = `vec4<f32>(${at(0)}, ${at(1)}, ${at(2)}, ${at(3)})`;
  const read = "let f = factorOf(image, firstRow + row, firstColumn + column, channel);";
  return placeStep === 1 && tapStep === 1
    ? `var at = start;
        var window = ${four};
        for (var column = 0; column < tapColumns; column++) {
          ${read}
          sum += f * window;
          window = vec4<f32>(window.yzw, ${at(4)});
          at += ${channels};
        }`
    : `for (var column = 0; column < tapColumns; column++) {
          ${read}
          let at = start + column * ${tapStep * channels};
          sum += f * ${four};
        }`;
}
