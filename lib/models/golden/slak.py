"""SLaK, written again in plain PyTorch from Liu et al. 2023, section 3, with the official names: ConvNeXt whose depthwise
convolution is a sum of stripes and a small kernel, each with a BatchNorm. Dense: sparsity is how it is trained.

Makes slak.json.

    python lib/models/golden/slak.py
"""

import pathlib

from torch import nn

from convnext import Block, ConvNeXt
from formula import case, write


class DepthwiseBn(nn.Module):
    def __init__(self, dim, height, width):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, (height, width), padding=(height // 2, width // 2), groups=dim, bias=False)
        self.bn = nn.BatchNorm2d(dim)

    def forward(self, x):
        return self.bn(self.conv(x))


class LargeKernel(nn.Module):
    def __init__(self, dim, size, small):
        super().__init__()
        self.LoRA1 = DepthwiseBn(dim, size, small)
        self.LoRA2 = DepthwiseBn(dim, small, size)
        self.small_conv = DepthwiseBn(dim, small, small)

    def forward(self, x):
        return self.LoRA1(x) + self.LoRA2(x) + self.small_conv(x)


class SLaKBlock(Block):
    """ConvNeXt's block; what it calls dwconv has another name here."""

    def __init__(self, dim, size, small):
        super().__init__(dim, 1, False, False)
        del self.dwconv
        self.large_kernel = LargeKernel(dim, size, small)

    @property
    def dwconv(self):
        return self.large_kernel


class SLaK(ConvNeXt):
    def __init__(self, depths, dims, kernels, small, classes=1000):
        super().__init__(depths, dims, [1] * len(dims), False, False, classes=classes)
        self.stages = nn.ModuleList(
            nn.Sequential(*[SLaKBlock(dim, size, small) for _ in range(depth)])
            for depth, dim, size in zip(depths, dims, kernels)
        )


def build(name, depths, dims, kernels, size, small=5, classes=1000, **options):
    config = {
        "arch": "slak",
        "depths": depths,
        "dims": dims,
        "kernelSizes": kernels,
        "smallKernelSize": small,
        "patchSize": 4,
        "dropPathRate": 0.1,
        "layerScaleInit": 1e-6,
    }
    model = SLaK(depths, dims, kernels, small, classes)
    return case(name, model, config, size, classes=classes, **options)


kernels = [51, 49, 47, 13]
tiny = ([3, 3, 9, 3], [int(dim * 1.3) for dim in (96, 192, 384, 768)], kernels)
small = ([1, 2], [8, 12], [13, 9])

if __name__ == "__main__":
    write(
        pathlib.Path(__file__).with_suffix(".json"),
        [
            build("SLaK-T", *tiny, (1, 224, 224)),
            build("SLaK-T", *tiny, (1, 193, 157)),
            build("SLaK-T, batch statistics", *tiny, (2, 101, 135), training=True),
            build("small SLaK", *small, (2, 49, 56), classes=10, grads=True),
            build("small SLaK, batch statistics", *small, (3, 48, 60), small=3, classes=10, training=True, grads=True),
        ],
    )
