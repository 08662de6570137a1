"""BYOL's training written again in plain PyTorch, after what byol_experiment.py, networks.py, optimizers.py and schedules.py
of deepmind-research/byol do: twenty steps in double precision from weights and crops by formula. The linear classifier with
labels is left out; no gradient of it reaches the networks.

Makes parity.json, for parity_test.ts.

    python lib/ssl/byol/golden/parity.py
"""

import importlib.util
import json
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parents[2] / "models" / "golden"))

from convnext import ConvNeXt  # noqa: E402
from formula import fill, uniform  # noqa: E402
from resnet import ResNet  # noqa: E402


def script_of_dino():
    """For its probes of arrays, and for how near a network comes to the kinks of its ReLUs."""
    path = here.parents[1] / "dino" / "golden" / "parity.py"
    spec = importlib.util.spec_from_file_location("dino_parity", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


dino = script_of_dino()


def mlp(inputs, hidden, outputs):
    """networks.MLP: the first layer has a bias, the second has none."""
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, outputs, bias=False)
    )


class Network(nn.Module):
    def __init__(self, backbone, features, hidden, outputs, predicts):
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(features, hidden, outputs)
        if predicts:  # the target's predictor has an output that nothing uses
            self.predictor = mlp(outputs, hidden, outputs)
        backbone.head = backbone.fc = nn.Identity()

    def project(self, view):
        return self.projector(self.backbone(view)[1])


def regression_loss(x, y):
    unit = lambda v: v * torch.rsqrt(torch.clamp((v**2).sum(-1, keepdim=True), min=1e-12))
    return ((unit(x) - unit(y)) ** 2).sum(-1)


def cosine_decay(step, steps, value):
    return value * 0.5 * (1 + math.cos(math.pi * min(step, steps) / steps))


def learning_rate(step, batch, base, total, warmup):
    scaled = base * batch / 256
    if step < warmup:
        return step / warmup * scaled
    return cosine_decay(step - warmup, total - warmup, scaled)


def target_ema(step, base, total):
    return 1 - (1 - base) * cosine_decay(step, total, 1.0)


def excluded(network):
    """Biases, and the weights of modules whose kind is a norm."""
    names = set()
    for path, module in network.named_modules():
        for name, _ in module.named_parameters(recurse=False):
            if name == "bias" or "norm" in type(module).__name__.lower():
                names.add(f"{path}.{name}")
    return names


class Lars:
    def __init__(self, network, decay, momentum=0.9, eta=0.001):
        self.network, self.decay, self.momentum, self.eta = network, decay, momentum, eta
        self.left_out = excluded(network)
        self.state = {name: {"mu": torch.zeros_like(p)} for name, p in network.named_parameters()}

    @torch.no_grad()
    def step(self, lr):
        for name, p in self.network.named_parameters():
            g, slot = p.grad, self.state[name]
            if name not in self.left_out:
                g = g + self.decay * p
                lengths = p.norm(), g.norm()
                g = g * (self.eta * lengths[0] / lengths[1] if min(lengths) > 0 else 1.0)
            slot["mu"] = self.momentum * slot["mu"] + g
            p.add_(slot["mu"], alpha=-lr)


class AdamW:
    """Not the official code's: for networks that LARS does not suit. One-dimensional weights do not decay."""

    def __init__(self, network, decay):
        plain = lambda p: p.dim() == 1
        groups = [
            {"params": [p for p in network.parameters() if not plain(p)], "weight_decay": decay},
            {"params": [p for p in network.parameters() if plain(p)], "weight_decay": 0.0},
        ]
        self.network, self.inner = network, torch.optim.AdamW(groups)

    def step(self, lr):
        for group in self.inner.param_groups:
            group["lr"] = lr
        self.inner.step()

    @property
    def state(self):
        roles = {"first": "exp_avg", "second": "exp_avg_sq"}
        slots = self.inner.state
        return {
            name: {ours: slots[p][theirs] for ours, theirs in roles.items()}
            for name, p in self.network.named_parameters()
        }


def views_of(step, case):
    """Two views of the step's images, `[B, 3, H, W]`. The views of an image share a colour."""
    draw = lambda name, *shape: uniform(name, math.prod(shape)).astype(np.float32).reshape(shape)
    B, size = case["batch"], case["size"]
    colour = draw(f"{case['images']} colour {step}", B, 1, 1, 3).astype(np.float64)
    noise = draw(f"{case['images']} view {step}", 2, B, size, size, 3)
    views = (colour + 0.5 * noise.astype(np.float64)).astype(np.float32)
    return [torch.from_numpy(view).double().permute(0, 3, 1, 2) for view in views]


def train(case):
    online, target = (
        Network(case["backbone"](), *case["head"], predicts) for predicts in (True, False)
    )
    fill(nn.ModuleDict({"online": online}))
    fill(nn.ModuleDict({"target": target}))  # other names, other weights
    online.train(), target.train()
    first = {
        who: {name: p.detach().clone() for name, p in network.named_parameters()}
        for who, network in (("online", online), ("target", target))
    }
    optimizer = {"lars_byol": Lars, "adamw": AdamW}[case["optimizer"]](online, case["weightDecay"])
    total = case["epochs"] * case["stepsPerEpoch"]
    steps, kinks = [], dino.Kinks()
    for step in range(total):
        view1, view2 = views_of(step, case)
        with kinks:
            prediction1 = online.predictor(online.project(view1))
            prediction2 = online.predictor(online.project(view2))
            with torch.no_grad():
                projection1, projection2 = target.project(view1), target.project(view2)
        loss = (regression_loss(prediction1, projection2) + regression_loss(prediction2, projection1)).mean()
        online.zero_grad()
        loss.backward()
        norm = math.sqrt(sum((p.grad**2).sum().item() for p in online.parameters()))
        optimizer.step(learning_rate(step, case["batch"], case["lr"], total, case["warmup"]))
        tau = target_ema(step, case["momentum"], total)
        moved = dict(online.named_parameters())
        with torch.no_grad():
            for name, x in target.named_parameters():
                x.add_((1 - tau) * (moved[name] - x))
        steps.append(
            {
                "loss": dino.short(loss.item()),
                "gradNorm": dino.short(norm),
                "online": dino.moved(online, first["online"]),
                "target": dino.moved(target, first["target"]),
            }
        )
    losses = " ".join(f"{step['loss']:.2f}" for step in steps)
    print(f"{case['name']}, {case['images']}: nearest kink {kinks.nearest:.1e}, loss {losses}")
    return kinks.nearest, steps, online, target, optimizer


common = {"batch": 8, "epochs": 4, "stepsPerEpoch": 5, "warmup": 4, "momentum": 0.9, "weightDecay": 1e-2}
bcssl = {
    **common,
    "model": {
        "arch": "convnext",
        "depths": [1, 2, 1],
        "dims": [8, 12, 16],
        "kernelSize": [7, 5, 3],
        "batchNorm": True,
        "dwconvBias": False,
        "patchSize": 2,
        "dropPathRate": 0,
        "layerScaleInit": 1e-6,
    },
    "backbone": lambda: ConvNeXt([1, 2, 1], [8, 12, 16], [7, 5, 3], True, False, patch=2),
    "head": (16, 12, 6),
    "size": 16,
}
resnet = {
    **common,
    "model": {"arch": "resnet", "block": "bottleneck", "depths": [1, 1], "dims": [4, 6], "selectiveKernels": False},
    "backbone": lambda: ResNet("bottleneck", [1, 1], [4, 6]),
    "head": (24, 12, 6),
    "size": 16,
}
cases = [
    {**resnet, "name": "ResNet under LARS", "optimizer": "lars_byol", "lr": 32.0},
    {**bcssl, "name": "BC-SSL under LARS", "optimizer": "lars_byol", "lr": 8.0},
    {**bcssl, "name": "BC-SSL under AdamW", "optimizer": "adamw", "lr": 0.064},
]


def golden(case):
    """Of forty sets of images, the one that keeps the networks farthest from the kinks of their ReLUs.

    What float32 makes of a number beside a kink is a matter of luck, and the gradient then another by some 1e-3.
    """
    tried = ({**case, "images": f"set {i}"} for i in range(40))
    case, (_, steps, online, target, optimizer) = max(
        ((one, train(one)) for one in tried), key=lambda pair: pair[1][0]
    )
    settings = ("name", "images", "model", "optimizer", "lr", "momentum", "weightDecay")
    sizes = ("size", "batch", "epochs", "stepsPerEpoch", "warmup")
    _, hidden, outputs = case["head"]
    return {
        **{key: case[key] for key in settings + sizes},
        "head": {"hiddenDim": hidden, "outDim": outputs},
        "weights": {
            "online": [name for name, _ in online.named_parameters()],
            "target": [name for name, _ in target.named_parameters()],
        },
        "steps": steps,
        "kept": {
            name: {role: dino.probe(name, x) for role, x in slots.items()} for name, slots in optimizer.state.items()
        },
        "statistics": {"online": dino.statistics(online), "target": dino.statistics(target)},
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    done = [golden(case) for case in cases]
    lines = [json.dumps(case, separators=(",", ":")) for case in done]
    (here / "parity.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
