"""Swin (Liu et al. 2021) for images of any size, as EsViT's code has it, written again in plain PyTorch.

Makes swin.json and, after checking that timm's Swin-T agrees, swin_timm_names.json.

    python lib/models/golden/swin.py
"""

import json
import math
import pathlib
import re

import timm
import torch
import torch.nn.functional as F
from torch import nn

from formula import case, fill, image, write


class WindowAttention(nn.Module):
    def __init__(self, dim, heads, window):
        super().__init__()
        self.heads, self.window = heads, window
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))

    def position_bias(self):
        y, x = torch.meshgrid(torch.arange(self.window), torch.arange(self.window), indexing="ij")
        dy, dx = (a.flatten()[:, None] - a.flatten() + self.window - 1 for a in (y, x))
        return self.relative_position_bias_table[dy * (2 * self.window - 1) + dx].permute(2, 0, 1)

    def forward(self, x, apart):
        """`x` is `[B, windows, N, C]`; `apart`, `[windows, N, N]`, is true where two places are not to meet."""
        q, k, v = self.qkv(x).unflatten(3, (3, self.heads, -1)).permute(3, 0, 1, 4, 2, 5)
        scores = q @ k.mT / math.sqrt(q.shape[-1]) + self.position_bias()
        weights = (scores - 100.0 * apart[:, None]).softmax(-1)
        return self.proj((weights @ v).transpose(2, 3).flatten(3))


class TokenBatchNorm(nn.BatchNorm1d):
    """BatchNorm of each channel of `[B, H, W, C]` over images and tokens."""

    def forward(self, x):
        return super().forward(x.flatten(0, 2)).unflatten(0, x.shape[:3])


class Mlp(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.fc2 = nn.Linear(4 * dim, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


def regions(size, window, shift):
    """Which of three strips each row of the rolled map is from."""
    label = torch.zeros(size)
    label[size - window :] = 1
    if shift:
        label[size - shift :] = 2
    return label


class Block(nn.Module):
    def __init__(self, dim, heads, window, shift, eps, before_mlp):
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1 = nn.LayerNorm(dim, eps=eps)
        self.attn = WindowAttention(dim, heads, window)
        self.norm2 = (TokenBatchNorm if before_mlp == "bn" else nn.LayerNorm)(dim, eps=eps)
        self.mlp = Mlp(dim)

    def windows(self, x):
        """`[B, H, W, C]` to `[B, windows, N, C]`."""
        w = self.window
        return x.unflatten(2, (-1, w)).unflatten(1, (-1, w)).transpose(2, 3).flatten(3, 4).flatten(1, 2)

    def attention(self, x):
        (_, height, width, _), w, s = x.shape, self.window, self.shift
        x = F.pad(x, (0, 0, 0, -width % w, 0, -height % w)).roll((-s, -s), (1, 2))
        rows, columns = x.shape[1:3]
        if s:
            label = 3 * regions(rows, w, s)[:, None] + regions(columns, w, s)
        else:
            label = torch.zeros(rows, columns)
        label = self.windows(label[None, :, :, None])[0, :, :, 0]
        y = self.attn(self.windows(x), label[:, :, None] != label[:, None])
        y = y.unflatten(2, (w, w)).unflatten(1, (rows // w, columns // w)).transpose(2, 3)
        y = y.flatten(3, 4).flatten(1, 2).roll((s, s), (1, 2))
        return y[:, :height, :width]

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Merging(nn.Module):
    def __init__(self, dim, eps):
        super().__init__()
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = nn.LayerNorm(4 * dim, eps=eps)

    def forward(self, x):
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        corners = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, 3)))


class Swin(nn.Module):
    def __init__(self, dim, depths, heads, window, side, eps=1e-6, classes=1000, before_mlp=None):
        super().__init__()
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, dim, 4, 4)
        self.patch_embed.norm = nn.LayerNorm(dim, eps=eps)
        self.layers = nn.ModuleList()
        for i, depth in enumerate(depths):
            layer, grid = nn.Module(), side // 4 // 2**i
            w = min(window, grid)
            shifts = [window // 2 if grid > window and j % 2 else 0 for j in range(depth)]
            block = lambda shift: Block(dim << i, heads[i], w, shift, eps, before_mlp)
            layer.blocks = nn.Sequential(*[block(shift) for shift in shifts])
            if i + 1 < len(depths):
                layer.downsample = Merging(dim << i, eps)
            self.layers.append(layer)
        self.norm = nn.LayerNorm(dim << i, eps=eps)
        self.head = nn.Linear(dim << i, classes)

    def forward(self, x):
        x = self.patch_embed.norm(self.patch_embed.proj(x).permute(0, 2, 3, 1))
        maps = []
        for layer in self.layers:
            x = layer.blocks(x)
            maps.append(x.permute(0, 3, 1, 2))
            if hasattr(layer, "downsample"):
                x = layer.downsample(x)
        features = self.norm(x).mean((1, 2))
        return self.head(features), features, maps


def build(name, size, shape, window, side, eps=1e-6, classes=1000, before_mlp=None, **options):
    dim, depths, heads = shape
    config = {
        "arch": "swin",
        "embedDim": dim,
        "depths": depths,
        "numHeads": heads,
        "windowSize": window,
        "patchSize": 4,
        "imageSize": side,
        "normEps": eps,
        "dropPathRate": 0.1,
    }
    if before_mlp:
        config["normBeforeMlp"] = before_mlp
    model = Swin(dim, depths, heads, window, side, eps, classes, before_mlp)
    return case(name, model, config, size, classes=classes, **options)


def from_timm(name):
    """The official name of a weight of timm's, where a stage begins with what the stage before ends with."""
    name = re.sub(r"^layers\.(\d+)\.downsample\.", lambda m: f"layers.{int(m[1]) - 1}.downsample.", name)
    return name.replace("head.fc.", "head.")


def check_timm():
    """How far timm's Swin-T with the same weights is from this one, and what timm calls the weights."""
    theirs = timm.create_model("swin_tiny_patch4_window7_224").double().eval()
    ours = fill(Swin(*tiny, 7, 224, eps=1e-5)).eval()
    state = ours.state_dict()
    theirs.load_state_dict({name: state[from_timm(name)] for name in theirs.state_dict()})
    x = image(2, 224, 224)
    with torch.no_grad():
        print("timm differs by", (theirs(x) - ours(x)[0]).abs().max().item())
    return sorted(theirs.state_dict())


tiny = (96, [2, 2, 6, 2], [3, 6, 12, 24])
small = (16, [2, 2, 1], [2, 4, 2])

if __name__ == "__main__":
    names = pathlib.Path(__file__).with_name("swin_timm_names.json")
    names.write_text(json.dumps(check_timm()) + "\n")
    write(
        pathlib.Path(__file__).with_suffix(".json"),
        [
            build("Swin-T", (1, 224, 224), tiny, 7, 224),
            build("Swin-T", (1, 193, 157), tiny, 7, 224),
            build("Swin-T on local crops", (2, 96, 96), tiny, 7, 224, training=True),
            build("small Swin, padded and shifted", (2, 45, 54), small, 4, 40, classes=10, training=True, grads=True),
            build("small Swin, windows of 14", (1, 90, 73), small, 14, 96, classes=10, grads=True),
            build("small Swin with the official eps", (1, 33, 40), small, 4, 40, 1e-5, classes=10),
            build("small Swin, BatchNorm before MLPs", (2, 33, 40), small, 4, 40, 1e-5, classes=10, before_mlp="bn"),
            build(
                "small Swin, BatchNorm before MLPs, batch statistics",
                *((2, 45, 54), small, 4, 40, 1e-5),
                **dict(classes=10, training=True, grads=True, before_mlp="bn"),
            ),
        ],
    )
