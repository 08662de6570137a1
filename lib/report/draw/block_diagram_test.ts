import { bcSslConfig, convNeXtConfig } from "lib/models/mod.ts";
import { blockDiagram } from "lib/report/draw/block_diagram.ts";
import { colours, toSvg } from "lib/report/draw/plot.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("blockDiagram() draws what the config builds, and BC-SSL's changes in colour", () => {
  const original = toSvg(blockDiagram([{ title: "ConvNeXt", config: convNeXtConfig("tiny") }]));
  assertTrue(original.includes("depthwise 7×7") && original.includes("96 → 384"), "its layers");
  assertTrue(!original.includes("BatchNorm") && !original.includes(colours.vermilion), "unchanged");
  const config = bcSslConfig("nano", { kernelSize: 15 });
  const ours = toSvg(blockDiagram([{ title: "BC-SSL", config }]));
  assertTrue(ours.includes("depthwise 15×15") && ours.includes("80, no bias"), "its kernel");
  // the convolution, the BatchNorm
  assertEquals(ours.split(`stroke="${colours.vermilion}"`).length - 1, 2);
  const without = toSvg(blockDiagram([{ title: "", config: { ...config, layerScaleInit: 0 } }]));
  assertTrue(!without.includes("layer scale"), "no layer scale, no box");
});
