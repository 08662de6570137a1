/**
 * RoIAlign and its gradient, lib/detect/boxes/roi_align.ts, one number of the result at a time. In
 * the gradient, each number of the map adds up what the regions of its image give it, in their
 * order, so that two runs agree to the last bit.
 */
import type * as tf from "lib/tf.ts";
import { elementwise, runElementwise } from "./elementwise.ts";

type Infos = readonly tf.TensorInfo[];

/** What both kernels need beside tensors. */
export interface RoiAlignConstants {
  /** S, cells along each side of a region. */
  readonly size: number;
  /** Samples along each side of a cell; 0 for as many as it has pixels of the map, rounded up. */
  readonly sampling: number;
  /** 1 if the centres of pixels are at halves. */
  readonly aligned: number;
  /** Pixels of the map for one of the image. */
  readonly scale: number;
}

const uniforms = [
  ...["channels", "height", "width", "regionCount"],
  ...["cells", "sampling", "aligned", "scale: f32"],
];

/** WGSL: where samples lie. An axis is 0 for x and 1 for y. */
const sampling = `
fn startOf(region: i32, axis: i32) -> f32 {
  return regions[region * 5 + 1 + axis] * uniforms.scale - select(0.0, 0.5, uniforms.aligned == 1);
}
fn extentOf(region: i32, axis: i32) -> f32 {
  let end = regions[region * 5 + 3 + axis] * uniforms.scale - select(0.0, 0.5, uniforms.aligned == 1);
  let extent = end - startOf(region, axis);
  return select(max(extent, 1.0), extent, uniforms.aligned == 1);
}
fn samplesOf(extent: f32) -> i32 {
  return select(i32(ceil(extent / f32(uniforms.cells))), uniforms.sampling, uniforms.sampling > 0);
}
fn placeOf(start: f32, extent: f32, cell: i32, sample: i32, samples: i32) -> f32 {
  let cells = f32(cell) + (f32(sample) + 0.5) / f32(samples);
  return start + cells * extent / f32(uniforms.cells);
}`;

const forward = elementwise({
  name: "roi_align",
  inputs: ["x", "regions"],
  uniforms,
  functions: `${sampling}
fn isOutside(place: f32, length: i32) -> bool { return place < -1.0 || place > f32(length); }
fn mapValue(image: i32, row: i32, column: i32, channel: i32) -> f32 {
  let line = image * uniforms.height + min(row, uniforms.height - 1);
  let pixel = line * uniforms.width + min(column, uniforms.width - 1);
  return x[pixel * uniforms.channels + channel];
}
fn sampleOf(image: i32, y: f32, x: f32, channel: i32) -> f32 {
  if (isOutside(y, uniforms.height) || isOutside(x, uniforms.width)) { return 0.0; }
  let inY = clamp(y, 0.0, f32(uniforms.height - 1));
  let inX = clamp(x, 0.0, f32(uniforms.width - 1));
  let row = i32(floor(inY));
  let column = i32(floor(inX));
  let above = mix(mapValue(image, row, column, channel), mapValue(image, row, column + 1, channel), inX - floor(inX));
  let below = mix(mapValue(image, row + 1, column, channel), mapValue(image, row + 1, column + 1, channel), inX - floor(inX));
  return mix(above, below, inY - floor(inY));
}`,
  body: `let channel = i % uniforms.channels;
    let column = i / uniforms.channels % uniforms.cells;
    let row = i / (uniforms.channels * uniforms.cells) % uniforms.cells;
    let region = i / (uniforms.channels * uniforms.cells * uniforms.cells);
    let image = i32(regions[region * 5]);
    let high = extentOf(region, 1);
    let wide = extentOf(region, 0);
    let down = samplesOf(high);
    let across = samplesOf(wide);
    for (var s = 0; s < down; s++) {
      let y = placeOf(startOf(region, 1), high, row, s, down);
      for (var t = 0; t < across; t++) {
        value += sampleOf(image, y, placeOf(startOf(region, 0), wide, column, t, across), channel);
      }
    }
    value /= f32(max(down * across, 1));`,
});

/** Every number of the map looks for the cells that have samples beside it. */
const backward = elementwise({
  name: "roi_align_grad",
  inputs: ["dy", "regions"],
  uniforms,
  functions: `${sampling}
// The share of a cell's samples that a pixel has along an axis.
fn shareOf(pixel: i32, length: i32, start: f32, extent: f32, cell: i32) -> f32 {
  let samples = samplesOf(extent);
  var share = 0.0;
  for (var s = 0; s < samples; s++) {
    let place = placeOf(start, extent, cell, s, samples);
    if (place < -1.0 || place > f32(length)) { continue; }
    let inside = clamp(place, 0.0, f32(length - 1));
    share += max(0.0, 1.0 - abs(inside - f32(pixel)));
  }
  return share / f32(max(samples, 1));
}
// The first and the last cell that can have samples beside a pixel.
fn cellsAt(pixel: i32, length: i32, start: f32, extent: f32) -> vec2<i32> {
  let last = uniforms.cells - 1;
  let perCell = extent / f32(uniforms.cells);
  if (perCell <= 0.0) { return vec2<i32>(0, last); }
  let first = i32(floor((f32(pixel) - 1.0 - start) / perCell)) - 1;
  let end = i32(floor((f32(pixel) + 1.0 - start) / perCell)) + 1;
  return vec2<i32>(
    select(max(first, 0), 0, pixel == 0),
    select(min(end, last), last, pixel == length - 1));
}`,
  body: `let channel = i % uniforms.channels;
    let column = i / uniforms.channels % uniforms.width;
    let row = i / (uniforms.channels * uniforms.width) % uniforms.height;
    let image = i / (uniforms.channels * uniforms.width * uniforms.height);
    for (var region = 0; region < uniforms.regionCount; region++) {
      if (i32(regions[region * 5]) != image) { continue; }
      let top = startOf(region, 1);
      let left = startOf(region, 0);
      let high = extentOf(region, 1);
      let wide = extentOf(region, 0);
      let rows = cellsAt(row, uniforms.height, top, high);
      let columns = cellsAt(column, uniforms.width, left, wide);
      for (var down = rows.x; down <= rows.y; down++) {
        let share = shareOf(row, uniforms.height, top, high, down);
        if (share == 0.0) { continue; }
        for (var across = columns.x; across <= columns.y; across++) {
          let cell = (region * uniforms.cells + down) * uniforms.cells + across;
          value += share * shareOf(column, uniforms.width, left, wide, across)
            * dy[cell * uniforms.channels + channel];
        }
      }
    }`,
});

/** The gradient of no region. */
const zeros = elementwise({ name: "zeros", inputs: [], body: "value = 0.0;" });

function constants(
  map: tf.TensorInfo,
  regions: tf.TensorInfo,
  { size, sampling, aligned, scale }: RoiAlignConstants,
): number[] {
  const [, height, width, channels] = map.shape as [number, number, number, number];
  return [channels, height, width, regions.shape[0]!, size, sampling, aligned, scale];
}

/**
 * @param inputs x `[B, H, W, C]` and regions `[R, 5]`: the number of the image, then the box.
 * @returns `[R, S, S, C]`
 */
export function roiAlign([x, regions]: Infos, options: RoiAlignConstants): tf.TensorInfo[] {
  const shape = [regions!.shape[0]!, options.size, options.size, x!.shape[3]!];
  return [runElementwise(forward, [x!, regions!], shape, constants(x!, regions!, options))];
}

/** @param inputs dy, x for its shape, regions */
export function roiAlignGrad([dy, x, regions]: Infos, options: RoiAlignConstants): tf.TensorInfo[] {
  if (regions!.shape[0] === 0) return [runElementwise(zeros, [], x!.shape)];
  return [runElementwise(backward, [dy!, regions!], x!.shape, constants(x!, regions!, options))];
}
