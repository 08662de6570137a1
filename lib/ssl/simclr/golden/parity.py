"""SimCLR's training written again in plain PyTorch, after what objective.py, model.py, lars_optimizer.py and run.py of
google-research/simclr (tf2) do: twenty steps in double precision from weights and crops by formula. The linear classifier
with labels is left out; no gradient of it reaches the network.

Makes parity.json, for parity_test.ts.

    python lib/ssl/simclr/golden/parity.py
"""

import importlib.util
import json
import math
import pathlib

import torch
import torch.nn.functional as F
from torch import nn

here = pathlib.Path(__file__).parent


def script_of_byol():
    """For its schedule, its AdamW and its views; it loads the networks, and DINO's probes of arrays."""
    path = here.parents[1] / "byol" / "golden" / "parity.py"
    spec = importlib.util.spec_from_file_location("byol_parity", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


byol = script_of_byol()
dino, fill = byol.dino, byol.fill


class Projector(nn.Sequential):
    """ProjectionHead: LinearLayers without bias, each with a BatchNorm; the last BatchNorm is not centred."""

    def __init__(self, features, layers, outputs):
        modules = []
        for i in range(layers):
            last = i == layers - 1
            width = outputs if last else features
            modules += [nn.Linear(features, width, bias=False), nn.BatchNorm1d(width), *([] if last else [nn.ReLU()])]
        super().__init__(*modules)
        del self[-1].bias
        self[-1].register_buffer("bias", torch.zeros(outputs))


class Network(nn.Module):
    def __init__(self, backbone, features, layers, outputs):
        super().__init__()
        self.backbone = backbone
        self.projector = Projector(features, layers, outputs)
        backbone.head = backbone.fc = nn.Identity()

    def forward(self, views):
        return self.projector(self.backbone(views)[1])


LARGE_NUM = 1e9


def contrastive_loss(hidden, temperature):
    """add_contrastive_loss, on one machine."""
    hidden1, hidden2 = F.normalize(hidden, dim=-1).chunk(2)
    count = len(hidden1)
    labels, masks = torch.arange(count), torch.eye(count).double()
    logits_aa = hidden1 @ hidden1.T / temperature - masks * LARGE_NUM
    logits_bb = hidden2 @ hidden2.T / temperature - masks * LARGE_NUM
    logits_ab = hidden1 @ hidden2.T / temperature
    logits_ba = hidden2 @ hidden1.T / temperature
    loss_a = F.cross_entropy(torch.cat([logits_ab, logits_aa], 1), labels, reduction="none")
    loss_b = F.cross_entropy(torch.cat([logits_ba, logits_bb], 1), labels, reduction="none")
    return (loss_a + loss_b).mean()


class Lars:
    """LARSOptimizer with classic momentum: the learning rate is inside the buffer."""

    def __init__(self, network, decay, momentum=0.9, eeta=0.001):
        self.network, self.decay, self.momentum, self.eeta = network, decay, momentum, eeta
        self.left_out = byol.excluded(network)  # `batch_normalization` and `bias`
        self.state = {name: {"mu": torch.zeros_like(p)} for name, p in network.named_parameters()}

    @torch.no_grad()
    def step(self, lr):
        for name, p in self.network.named_parameters():
            g, slot, trust_ratio = p.grad, self.state[name], 1.0
            if name not in self.left_out:
                g = g + self.decay * p
                w_norm, g_norm = p.norm(), g.norm()
                trust_ratio = self.eeta * w_norm / g_norm if min(w_norm, g_norm) > 0 else 1.0
            slot["mu"] = self.momentum * slot["mu"] + lr * trust_ratio * g
            p.sub_(slot["mu"])


class Kinks(dino.Kinks):
    """Those of DINO's script, with the windows of a max-pool whose input is padded already."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is not torch.max_pool2d or args[3]:
            return super().__torch_function__(func, types, args, kwargs)
        windows = F.unfold(args[0].detach().flatten(0, 1)[:, None].clamp(min=0), 3, stride=2)  # after a ReLU
        first, second = windows.topk(2, dim=1).values.unbind(1)
        self.nearest = min(self.nearest, (first - second)[first > 0].min().item())
        return func(*args, **(kwargs or {}))


def train(case):
    network = Network(case["backbone"](), *case["head"])
    fill(nn.ModuleDict({"network": network})).train()
    network.projector[-1].bias.zero_()
    first = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimizer = {"lars_simclr": Lars, "adamw": byol.AdamW}[case["optimizer"]](network, case["weightDecay"])
    total = case["epochs"] * case["stepsPerEpoch"]
    steps, kinks = [], Kinks()
    for step in range(total):
        with kinks:
            hidden = network(torch.cat(byol.views_of(step, case)))
        loss = contrastive_loss(hidden, case["temperature"])
        network.zero_grad()
        loss.backward()
        norm = math.sqrt(sum((p.grad**2).sum().item() for p in network.parameters()))
        optimizer.step(byol.learning_rate(step, case["batch"], case["lr"], total, case["warmup"]))
        steps.append(
            {"loss": dino.short(loss.item()), "gradNorm": dino.short(norm), "network": dino.moved(network, first)}
        )
    losses = " ".join(f"{step['loss']:.2f}" for step in steps)
    largest = max(step["gradNorm"] for step in steps)
    print(f"{case['name']}, {case['images']}: kink {kinks.nearest:.1e}, gradient {largest:.1f}, loss {losses}")
    return kinks.nearest, steps, network, optimizer


sizes = {"batch": 16, "size": 16, "epochs": 4, "stepsPerEpoch": 5, "warmup": 4}
common = {**sizes, "weightDecay": 1e-2, "temperature": 0.5, "sets": 6}
bcssl = {**common, **{key: byol.bcssl[key] for key in ("model", "backbone")}, "head": (16, 2, 6)}
resnet = {**common, **{key: byol.resnet[key] for key in ("model", "backbone")}, "head": (24, 2, 6), "sets": 60}
sk_resnet = {
    **resnet,
    "model": {**resnet["model"], "selectiveKernels": True},
    "backbone": lambda: byol.ResNet("bottleneck", [1, 1], [4, 6], True),
    "head": (24, 3, 6),
    "sets": 8,
}
cases = [
    {**resnet, "name": "ResNet under LARS", "optimizer": "lars_simclr", "lr": 1.0},
    {**bcssl, "name": "BC-SSL under LARS", "optimizer": "lars_simclr", "lr": 1.0},
    {**bcssl, "name": "BC-SSL under AdamW", "optimizer": "adamw", "lr": 0.032},
    {**sk_resnet, "name": "SK-ResNet, v2, under LARS", "optimizer": "lars_simclr", "lr": 0.1},
    {**bcssl, "head": (16, 3, 6), "name": "BC-SSL, v2, under LARS", "optimizer": "lars_simclr", "lr": 1.0},
]


def golden(case):
    """Of several sets of images, the one that keeps the network farthest from the kinks of its ReLUs, as for BYOL.

    A BC-SSL has them in its head only, a ResNet everywhere. What rounding does to a step grows from step to step, the more
    so the larger the learning rate is.
    """
    tried = ({**case, "images": f"set {i}"} for i in range(case["sets"]))
    case, (_, steps, network, optimizer) = max(((one, train(one)) for one in tried), key=lambda pair: pair[1][0])
    settings = ("name", "images", "model", "optimizer", "lr", "weightDecay", "temperature")
    _, layers, outputs = case["head"]
    return {
        **{key: case[key] for key in (*settings, *sizes)},
        "head": {"layers": layers, "outDim": outputs},
        "weights": [name for name, _ in network.named_parameters()],
        "steps": steps,
        "kept": {
            name: {role: dino.probe(name, x) for role, x in slots.items()} for name, slots in optimizer.state.items()
        },
        "statistics": dino.statistics(network),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    lines = [json.dumps(golden(case), separators=(",", ":")) for case in cases]
    (here / "parity.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
