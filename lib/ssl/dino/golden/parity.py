"""DINO's training written again in plain PyTorch, after what the reference's main_dino.py and utils.py do: thirty steps in
double precision from weights and crops by formula.

Makes parity.json, for parity_test.ts.

    python lib/ssl/dino/golden/parity.py
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parents[2] / "models" / "golden"))

from convnext import ConvNeXt  # noqa: E402
from formula import fill, uniform  # noqa: E402
from resnet import ResNet  # noqa: E402
from vit import ViT  # noqa: E402


class Head(nn.Module):
    """DINOHead: an MLP, unit length, and weight-normed prototypes."""

    def __init__(self, in_dim, hidden, bottleneck, out_dim, batch_norm):
        super().__init__()
        norm = (lambda: [nn.BatchNorm1d(hidden)]) if batch_norm else lambda: []
        layers = [nn.Linear(in_dim, hidden), *norm(), nn.GELU()]
        layers += [nn.Linear(hidden, hidden), *norm(), nn.GELU()]
        self.mlp = nn.Sequential(*layers, nn.Linear(hidden, bottleneck))
        self.last_layer = nn.Module()
        self.last_layer.weight_g = nn.Parameter(torch.ones(out_dim, 1))
        self.last_layer.weight_v = nn.Parameter(torch.zeros(out_dim, bottleneck))

    def forward(self, x):
        g, v = self.last_layer.weight_g, self.last_layer.weight_v
        return F.linear(F.normalize(self.mlp(x), dim=-1), g * v / v.norm(dim=1, keepdim=True))


class MultiCrop(nn.Module):
    """One pass of the backbone for each run of crops of one width, one of the head on everything."""

    def __init__(self, backbone, head):
        super().__init__()
        self.backbone, self.head = backbone, head
        backbone.head = backbone.fc = nn.Identity()

    def forward(self, crops):
        groups = []
        for crop in crops:
            if groups and groups[-1][0].shape[-1] == crop.shape[-1]:
                groups[-1].append(crop)
            else:
                groups.append([crop])
        return self.head(torch.cat([self.backbone(torch.cat(group))[1] for group in groups]))


def cosine_scheduler(base, final, epochs, per_epoch, warmup_epochs=0):
    warmup = np.linspace(0, base, warmup_epochs * per_epoch)
    count = epochs * per_epoch - len(warmup)
    cosine = final + 0.5 * (base - final) * (1 + np.cos(np.pi * np.arange(count) / count))
    return np.concatenate([warmup, cosine])


class Loss:
    """DINOLoss, on one machine."""

    def __init__(self, out_dim, crops, temps, student_temp=0.1, center_momentum=0.9):
        self.center = torch.zeros(1, out_dim).double()
        self.crops, self.temps = crops, temps
        self.student_temp, self.center_momentum = student_temp, center_momentum

    def __call__(self, student, teacher, epoch):
        log_p = F.log_softmax(student / self.student_temp, dim=-1).chunk(self.crops)
        q = F.softmax((teacher - self.center) / self.temps[epoch], dim=-1).detach().chunk(2)
        terms = [-(q[i] * log_p[v]).sum(-1).mean() for i in range(2) for v in range(self.crops) if v != i]
        mean = teacher.detach().mean(0, keepdim=True)
        self.center = self.center * self.center_momentum + mean * (1 - self.center_momentum)
        return sum(terms) / len(terms)


class Lars(torch.optim.Optimizer):
    def __init__(self, groups):
        super().__init__(groups, dict(lr=0, weight_decay=0, momentum=0.9, eta=0.001))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                update = p.grad
                if p.dim() != 1:
                    update = update + group["weight_decay"] * p
                    norms = p.norm(), update.norm()
                    if min(norms) > 0:
                        update = update * (group["eta"] * norms[0] / norms[1])
                mu = self.state[p].setdefault("mu", torch.zeros_like(p))
                mu.mul_(group["momentum"]).add_(update)
                p.sub_(group["lr"] * mu)


def parameter_groups(model):
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    plain = lambda name, p: name.endswith(".bias") or p.dim() == 1
    return [
        {"params": [p for name, p in trained if not plain(name, p)]},
        {"params": [p for name, p in trained if plain(name, p)], "weight_decay": 0.0},
    ]


optimizers = {
    "adamw": lambda groups: torch.optim.AdamW(groups),
    "sgd": lambda groups: torch.optim.SGD(groups, lr=0, momentum=0.9),
    "lars": Lars,
}


class Kinks(TorchFunctionMode):
    """How near a network comes to a jump of its gradient: the input of a ReLU nearest 0, the closest two of a max-pool.

    What float32 makes of a number beside a kink is a matter of luck, and the gradient then another by some 1e-3. Each ResNet
    has the set of images, of forty tried, that stays away from all kinks for its thirty steps, by more than rounding errors.
    """

    nearest = math.inf

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is F.relu:
            self.nearest = min(self.nearest, args[0].detach().abs().min().item())
        elif func is torch.max_pool2d:
            windows = F.unfold(F.pad(args[0].detach().flatten(0, 1)[:, None], [1] * 4), 3, stride=2)
            first, second = windows.topk(2, dim=1).values.unbind(1)
            self.nearest = min(self.nearest, (first - second)[first > 0].min().item())
        return func(*args, **(kwargs or {}))


def crops_of(step, case):
    """Two global and the local crops of the step's images, `[B, 3, H, W]`. The crops of an image share a colour."""
    draw = lambda name, *shape: uniform(name, math.prod(shape)).astype(np.float32).reshape(shape)
    B = case["batch"]
    colour = draw(f"{case['images']} colour {step}", B, 1, 1, 3).astype(np.float64)
    crops = []
    for kind, size, count in (("global", case["global"], 2), ("local", case["local"], case["locals"])):
        noise = draw(f"{case['images']} {kind} {step}", count, B, size, size, 3)
        crops += list((colour + 0.5 * noise.astype(np.float64)).astype(np.float32))
    return [torch.from_numpy(crop).double().permute(0, 3, 1, 2) for crop in crops]


def schedules(case):
    epochs, per_epoch, warm = case["epochs"], case["stepsPerEpoch"], case["tempWarmup"]
    return {
        "lr": cosine_scheduler(case["lr"] * case["batch"] / 256, case["minLr"], epochs, per_epoch, case["warmup"]),
        "decay": cosine_scheduler(*case["weightDecay"], epochs, per_epoch),
        "momentum": cosine_scheduler(case["momentum"], 1, epochs, per_epoch),
        "temps": np.concatenate([np.linspace(0.04, 0.07, warm), np.full(epochs - warm, 0.07)]),
    }


def clip_and_freeze(student, clip, frozen):
    """As clip_gradients and cancel_gradients_last_layer; gives the norms, before clipping, of the gradients that stay."""
    norms = []
    for name, p in student.named_parameters():
        if p.grad is None:
            continue
        norm = p.grad.norm()
        if clip / (norm + 1e-6) < 1:
            p.grad.mul_(clip / (norm + 1e-6))
        if frozen and "last_layer" in name:
            p.grad = None
        else:
            norms.append(norm.item())
    return norms


def train(case):
    student, teacher = (MultiCrop(case["backbone"](), Head(*case["head"])) for _ in range(2))
    for network in (student, teacher):
        fill(network).train()
        network.head.last_layer.weight_g.data.fill_(1)
    student.head.last_layer.weight_g.requires_grad = not case["normLastLayer"]
    first = {name: p.detach().clone() for name, p in student.named_parameters()}
    optimizer = optimizers[case["optimizer"]](parameter_groups(student))
    now = schedules(case)
    dino_loss = Loss(case["head"][3], 2 + case["locals"], now["temps"])
    steps, clipped, kinks = [], [], Kinks()
    for it in range(case["epochs"] * case["stepsPerEpoch"]):
        epoch = it // case["stepsPerEpoch"]
        for i, group in enumerate(optimizer.param_groups):
            group["lr"] = now["lr"][it]
            if i == 0:
                group["weight_decay"] = now["decay"][it]
        crops = crops_of(it, case)
        with torch.no_grad():
            targets = teacher(crops[:2])
        with kinks:
            loss = dino_loss(student(crops), targets, epoch)
        optimizer.zero_grad()
        loss.backward()
        norms = clip_and_freeze(student, case["clip"], epoch < case["freeze"])
        clipped += [norm > case["clip"] for norm in norms]
        optimizer.step()
        m = now["momentum"][it]
        with torch.no_grad():
            for q, k in zip(student.parameters(), teacher.parameters()):
                k.mul_(m).add_((1 - m) * q)
        steps.append(
            {
                "loss": short(loss.item()),
                "gradNorm": short(math.hypot(*norms)),  # of what then moves; the reference prints none
                "center": [short(value) for value in dino_loss.center.flatten().tolist()],
                "student": moved(student, first),
                "teacher": moved(teacher, first),
            }
        )
    print(f"{case['name']}: {np.mean(clipped):.0%} of gradients clipped, nearest kink {kinks.nearest:.1e}, loss", end=" ")
    print(*(f"{step['loss']:.2f}" for step in steps))
    return steps, student, teacher, optimizer


def short(value, digits=7):
    return float(f"{value:.{digits}g}")


def probe(name, x):
    """How much of `x` lies along a direction of its own: every element counts, and no two alike.

    But for the keys' bias, which attention does not depend on: Adam divides a rounding error by its own size there.
    """
    direction = uniform(f"probe {name}", x.numel())
    if name.endswith("attn.qkv.bias"):
        direction[len(direction) // 3 : 2 * len(direction) // 3] = 0
    return short((direction * x.detach().flatten().numpy()).sum(), 6)


def moved(network, first):
    """How far each weight has come since the beginning."""
    return [probe(name, p - first[name]) for name, p in network.named_parameters()]


def kept(student, optimizer):
    """What the optimiser has kept of each weight at the end."""
    roles = {"exp_avg": "first", "exp_avg_sq": "second", "momentum_buffer": "momentum", "mu": "mu"}
    result = {}
    for name, p in student.named_parameters():
        state = optimizer.state.get(p, {})
        slots = {ours: state[theirs] for theirs, ours in roles.items() if theirs in state}
        if slots:
            result[name] = {role: probe(name, x) for role, x in slots.items()}
    return result


def statistics(network):
    return {name: probe(name, b) for name, b in network.named_buffers() if "running" in name}


common = {
    "images": "set 0",
    "stepsPerEpoch": 5,
    "epochs": 6,
    "batch": 4,
    "locals": 3,
    "minLr": 1e-5,
    "warmup": 2,
    "tempWarmup": 4,
    "freeze": 1,
    "clip": 0.3,
    "momentum": 0.9,
    "weightDecay": (0.04, 0.4),
}
cases = [
    {
        **common,
        "name": "BC-SSL under AdamW",
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
        "head": (16, 24, 8, 20, False),
        "normLastLayer": True,
        "optimizer": "adamw",
        "lr": 0.128,
        "global": 24,
        "local": 12,
    },
    {
        **common,
        "name": "ViT under AdamW",
        "model": {
            "arch": "vit",
            "embedDim": 24,
            "depth": 2,
            "numHeads": 3,
            "patchSize": 4,
            "imageSize": 16,
            "norm": "layer",
            "dropPathRate": 0,
        },
        "backbone": lambda: ViT(24, 2, 3, 4, 16),
        "head": (24, 24, 8, 20, False),
        "normLastLayer": False,
        "optimizer": "adamw",
        "lr": 0.128,
        "global": 16,
        "local": 8,
    },
]
resnet = {
    **common,
    "model": {"arch": "resnet", "block": "bottleneck", "depths": [1, 1], "dims": [4, 6], "selectiveKernels": False},
    "backbone": lambda: ResNet("bottleneck", [1, 1], [4, 6]),
    "head": (24, 24, 8, 20, True),
    "normLastLayer": True,
    "global": 24,
    "local": 12,
}
cases += [
    {**resnet, "name": "ResNet under SGD", "images": "set 25", "optimizer": "sgd", "lr": 0.5, "weightDecay": (1e-3, 1e-2)},
    {**resnet, "name": "ResNet under LARS", "images": "set 33", "optimizer": "lars", "lr": 1.0, "weightDecay": (1e-3, 1e-2)},
]


def golden(case):
    steps, student, teacher, optimizer = train(case)
    hidden, bottleneck, out_dim, batch_norm = case["head"][1:]
    settings = ("name", "images", "model", "normLastLayer", "optimizer", "lr", "minLr", "clip", "momentum", "weightDecay")
    sizes = ("global", "local", "locals", "batch", "epochs", "stepsPerEpoch", "warmup", "tempWarmup", "freeze")
    return {
        **{key: case[key] for key in settings + sizes},
        "head": {"hiddenDim": hidden, "bottleneckDim": bottleneck, "outDim": out_dim, "batchNorm": batch_norm},
        "weights": [name for name, _ in student.named_parameters()],
        "steps": steps,
        "kept": kept(student, optimizer),
        "statistics": {"student": statistics(student), "teacher": statistics(teacher)},
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    done = [golden(case) for case in cases]
    lines = [json.dumps(case, separators=(",", ":")) for case in done]
    (here / "parity.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
