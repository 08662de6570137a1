"""ConvNeXt, isotropic ConvNeXt and BC-SSL, written again in plain PyTorch from Liu et al. 2022 and §3.3 of the paper.

Makes convnext.json and, after checking that timm's ConvNeXt-T agrees, convnext_timm_names.json.

    python lib/models/golden/convnext.py
"""

import json
import pathlib
import re

import timm
import torch
import torch.nn.functional as F
from torch import nn

from formula import case, fill, image, write


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of `[B, C, H, W]`."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    def __init__(self, dim, kernel, batch_norm, bias, layer_scale=True):
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, kernel, padding=kernel // 2, groups=dim, bias=bias)
        if batch_norm:
            self.bn = nn.BatchNorm2d(dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.pwconv2 = nn.Linear(4 * dim, dim)
        if layer_scale:
            self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        y = self.dwconv(x)
        if hasattr(self, "bn"):
            y = self.bn(y)
        y = self.pwconv2(F.gelu(self.pwconv1(self.norm(y.permute(0, 2, 3, 1)))))
        if hasattr(self, "gamma"):
            y = self.gamma * y
        return x + y.permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self, depths, dims, kernels, batch_norm, bias, patch=4, classes=1000):
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, dims[0], patch, patch), ChannelNorm(dims[0], eps=1e-6))
        halvings = [
            nn.Sequential(ChannelNorm(a, eps=1e-6), nn.Conv2d(a, b, 2, 2)) for a, b in zip(dims, dims[1:])
        ]
        self.downsample_layers = nn.ModuleList([stem, *halvings])
        self.stages = nn.ModuleList(
            nn.Sequential(*[Block(dim, k, batch_norm, bias) for _ in range(depth)])
            for depth, dim, k in zip(depths, dims, kernels)
        )
        self.norm = nn.LayerNorm(dims[-1], eps=1e-6)
        self.head = nn.Linear(dims[-1], classes)

    def forward(self, x):
        maps = []
        for down, stage in zip(self.downsample_layers, self.stages):
            x = stage(down(x))
            maps.append(x)
        features = self.norm(x.mean((2, 3)))
        return self.head(features), features, maps


class Isotropic(nn.Module):
    def __init__(self, depth, dim, kernel, patch, layer_scale, classes=1000):
        super().__init__()
        self.stem = nn.Conv2d(3, dim, patch, patch)
        self.blocks = nn.Sequential(*[Block(dim, kernel, False, True, layer_scale) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, classes)

    def forward(self, x):
        x = self.blocks(self.stem(x))
        features = self.norm(x.mean((2, 3)))
        return self.head(features), features, [x]


def config(depths, dims, kernel, batch_norm, bias):
    return {
        "arch": "convnext",
        "depths": depths,
        "dims": dims,
        "kernelSize": kernel,
        "batchNorm": batch_norm,
        "dwconvBias": bias,
        "patchSize": 4,
        "dropPathRate": 0.1,
        "layerScaleInit": 1e-6,
    }


def build(name, depths, dims, kernel, batch_norm, bias, size, classes=1000, **options):
    kernels = kernel if isinstance(kernel, list) else [kernel] * len(dims)
    model = ConvNeXt(depths, dims, kernels, batch_norm, bias, classes=classes)
    return case(name, model, config(depths, dims, kernel, batch_norm, bias), size, classes=classes, **options)


def isotropic(name, depth, dim, layer_scale, size, classes=1000, **options):
    model = Isotropic(depth, dim, 7, 16, layer_scale > 0, classes)
    settings = {
        "arch": "convnext_isotropic",
        "depth": depth,
        "dim": dim,
        "kernelSize": 7,
        "batchNorm": False,
        "dwconvBias": True,
        "layerScaleInit": layer_scale,
        "patchSize": 16,
        "dropPathRate": 0.1,
    }
    return case(name, model, settings, size, classes=classes, **options)


def from_timm(name):
    """The official name of a weight of timm's."""
    rules = (
        (r"^stem\.", "downsample_layers.0."),
        (r"^stages\.(\d+)\.downsample\.", r"downsample_layers.\1."),
        (r"\.blocks\.", "."),
        (r"\.conv_dw\.", ".dwconv."),
        (r"\.mlp\.fc", ".pwconv"),
        (r"^head\.(norm\.)?(fc\.)?", lambda m: "norm." if m[1] else "head."),
    )
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def check_timm():
    """How far timm's ConvNeXt-T with the same weights is from this one; and what timm calls the weights of its atto."""
    theirs = timm.create_model("convnext_tiny").double().eval()
    ours = fill(ConvNeXt(*tiny, [7] * 4, False, True)).eval()
    state = ours.state_dict()
    theirs.load_state_dict({name: state[from_timm(name)] for name in theirs.state_dict()})
    x = image(2, 224, 224)
    with torch.no_grad():
        print("timm differs by", (theirs(x) - ours(x)[0]).abs().max().item())
    return sorted(timm.create_model("convnext_atto").state_dict())


tiny = ([3, 3, 9, 3], [96, 192, 384, 768])
small = ([1, 2], [8, 16])

if __name__ == "__main__":
    names = pathlib.Path(__file__).with_name("convnext_timm_names.json")
    names.write_text(json.dumps(check_timm()) + "\n")
    write(
        pathlib.Path(__file__).with_suffix(".json"),
        [
            build("ConvNeXt-T", *tiny, 7, False, True, (1, 224, 224)),
            build("ConvNeXt-T", *tiny, 7, False, True, (1, 193, 157)),
            build("BC-SSL-T", *tiny, 9, True, False, (1, 224, 224)),
            build("BC-SSL-T, batch statistics", *tiny, 9, True, False, (2, 101, 135), training=True),
            build("small ConvNeXt", *small, 7, False, True, (2, 33, 40), 10, grads=True),
            build("small BC-SSL, kernels by stage", *small, [15, 5], True, False, (3, 32, 40), 10, training=True, grads=True),
            isotropic("isotropic ConvNeXt-S", 18, 384, 0, (1, 224, 224)),
            isotropic("small isotropic ConvNeXt with layer scale", 2, 12, 1e-6, (2, 50, 66), 10, grads=True),
        ],
    )
