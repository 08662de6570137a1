import { dirname, fromFileUrl, join } from "@std/path";
import * as tf from "lib/tf.ts";
import { alone, type World } from "lib/distributed/world.ts";
import { toPng, toSvg } from "lib/report/draw/plot.ts";
import { verdict } from "./scaling_bench.ts";
import { scalingFigure } from "./scaling_figure.ts";
import {
  bytesByPurpose,
  predictedEfficiency,
  predictedSeconds,
  type WorldCall,
} from "./scaling_model.ts";
import { noting } from "./scaling_worker.ts";
import { dinoStep } from "./subjects.ts";
import { tinyStep } from "./cases.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertSvgSnapshot, borderIsWhite } from "lib/testing/snapshot.ts";

/** A mean of 2 GB and a gather of 1 GB from each node. */
const calls: readonly WorldCall[] = [
  { operation: "mean", shape: [500, 1_000_000] },
  { operation: "gather", shape: [250_000_000] },
];

Deno.test("predictedSeconds() is compute, bytes over bandwidth and latency, by hand", () => {
  const measured = { computeSeconds: 10, calls, callSeconds: 0.5 };
  const at = (nodes: number, latency: "per call" | "per round of the ring") =>
    predictedSeconds(measured, { nodes, bandwidth: 1e9, latency });
  assertEquals(at(1, "per call"), 10);
  // Two nodes: 2 · 1/2 · 2 GB and 1 GB at 1 GB/s; two calls of half a second.
  assertClose([at(2, "per call"), at(2, "per round of the ring")], [14, 14]);
  // Four nodes: 2 · 3/4 · 2 GB and 3 · 1 GB; three rounds instead of one.
  assertClose([at(4, "per call"), at(4, "per round of the ring")], [17, 19]);
  // A packed mean of 1 GB: two calls, which send 3/4 GB each from one of four nodes.
  const packed = [{ operation: "begun packed mean", shape: [250_000_000] }] as const;
  const ofPacked = predictedSeconds({ ...measured, calls: packed }, {
    ...{ nodes: 4, bandwidth: 1e9, latency: "per call" },
  });
  assertClose([ofPacked], [10 + 1.5 + 1]);
  assertClose(
    [predictedEfficiency({ ...measured, gradients: "bf16", calls: packed }, {
      ...{ nodes: 4, gigabit: 8, latency: "per call" },
    })],
    [10 / 12.5],
  );
  assertThrows(() => at(0, "per call"), RangeError, "on 0 nodes");
  assertThrows(() => at(1.5, "per call"), RangeError, "on 1.5 nodes");
});

Deno.test("bytesByPurpose() of a step of DINO finds BatchNorm, centre and all gradients", () => {
  const notedIn = (gradients?: "bf16"): WorldCall[] => {
    const noted: WorldCall[] = [];
    const gather: World["gather"] = (x) => tf.concat([x, x] as tf.Tensor[]) as typeof x;
    dinoStep(subject, { world: noting({ ...alone, size: 2, gather }, noted), gradients })();
    return noted;
  };
  const full = tinyStep(3, 1);
  const subject = {
    ...full,
    model: { ...full.model, depths: [1, 2], dims: [8, 12] } as typeof full.model,
    head: { ...full.head, hiddenDim: 10, bottleneckDim: 6, outDim: 20 },
    ...{ batch: 2, globalSize: 32, localSize: 16, localCrops: 1 },
  };
  // The teacher's pass, and the student's forward and backward pass on both sizes, each with a
  // mean and a variance, or two means of gradients, of 8 + 12 + 12 channels.
  const BatchNorm = 4 * 5 * 2 * 32;
  // Loss and entropy, 20 centres, and 12 features of two large views of two images.
  const centre = 4 * (2 + 20 + 2 * 2 * 12);
  // A depthwise kernel, BatchNorm and LayerNorm, two linear layers, the layer scale.
  const block = (c: number) => 9 * c + 4 * c + (4 * c * c + 4 * c) + (4 * c * c + c) + c;
  const backbone = 3 * 16 * 8 + 8 + 2 * 8 + // stem
    block(8) + 2 * block(12) + 2 * 8 + 4 * 8 * 12 + 12 + 2 * 12; // downsampling, last norm
  const head = 12 * 10 + 10 + 10 * 10 + 10 + 10 * 6 + 6 + 20 * 6;
  const expected = { BatchNorm, "centre and signals": centre, gradients: 4 * (backbone + head) };
  assertEquals(bytesByPurpose(notedIn(), 2), expected);
  // In bf16, filled up to two parts of a multiple of 16 numbers.
  const halved = 2 * 32 * Math.ceil((backbone + head) / 32);
  assertEquals(bytesByPurpose(notedIn("bf16"), 2), { ...expected, gradients: halved });
});

Deno.test("verdict() judges an efficiency by 85 %, and not on a busy machine", () => {
  assertEquals(verdict(0.85, 0.5), "85.0 %: at least 85 %");
  assertEquals(verdict(0.84, 0.1), "84.0 %: below 85 %");
  assertTrue(verdict(0.9, 0.51).startsWith("90.0 %, but no verdict"), "busy");
});

Deno.test("the drawing of scalingFigure is the committed one, and not cut at its border", async () => {
  const packed = [{ operation: "begun packed mean", shape: [250, 1_000_000] }, calls[1]!] as const;
  const measured = [["fp32", calls], ["bf16", packed]] as const;
  const svg = toSvg(scalingFigure(
    measured.map(([gradients, calls]) => ({
      ...{ gradients, computeSeconds: 20, calls, callSeconds: 0.1 },
    })),
    ["made up", "a machine"],
  ));
  const here = dirname(fromFileUrl(import.meta.url));
  assertSvgSnapshot(svg, join(here, "snapshots", "scalingFigure.svg"));
  assertEquals(await borderIsWhite(await toPng(svg)), true);
});
