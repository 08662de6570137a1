"""Loads what export_to_pytorch.ts wrote, with strict=True, into the plain definition, and compares the logits."""

import json
import pathlib
import sys

import torch
from safetensors.torch import load_file

sys.path.append(str(pathlib.Path(__file__).parents[3] / "models" / "golden"))
from convnext import ConvNeXt, tiny  # noqa: E402

folder = pathlib.Path(sys.argv[1])
model = ConvNeXt(*tiny, [9] * 4, batch_norm=True, bias=False).eval()
print(model.load_state_dict(load_file(folder / "weights.safetensors"), strict=True))
saved = json.loads((folder / "logits.json").read_text())
x = torch.tensor(saved["input"]).reshape(2, 224, 224, 3).permute(0, 3, 1, 2)
with torch.no_grad():
    logits, _, _ = model(x)
ours = torch.tensor(saved["logits"])
print("largest difference of a logit", (logits - ours).abs().max().item(), "of", logits.abs().max().item())
assert torch.allclose(logits, ours, rtol=0, atol=1e-5 * logits.abs().max().item())
