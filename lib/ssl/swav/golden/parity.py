"""SwAV's training written again in plain PyTorch, after what main_swav.py and src/resnet50.py of facebookresearch/swav and
`LARC` of apex do, on one machine: twenty steps in double precision from weights and crops by formula. The queue starts, fills
and is used within them, and the prototypes are frozen at first.

Makes parity.json, for parity_test.ts.

    python lib/ssl/swav/golden/parity.py
"""

import importlib.util
import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

here = pathlib.Path(__file__).parent


def script_of_byol():
    """For its networks and its AdamW; it loads DINO's script, for its crops and its probes of arrays."""
    path = here.parents[1] / "byol" / "golden" / "parity.py"
    spec = importlib.util.spec_from_file_location("byol_parity", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


byol = script_of_byol()
dino, fill = byol.dino, byol.fill


class Network(nn.Module):
    """ResNet of src/resnet50.py with `normalize=True`, around any backbone."""

    def __init__(self, backbone, features, hidden, outputs, prototypes):
        super().__init__()
        self.backbone = backbone
        self.projection_head = nn.Sequential(
            nn.Linear(features, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, outputs)
        )
        self.prototypes = prototypes
        backbone.head = backbone.fc = nn.Identity()

    def embed(self, crops):
        sizes = [crop.shape[-1] for crop in crops]
        groups = [torch.cat([c for c in crops if c.shape[-1] == size]) for size in sorted(set(sizes), reverse=True)]
        features = torch.cat([self.backbone(group)[1] for group in groups])
        return F.normalize(self.projection_head(features), dim=1)

    def forward(self, crops):
        embeddings = self.embed(crops)
        return embeddings, self.prototypes(embeddings)


class Larc:
    """torch.optim.SGD with momentum in apex's LARC with clip=False: every tensor adapts and decays."""

    def __init__(self, network, decay, trust=0.001, eps=1e-8):
        self.network, self.decay, self.trust, self.eps = network, decay, trust, eps
        self.inner = torch.optim.SGD(network.parameters(), lr=0, momentum=0.9)

    @torch.no_grad()
    def step(self, lr):
        for p in self.network.parameters():
            if p.grad is None:
                continue
            param_norm, grad_norm = p.norm(), p.grad.norm()
            if param_norm != 0 and grad_norm != 0:
                adaptive_lr = self.trust * param_norm / (grad_norm + param_norm * self.decay + self.eps)
                p.grad = (p.grad + self.decay * p) * adaptive_lr
        self.inner.param_groups[0]["lr"] = lr
        self.inner.step()

    @property
    def state(self):
        slots = self.inner.state
        buffers = ((name, slots[p].get("momentum_buffer")) for name, p in self.network.named_parameters())
        return {name: {"mu": buffer} for name, buffer in buffers if buffer is not None}


optimizers = {"lars_swav": Larc, "adamw": byol.AdamW}


def learning_rates(case):
    """The two schedules of main_swav.py, `base_lr` being for this batch."""
    base, per_epoch = case["lr"] * case["batch"] / 256, case["stepsPerEpoch"]
    warmup = np.linspace(case["startLr"], base, case["warmup"])
    count = case["epochs"] * per_epoch - case["warmup"]
    cosine = case["minLr"] + 0.5 * (base - case["minLr"]) * (1 + np.cos(np.pi * np.arange(count) / count))
    return np.concatenate([warmup, cosine])


def sinkhorn(Q, iterations):
    """distributed_sinkhorn, with a row for each prototype."""
    Q = Q / Q.sum()
    K, B = Q.shape
    for _ in range(iterations):
        Q = Q / Q.sum(1, keepdim=True) / K
        Q = Q / Q.sum(0, keepdim=True) / B
    return (Q / Q.sum(0, keepdim=True)).T


@torch.no_grad()
def normalize_prototypes(network):
    weight = network.prototypes.weight
    weight.copy_(F.normalize(weight, dim=1))


def unit(name, p):
    """As normalize_prototypes will make it before the next forward pass."""
    return F.normalize(p.detach(), dim=1) if name == "prototypes.weight" else p.detach()


class Queue:
    def __init__(self, case, outputs):
        self.length = case["queueLength"] - case["queueLength"] % case["batch"]
        self.values, self.in_use, self.outputs, self.start = None, False, outputs, case["queueStart"]

    def begin(self, epoch):
        self.in_use = False
        if epoch >= self.start and self.values is None:
            self.values = torch.zeros(2, self.length, self.outputs).double()

    def join(self, i, out, embeddings, prototypes):
        """The scores of queue and batch; the batch then goes to the front of the queue."""
        if self.values is None:
            return out
        bs = len(out)
        if self.in_use or not torch.all(self.values[i, -1, :] == 0):
            self.in_use = True
            out = torch.cat((self.values[i] @ prototypes.T, out))
        self.values[i, bs:] = self.values[i, :-bs].clone()
        self.values[i, :bs] = embeddings
        return out


def swav_loss(embeddings, output, queue, prototypes, case):
    bs, crops, loss = case["batch"], 2 + case["locals"], 0
    for i in range(2):
        with torch.no_grad():
            own = slice(i * bs, (i + 1) * bs)
            out = queue.join(i, output[own], embeddings[own], prototypes)
            q = sinkhorn(torch.exp(out / case["epsilon"]).T, case["iterations"])[-bs:]
        subloss = 0
        for v in range(crops):
            if v != i:
                x = output[bs * v : bs * (v + 1)] / case["temperature"]
                subloss -= torch.mean(torch.sum(q * F.log_softmax(x, dim=1), dim=1))
        loss += subloss / (crops - 1)
    return loss / 2


def train(case):
    features, hidden, outputs, prototypes = case["head"]
    network = Network(case["backbone"](), features, hidden, outputs, nn.Linear(outputs, prototypes, bias=False))
    fill(nn.ModuleDict({"network": network})).train()
    first = {name: unit(name, p).clone() for name, p in network.named_parameters()}
    optimizer, queue = optimizers[case["optimizer"]](network, case["weightDecay"]), Queue(case, outputs)
    rates, steps, kinks = learning_rates(case), [], dino.Kinks()
    for step, lr in enumerate(rates):
        if step % case["stepsPerEpoch"] == 0:
            queue.begin(step // case["stepsPerEpoch"])
        normalize_prototypes(network)
        with kinks:
            embeddings, output = network(dino.crops_of(step, case))
        loss = swav_loss(embeddings.detach(), output, queue, network.prototypes.weight.detach(), case)
        for p in network.parameters():
            p.grad = None
        loss.backward()
        if step < case["freeze"]:
            network.prototypes.weight.grad = None
        norm = math.sqrt(sum((p.grad**2).sum().item() for p in network.parameters() if p.grad is not None))
        optimizer.step(lr)
        values = torch.zeros(1) if queue.values is None else queue.values
        steps.append(
            {
                "loss": dino.short(loss.item()),
                "gradNorm": dino.short(norm),  # of what then moves; the official code prints none
                "queue": dino.probe("queue", values),
                "inUse": queue.in_use,
                "network": [dino.probe(name, unit(name, p) - first[name]) for name, p in network.named_parameters()],
            }
        )
    losses = " ".join(f"{step['loss']:.2f}" for step in steps)
    print(f"{case['name']}, {case['images']}: nearest kink {kinks.nearest:.1e}, loss {losses}", flush=True)
    return kinks.nearest, steps, network, optimizer


sizes = {"batch": 8, "global": 24, "local": 12, "locals": 3, "epochs": 4, "stepsPerEpoch": 5}
when = {"warmup": 4, "freeze": 3, "queueLength": 19, "queueStart": 2}
rates = {"startLr": 0.02, "minLr": 0.001}
options = {"temperature": 0.2, "epsilon": 0.1, "iterations": 3, "weightDecay": 1e-2}
common = {**sizes, **when, **rates, **options, "sets": 8}
bcssl = {**common, **{key: byol.bcssl[key] for key in ("model", "backbone")}, "head": (16, 12, 6, 10)}
resnet = {**common, **{key: byol.resnet[key] for key in ("model", "backbone")}, "head": (24, 12, 6, 10), "sets": 60}
cases = [
    {**resnet, "name": "ResNet under LARS", "optimizer": "lars_swav", "lr": 32.0},
    {**bcssl, "name": "BC-SSL under LARS", "optimizer": "lars_swav", "lr": 32.0},
    {**bcssl, "name": "BC-SSL under AdamW", "optimizer": "adamw", "lr": 0.128, "startLr": 1e-4, "minLr": 1e-4},
]


def official_names(network):
    """The names of the state dict that the official code saves: the backbone is not in a module of its own."""
    return ["module." + name.removeprefix("backbone.") for name in network.state_dict()]


def golden(case):
    """Of several sets of images, the one that keeps the network farthest from the kinks of its ReLUs, as for BYOL."""
    tried = ({**case, "images": f"set {i}"} for i in range(case["sets"]))
    case, (_, steps, network, optimizer) = max(((one, train(one)) for one in tried), key=lambda pair: pair[1][0])
    _, hidden, outputs, prototypes = case["head"]
    return {
        **{key: case[key] for key in ("name", "images", "model", "optimizer", "lr", *sizes, *when, *rates, *options)},
        "head": {"hiddenDim": hidden, "outDim": outputs, "prototypes": prototypes},
        "weights": [name for name, _ in network.named_parameters()],
        "officialNames": official_names(network),
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
