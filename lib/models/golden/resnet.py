"""ResNet, written again in plain PyTorch from He et al. 2016 (v1.5: stride on the 3x3), and SimCLRv2's selective kernels
with ResNet-D's stem and shortcut, from Chen et al. 2020b and the padding of its TensorFlow code.

Makes resnet.json, after checking that torchvision's ResNet-18 and ResNet-50 agree.

    python lib/models/golden/resnet.py
"""

import pathlib

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from formula import case, fill, image, write


def conv(size, inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)


def same_max_pool(x):
    """3x3 at stride 2, padded as TensorFlow's SAME: what is missing, the larger half of it at the end."""
    missing = [max(0, (-(-n // 2) - 1) * 2 + 3 - n) for n in x.shape[2:]]
    (top, bottom), (left, right) = [(m // 2, m - m // 2) for m in missing]
    return F.max_pool2d(F.pad(x, (left, right, top, bottom), value=-torch.inf), 3, 2)


class ShortcutPool(nn.Module):
    """Mean of 2x2. At stride 2 a row of zeros at the end counts; at stride 1 (SAME) what is outside does not."""

    def __init__(self, stride):
        super().__init__()
        self.stride = stride

    def forward(self, x):
        if self.stride == 2:
            return F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 2, 2)
        inside = F.pad(torch.ones_like(x), (0, 1, 0, 1))
        return F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 2, 1) / F.avg_pool2d(inside, 2, 1)


class SelectiveKernel(nn.Module):
    def __init__(self, dim, stride):
        super().__init__()
        reduced = max(int(dim * 0.0625), 32)
        self.conv = conv(3, dim, 2 * dim, stride)
        self.bn = nn.BatchNorm2d(2 * dim)
        self.attn = nn.ModuleDict(
            {
                "fc_reduce": conv(1, dim, reduced),
                "bn": nn.BatchNorm2d(reduced),
                "fc_select": conv(1, reduced, 2 * dim),
            }
        )

    def forward(self, x):
        streams = torch.stack(F.relu(self.bn(self.conv(x))).chunk(2, 1))
        mixing = streams.sum(0).mean((2, 3), keepdim=True)
        mixing = F.relu(self.attn["bn"](self.attn["fc_reduce"](mixing)))
        mixing = torch.stack(self.attn["fc_select"](mixing).chunk(2, 1)).softmax(0)
        return (streams * mixing).sum(0)


class Block(nn.Module):
    def __init__(self, inputs, dim, stride, bottleneck, selective):
        super().__init__()
        outputs = 4 * dim if bottleneck else dim
        self.selective = selective
        if bottleneck:
            self.conv1, self.bn1 = conv(1, inputs, dim), nn.BatchNorm2d(dim)
            if selective:
                self.conv2 = SelectiveKernel(dim, stride)
            else:
                self.conv2, self.bn2 = conv(3, dim, dim, stride), nn.BatchNorm2d(dim)
            self.conv3, self.bn3 = conv(1, dim, outputs), nn.BatchNorm2d(outputs)
        else:
            self.conv1, self.bn1 = conv(3, inputs, dim, stride), nn.BatchNorm2d(dim)
            self.conv2, self.bn2 = conv(3, dim, dim), nn.BatchNorm2d(dim)
        if stride == 2 or inputs != outputs:
            pool = [ShortcutPool(stride)] if selective else []
            down = conv(1, inputs, outputs, 1 if selective else stride)
            self.downsample = nn.Sequential(*pool, down, nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        if hasattr(self, "conv3"):
            y = self.conv2(y) if self.selective else F.relu(self.bn2(self.conv2(y)))
            y = self.bn3(self.conv3(y))
        else:
            y = self.bn2(self.conv2(y))
        return F.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


class ResNet(nn.Module):
    def __init__(self, block, depths, dims, selective=False, classes=1000):
        super().__init__()
        dim = dims[0]
        self.selective = selective
        if selective:
            halves = [conv(3, 3, dim // 2, 2), conv(3, dim // 2, dim // 2)]
            layers = [[c, nn.BatchNorm2d(dim // 2), nn.ReLU()] for c in halves]
            self.conv1 = nn.Sequential(*layers[0], *layers[1], conv(3, dim // 2, dim))
        else:
            self.conv1 = conv(7, 3, dim, 2)
        self.bn1 = nn.BatchNorm2d(dim)
        inputs = dim
        for i, (depth, dim) in enumerate(zip(depths, dims)):
            blocks = []
            for j in range(depth):
                stride = 2 if i > 0 and j == 0 else 1
                blocks.append(Block(inputs, dim, stride, block == "bottleneck", selective))
                inputs = 4 * dim if block == "bottleneck" else dim
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)
        self.layers = len(depths)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = same_max_pool(x) if self.selective else F.max_pool2d(x, 3, 2, 1)
        maps = []
        for i in range(self.layers):
            x = getattr(self, f"layer{i + 1}")(x)
            maps.append(x)
        features = x.mean((2, 3))
        return self.fc(features), features, maps


def build(name, block, depths, dims, size, selective=False, classes=1000, **options):
    config = {
        "arch": "resnet",
        "block": block,
        "depths": depths,
        "dims": dims,
        "selectiveKernels": selective,
    }
    model = ResNet(block, depths, dims, selective, classes)
    return case(name, model, config, size, classes=classes, **options)


def check_torchvision():
    """How far torchvision's networks with the same weights are from these."""
    for name, sizes in (("resnet18", resnet18), ("resnet50", resnet50)):
        theirs = torchvision.models.get_model(name).double().eval()
        ours = fill(ResNet(*sizes)).eval()
        theirs.load_state_dict(ours.state_dict())
        for size in ((2, 224, 224), (1, 193, 157)):
            x = image(*size)
            with torch.no_grad():
                print(f"torchvision's {name} differs by", (theirs(x) - ours(x)[0]).abs().max().item())


dims = [64, 128, 256, 512]
resnet18 = ("basic", [2, 2, 2, 2], dims)
resnet50 = ("bottleneck", [3, 4, 6, 3], dims)
wider = [2 * dim for dim in dims]

if __name__ == "__main__":
    check_torchvision()
    write(
        pathlib.Path(__file__).with_suffix(".json"),
        [
            build("ResNet-50", *resnet50, (1, 224, 224)),
            build("ResNet-50", *resnet50, (1, 193, 157)),
            build("ResNet-50, batch statistics", *resnet50, (2, 101, 135), training=True),
            build("ResNet-18", *resnet18, (2, 97, 64)),
            build("ResNet-50 with selective kernels", *resnet50, (1, 99, 128), selective=True),
            build("small ResNet of basic blocks", "basic", [1, 2], [8, 16], (3, 33, 40), classes=10, grads=True),
            build("small ResNet, batch statistics", "bottleneck", [2, 1], [4, 8], (4, 40, 51), classes=10, training=True, grads=True),
            build("small ResNet of width 2", "bottleneck", [1, 2], [8, 16], (3, 67, 60), classes=10, grads=True),
            build("small ResNet with selective kernels", "bottleneck", [1, 2], [6, 8], (2, 37, 40), selective=True, classes=10, grads=True),
            build("small ResNet with selective kernels, batch statistics", "bottleneck", [1, 2], [6, 8], (8, 34, 33), selective=True, classes=10, training=True, grads=True),
        ],
    )
