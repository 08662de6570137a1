"""RepLKNet, written again in plain PyTorch from Ding et al. 2022, section 4.1, with the official names.

Makes replknet.json, after checking that merging the kernels leaves the output what it was.

    python lib/models/golden/replknet.py
"""

import pathlib

import torch
import torch.nn.functional as F
from torch import nn

from formula import case, fill, image, write


class ConvBn(nn.Module):
    def __init__(self, inputs, outputs, size, stride=1, groups=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.bn(self.conv(x))

    def folded(self):
        scale = self.bn.weight / (self.bn.running_var + self.bn.eps).sqrt()
        return self.conv.weight * scale[:, None, None, None], self.bn.bias - self.bn.running_mean * scale


class LargeKernel(nn.Module):
    def __init__(self, dim, size, small):
        super().__init__()
        self.lkb_origin = ConvBn(dim, dim, size, groups=dim)
        self.small_conv = ConvBn(dim, dim, small, groups=dim)

    def forward(self, x):
        if hasattr(self, "lkb_reparam"):
            return self.lkb_reparam(x)
        return self.lkb_origin(x) + self.small_conv(x)

    def merge(self):
        (large, shift), (small, small_shift) = self.lkb_origin.folded(), self.small_conv.folded()
        margin = (large.shape[2] - small.shape[2]) // 2
        self.lkb_reparam = nn.Conv2d(len(large), len(large), large.shape[2], padding=large.shape[2] // 2, groups=len(large))
        self.lkb_reparam.weight = nn.Parameter((large + F.pad(small, [margin] * 4)).detach())
        self.lkb_reparam.bias = nn.Parameter((shift + small_shift).detach())
        del self.lkb_origin, self.small_conv


class RepLKBlock(nn.Module):
    def __init__(self, dim, size, small):
        super().__init__()
        self.pw1 = ConvBn(dim, dim, 1)
        self.pw2 = ConvBn(dim, dim, 1)
        self.large_kernel = LargeKernel(dim, size, small)
        self.prelkb_bn = nn.BatchNorm2d(dim)

    def forward(self, x):
        y = F.relu(self.pw1(self.prelkb_bn(x)))
        return x + self.pw2(F.relu(self.large_kernel(y)))


class ConvFFN(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.preffn_bn = nn.BatchNorm2d(dim)
        self.pw1 = ConvBn(dim, 4 * dim, 1)
        self.pw2 = ConvBn(4 * dim, dim, 1)

    def forward(self, x):
        return x + self.pw2(F.gelu(self.pw1(self.preffn_bn(x))))


class Stage(nn.Module):
    def __init__(self, depth, dim, size, small):
        super().__init__()
        pairs = [(RepLKBlock(dim, size, small), ConvFFN(dim)) for _ in range(depth)]
        self.blocks = nn.Sequential(*[block for pair in pairs for block in pair])

    def forward(self, x):
        return self.blocks(x)


class RepLKNet(nn.Module):
    def __init__(self, depths, dims, kernels, small, classes=1000):
        super().__init__()
        dim = dims[0]
        stem = [
            ConvBn(3, dim, 3, 2),
            ConvBn(dim, dim, 3, groups=dim),
            ConvBn(dim, dim, 1),
            ConvBn(dim, dim, 3, 2, groups=dim),
        ]
        self.stem = nn.ModuleList(stem)
        self.stages = nn.ModuleList(Stage(*shape, small) for shape in zip(depths, dims, kernels))
        self.transitions = nn.ModuleList(
            nn.ModuleList([ConvBn(a, b, 1), ConvBn(b, b, 3, 2, groups=b)]) for a, b in zip(dims, dims[1:])
        )
        self.norm = nn.BatchNorm2d(dims[-1])
        self.head = nn.Linear(dims[-1], classes)

    def forward(self, x):
        for layer in self.stem:
            x = F.relu(layer(x))
        maps = []
        for i, stage in enumerate(self.stages):
            for layer in self.transitions[i - 1] if i > 0 else []:
                x = F.relu(layer(x))
            x = stage(x)
            maps.append(x)
        features = self.norm(x).mean((2, 3))
        return self.head(features), features, maps


def build(name, depths, dims, kernels, size, small=5, classes=1000, **options):
    config = {
        "arch": "replknet",
        "depths": depths,
        "dims": dims,
        "kernelSizes": kernels,
        "smallKernelSize": small,
        "merged": False,
        "dropPathRate": 0.3,
    }
    model = RepLKNet(depths, dims, kernels, small, classes)
    return case(name, model, config, size, classes=classes, **options)


def check_merged():
    """How far the network with merged kernels is from the one it was merged from."""
    model = fill(RepLKNet(*nano, 5)).eval()
    x = image(2, 64, 75)
    with torch.no_grad():
        before = model(x)[0]
        for module in list(model.modules()):
            if isinstance(module, LargeKernel):
                module.merge()
        print("merged kernels differ by", (model(x)[0] - before).abs().max().item())


large = ([2, 2, 18, 2], [128, 256, 512, 1024], [31, 29, 27, 13])
nano = ([1, 1, 4, 1], [32, 64, 128, 256], [15, 13, 11, 7])
small = ([1, 2], [8, 12], [9, 7])

if __name__ == "__main__":
    check_merged()
    write(
        pathlib.Path(__file__).with_suffix(".json"),
        [
            build("RepLKNet-31B", *large, (1, 224, 224)),
            build("RepLKNet-31B, batch statistics", *large, (2, 97, 75), training=True),
            build("RepLKNet-nano", *nano, (2, 193, 157)),
            build("small RepLKNet", *small, (2, 33, 40), classes=10, grads=True),
            build("small RepLKNet, batch statistics", *small, (4, 40, 35), small=3, classes=10, training=True, grads=True),
        ],
    )
