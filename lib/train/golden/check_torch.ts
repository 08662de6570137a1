/**
 * Proves that PyTorch takes what `saveWeights` writes, strictly, and computes the same with it.
 *
 *     deno run -A lib/train/golden/check_torch.ts <a python with torch and safetensors>
 */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { createConv2d, createDepthwiseConv2d, depthwiseConv2d, patchConv2d } from "lib/nn/conv.ts";
import { createLinear, linear } from "lib/nn/linear.ts";
import { batchNorm, createBatchNorm } from "lib/nn/norms.ts";
import { saveWeights } from "lib/train/weights.ts";

const inPyTorch = `
import json, sys, torch
from safetensors.torch import load_file
net = torch.nn.ModuleDict(dict(
    stem=torch.nn.Conv2d(3, 4, 2, 2), dwconv=torch.nn.Conv2d(4, 4, 5, padding=2, groups=4),
    bn=torch.nn.BatchNorm2d(4), head=torch.nn.Linear(4, 6)))
net.load_state_dict(load_file(sys.argv[1]), strict=True)
net.eval()
x = torch.arange(2 * 3 * 12 * 10).reshape(2, 12, 10, 3).permute(0, 3, 1, 2) / 100
y = net["bn"](net["dwconv"](net["stem"](x)))
print(json.dumps(net["head"](y.mean((2, 3))).flatten().tolist()))
`;

const rng = createRng(0);
const params = {
  stem: createConv2d(2, 3, 4, rng.fork("stem")),
  dwconv: createDepthwiseConv2d(5, 4, rng.fork("dwconv")),
  bn: createBatchNorm(4),
  head: createLinear(4, 6, rng.fork("head")),
};
params.bn.running_mean.assign(tf.tensor1d([0.1, -0.2, 0.3, 0]));
params.bn.running_var.assign(tf.tensor1d([1, 2, 0.5, 3]));

const folder = Deno.makeTempDirSync();
try {
  const path = `${folder}/x.safetensors`;
  saveWeights({ params }, path);
  const [python] = Deno.args;
  const command = new Deno.Command(python!, { args: ["-c", inPyTorch, path], stderr: "inherit" });
  const theirs = JSON.parse(new TextDecoder().decode((await command.output()).stdout)) as number[];
  const x = tf.range(0, 720).reshape<tf.Tensor4D>([2, 12, 10, 3]).div<tf.Tensor4D>(100);
  const maps = batchNorm(depthwiseConv2d(patchConv2d(x, params.stem), params.dwconv), params.bn, {
    training: false,
  });
  const ours = linear(maps.mean<tf.Tensor2D>([1, 2]), params.head).dataSync();
  const gap = Math.max(...theirs.map((value, i) => Math.abs(value - ours[i]!)));
  const scale = Math.max(...theirs.map(Math.abs));
  console.log(
    `PyTorch loads it strictly; ${theirs.length} outputs differ by ${gap / scale} at most`,
  );
  if (!(gap <= 1e-5 * scale)) Deno.exitCode = 1;
} finally {
  Deno.removeSync(folder, { recursive: true });
}
