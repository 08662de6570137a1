"""Makes cams.json: what pytorch-grad-cam draws of small networks that are filled by formula.

    python3 -m venv oracle && oracle/bin/pip install torch torchvision timm grad-cam
    oracle/bin/python lib/explain/golden/make_golden.py

Eigen-CAM's sign is as numpy's LAPACK gives it: `eigenCam` is the package's `EigenCAM` with its own sign correction;
`otherWayRound` is `EigenCAM` as it is, where that came out with the other sign.
"""

import pathlib
import sys

import numpy as np
import torch
from pytorch_grad_cam import EigenCAM, GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from pytorch_grad_cam.utils.reshape_transforms import swinT_reshape_transform, vit_reshape_transform
from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection_with_sign_correction

here = pathlib.Path(__file__).parent
sys.path.append(str(here.parent.parent / "models" / "golden"))

from convnext import ConvNeXt  # noqa: E402
from formula import fill, image, sample, write  # noqa: E402
from resnet import ResNet  # noqa: E402
from swin import Swin  # noqa: E402
from vit import ViT  # noqa: E402

CLASSES = 10


class Logits(torch.nn.Module):
    """The network as the package wants it: logits only."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)[0]


class SignedEigenCAM(EigenCAM):
    def get_cam_image(self, input_tensor, target_layer, targets, activations, grads, eigen_smooth):
        return get_2d_projection_with_sign_correction(activations)


def reshape_of(config, size):
    """The package's transform for the network's family, at this image's size."""
    rows, columns = (side // config.get("patchSize", 1) for side in size[1:])
    if config["arch"] == "vit":
        return lambda tokens: vit_reshape_transform(tokens, rows, columns)
    if config["arch"] == "swin":  # whose maps here are [B, H, W, C]; the package knows them as lists of tokens
        return lambda maps: swinT_reshape_transform(maps.flatten(1, 2), *maps.shape[1:3])
    return None


def case(name, network, config, size, layers, targets=None):
    model = Logits(fill(network).eval()).double()
    x = image(*size)
    modules = [network.get_submodule(layer) for layer in layers]
    draw = lambda method, wanted=None: method(model, modules, reshape_of(config, size))(x, wanted)
    wanted = targets and [ClassifierOutputTarget(target) for target in targets]
    corrected, packaged = draw(SignedEigenCAM), draw(EigenCAM)
    same = [np.allclose(a, b, atol=1e-6) for a, b in zip(corrected, packaged)]
    sampled = lambda maps: [sample(torch.from_numpy(map), 150) for map in maps]
    return {
        "name": name,
        "config": config,
        "input": size,
        "layers": layers,
        "targets": targets,
        "classes": targets or model(x).argmax(1).tolist(),
        "gradCam": sampled(draw(GradCAM, wanted)),
        "eigenCam": sampled(corrected),
        "otherWayRound": [None if a else b for a, b in zip(same, sampled(packaged))],
    }


def resnet(block, depths, dims):
    config = {"arch": "resnet", "block": block, "depths": depths, "dims": dims, "selectiveKernels": False}
    return ResNet(block, depths, dims, classes=CLASSES), config


def convnext(kernels, bc_ssl):
    depths, dims = [1, 2], [8, 16]
    config = {
        "arch": "convnext",
        "depths": depths,
        "dims": dims,
        "kernelSize": kernels,
        "batchNorm": bc_ssl,
        "dwconvBias": not bc_ssl,
        "patchSize": 4,
        "dropPathRate": 0.1,
        "layerScaleInit": 1e-6,
    }
    return ConvNeXt(depths, dims, kernels, bc_ssl, not bc_ssl, classes=CLASSES), config


def vit(dim, depth, heads, patch, side):
    config = {
        "arch": "vit",
        "embedDim": dim,
        "depth": depth,
        "numHeads": heads,
        "patchSize": patch,
        "imageSize": side,
        "norm": "layer",
        "dropPathRate": 0.1,
    }
    return ViT(dim, depth, heads, patch, side, classes=CLASSES), config


def swin(dim, depths, heads, window, side):
    config = {
        "arch": "swin",
        "embedDim": dim,
        "depths": depths,
        "numHeads": heads,
        "windowSize": window,
        "patchSize": 4,
        "imageSize": side,
        "normEps": 1e-6,
        "dropPathRate": 0.1,
    }
    return Swin(dim, depths, heads, window, side, classes=CLASSES), config


if __name__ == "__main__":
    basic, bottleneck = resnet("basic", [1, 2], [8, 16]), resnet("bottleneck", [2, 1], [4, 8])
    write(
        here / "cams.json",
        [
            case("ResNet", *bottleneck, [2, 101, 75], ["layer2.0"]),
            case("ResNet, classes asked for", *basic, [3, 64, 97], ["layer2.1"], [3, 9, 0]),
            case("ResNet, two layers", *basic, [2, 67, 60], ["layer1.0", "layer2.1"], [3, 7]),
            case("ConvNeXt", *convnext([7, 7], False), [2, 66, 81], ["stages.1.1"]),
            case("ConvNeXt, a fine layer", *convnext([7, 7], False), [1, 50, 41], ["downsample_layers.0"], [4]),
            case("BC-SSL", *convnext([15, 5], True), [2, 96, 72], ["stages.1.1"], [2, 2]),
            case("ViT", *vit(24, 3, 3, 8, 32), [2, 59, 72], ["blocks.2.norm1"]),
            case("ViT, a middle block", *vit(24, 3, 3, 8, 32), [2, 32, 32], ["blocks.1"], [8, 1]),
            case("Swin", *swin(16, [2, 2, 1], [2, 4, 2], 4, 40), [2, 90, 76], ["layers.2.blocks.0.norm1"]),
            case("Swin, rolled windows", *swin(16, [2, 2], [2, 4], 4, 40), [2, 57, 40], ["layers.1.blocks.1.norm1"], [5, 6]),
        ],
    )
