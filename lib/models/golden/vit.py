"""The Vision Transformer of Caron et al. 2021 (DINO), and ViT-BN (Chen et al. 2021), written again in plain PyTorch.

Makes vit.json, after checking that timm's ViT-S/16 agrees, and that the interpolation of the position table is the one
that `F.interpolate` gives when DINO calls it.

    python lib/models/golden/vit.py
"""

import math
import pathlib

import timm
import torch
import torch.nn.functional as F
from torch import nn

from formula import case, fill, image, values, write


class TokenBatchNorm(nn.BatchNorm1d):
    """BatchNorm of each channel of `[B, N, C]` over images and tokens."""

    def forward(self, x):
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weights = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.fc2 = nn.Linear(4 * dim, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, dim, heads, norm):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, heads)
        self.norm2 = norm(dim, eps=1e-6)
        self.mlp = Mlp(dim)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, dim, depth, heads, patch, side, norm="layer", classes=1000, before_mlp=None):
        super().__init__()
        Norm = {"layer": nn.LayerNorm, "batch": TokenBatchNorm}[norm]
        BeforeMlp = TokenBatchNorm if before_mlp == "bn" else Norm
        self.patch, self.grid = patch, side // patch
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, self.grid**2 + 1, dim))
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, dim, patch, patch)
        self.blocks = nn.Sequential(*[Block(dim, heads, BeforeMlp) for _ in range(depth)])
        self.norm = Norm(dim, eps=1e-6)
        self.head = nn.Linear(dim, classes)

    def positions(self, height, width):
        rows, columns = height // self.patch, width // self.patch
        if rows * columns == self.grid**2 and height == width:
            return self.pos_embed
        table = self.pos_embed[:, 1:].unflatten(1, (self.grid, self.grid))
        table = torch.einsum("yi,xj,bijc->byxc", cubic(self.grid, rows), cubic(self.grid, columns), table)
        return torch.cat([self.pos_embed[:, :1], table.flatten(1, 2)], 1)

    def forward(self, x):
        height, width = x.shape[2:]
        patches = self.patch_embed.proj(x)
        tokens = torch.cat([self.cls_token.expand(len(x), -1, -1), patches.flatten(2).mT], 1)
        tokens = self.blocks(tokens + self.positions(height, width))
        features = self.norm(tokens)[:, 0]
        return self.head(features), features, [tokens[:, 1:].mT.unflatten(2, patches.shape[2:])]


def cubic(old, new):
    """`[new, old]`: cubic convolution with a = -0.75, and DINO's 0.1 of a patch added to the size asked for."""
    a, matrix = -0.75, torch.zeros(new, old, dtype=torch.float64)
    for y in range(new):
        source = (y + 0.5) * old / (new + 0.1) - 0.5
        for tap in range(math.floor(source) - 1, math.floor(source) + 3):
            d = abs(source - tap)
            near = (a + 2) * d**3 - (a + 3) * d**2 + 1
            far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
            matrix[y, min(max(tap, 0), old - 1)] += near if d <= 1 else far
    return matrix


def check_positions():
    table = values("pos_embed", (1, 14, 14, 8)).double()
    for height, width in ((12, 9), (6, 6), (14, 14), (20, 37)):
        scale = ((height + 0.1) / 14, (width + 0.1) / 14)
        theirs = F.interpolate(table.permute(0, 3, 1, 2), scale_factor=scale, mode="bicubic")
        ours = torch.einsum("yi,xj,bijc->bcyx", cubic(14, height), cubic(14, width), table)
        print(f"positions {height}x{width} differ by", (theirs - ours).abs().max().item())


def check_timm():
    theirs = timm.create_model("vit_small_patch16_224").double().eval()
    ours = fill(ViT(*small, 16, 224)).eval()
    theirs.load_state_dict(ours.state_dict())
    x = image(2, 224, 224)
    with torch.no_grad():
        print("timm differs by", (theirs(x) - ours(x)[0]).abs().max().item())


def build(name, size, shape, patch, side, norm="layer", classes=1000, before_mlp=None, **options):
    dim, depth, heads = shape
    config = {
        "arch": "vit",
        "embedDim": dim,
        "depth": depth,
        "numHeads": heads,
        "patchSize": patch,
        "imageSize": side,
        "norm": norm,
        "dropPathRate": 0.1,
    }
    if before_mlp:
        config["normBeforeMlp"] = before_mlp
    model = ViT(dim, depth, heads, patch, side, norm, classes, before_mlp)
    return case(name, model, config, size, classes=classes, **options)


small = (384, 12, 6)
tiny = (24, 3, 3)

if __name__ == "__main__":
    check_positions()
    check_timm()
    write(
        pathlib.Path(__file__).with_suffix(".json"),
        [
            build("ViT-S/16", (1, 224, 224), small, 16, 224),
            build("ViT-S/16", (1, 193, 157), small, 16, 224),
            build("ViT-S/16 on local crops", (2, 96, 96), small, 16, 224, training=True),
            build("small ViT", (2, 37, 45), tiny, 8, 32, classes=10, grads=True),
            build("small ViT, same patches from a wider image", (2, 32, 36), tiny, 8, 32, classes=10),
            build("small ViT-BN", (3, 40, 24), tiny, 8, 32, "batch", classes=10),
            build("small ViT-BN, batch statistics", (3, 32, 32), tiny, 8, 32, "batch", classes=10, training=True, grads=True),
            build("small ViT, BatchNorm before MLPs", (3, 40, 24), tiny, 8, 32, classes=10, before_mlp="bn"),
        ],
    )
