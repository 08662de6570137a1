"""MoBY's training written again in plain PyTorch, after what moby_main.py, models/moby.py, optimizer.py and lr_scheduler.py of
SwinTransformer/Transformer-SSL do (the schedule is timm's CosineLRScheduler itself): twenty steps in double precision from
weights and crops by formula.

Makes parity.json, for parity_test.ts.

    python lib/ssl/moby/golden/parity.py
"""

import importlib.util
import json
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from timm.scheduler.cosine_lr import CosineLRScheduler
from torch import nn

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parents[2] / "models" / "golden"))

from swin import Swin  # noqa: E402


def script_of_byol():
    """For its views; it loads the networks, and DINO's probes of arrays."""
    path = here.parents[1] / "byol" / "golden" / "parity.py"
    spec = importlib.util.spec_from_file_location("byol_parity", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


byol = script_of_byol()
dino, fill = byol.dino, byol.fill


class Mlp(nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.linear_hidden = nn.Sequential(
            nn.Identity(), nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU()
        )
        self.linear_out = nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.linear_out(self.linear_hidden(x))


class MoBY(nn.Module):
    def __init__(self, backbone, features, hidden, outputs, negatives, momentum, temperature, total):
        super().__init__()
        self.momentum, self.temperature, self.K, self.k = momentum, temperature, total, 0
        self.encoder, self.encoder_k = backbone(), backbone()
        for encoder in (self.encoder, self.encoder_k):
            encoder.head = nn.Identity()
        self.projector, self.projector_k = (Mlp(features, hidden, outputs) for _ in range(2))
        self.predictor = Mlp(outputs, hidden, outputs)
        self.register_buffer("queue1", torch.zeros(outputs, negatives))
        self.register_buffer("queue2", torch.zeros(outputs, negatives))
        self.register_buffer("queue_ptr", torch.zeros(1, dtype=torch.long))

    def begin(self):
        """Weights by formula, the same in both encoders; running statistics of their own."""
        fill(self).train()
        self.queue1, self.queue2 = F.normalize(self.queue1, dim=0), F.normalize(self.queue2, dim=0)
        for q, k in self.pairs():
            k.data.copy_(q.data)
            k.requires_grad = False
        return self

    def pairs(self):
        yield from zip(self.encoder.parameters(), self.encoder_k.parameters())
        yield from zip(self.projector.parameters(), self.projector_k.parameters())

    def contrastive_loss(self, q, k, queue):
        positive = (q * k).sum(1, keepdim=True)
        logits = torch.cat([positive, q @ queue], dim=1) / self.temperature
        return F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long))

    def forward(self, im_1, im_2):
        pred_1, pred_2 = (
            F.normalize(self.predictor(self.projector(self.encoder(im)[1])), dim=1) for im in (im_1, im_2)
        )
        with torch.no_grad():
            m = 1 - (1 - self.momentum) * (math.cos(math.pi * self.k / self.K) + 1) / 2
            self.k += 1
            for q, k in self.pairs():
                k.data = k.data * m + q.data * (1 - m)
            key_1, key_2 = (F.normalize(self.projector_k(self.encoder_k(im)[1]), dim=1) for im in (im_1, im_2))
        queue1, queue2 = self.queue1.clone(), self.queue2.clone()
        loss = self.contrastive_loss(pred_1, key_2, queue2) + self.contrastive_loss(pred_2, key_1, queue1)
        at, count = int(self.queue_ptr), len(im_1)
        self.queue1[:, at : at + count] = key_1.T
        self.queue2[:, at : at + count] = key_2.T
        self.queue_ptr[0] = (at + count) % self.queue1.shape[1]
        return loss


def optimizer_of(moby, decay):
    trained = {name: p for name, p in moby.named_parameters() if p.requires_grad}
    plain = lambda name, p: p.dim() == 1 or name.endswith(".bias")
    groups = [
        {"params": [p for name, p in trained.items() if not plain(name, p)]},
        {"params": [p for name, p in trained.items() if plain(name, p)], "weight_decay": 0.0},
    ]
    return trained, groups, decay


def train(case):
    total = case["epochs"] * case["stepsPerEpoch"]
    rest = (case["queue"], case["momentum"], case["temperature"], total)
    moby = MoBY(case["backbone"], *case["head"], *rest).begin()
    trained, groups, decay = optimizer_of(moby, case["weightDecay"])
    optimizer = torch.optim.AdamW(groups, lr=case["lr"] * case["batch"] / 256, weight_decay=decay)
    scheduler = CosineLRScheduler(
        optimizer,
        t_initial=total,
        lr_min=case["minLr"],
        warmup_lr_init=case["warmupLr"],
        warmup_t=case["warmup"],
        cycle_limit=1,
        t_in_epochs=False,
    )
    first = {name: p.detach().clone() for name, p in moby.named_parameters()}
    steps, kinks, clipped = [], dino.Kinks(), []
    for step in range(total):
        with kinks:
            loss = moby(*byol.views_of(step, case))
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(moby.parameters(), case["clip"]).item()
        lr = optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step_update(step)
        clipped.append(norm > case["clip"])
        steps.append(
            {
                "loss": dino.short(loss.item()),
                "gradNorm": dino.short(norm),
                "lr": dino.short(lr),
                "ways": dino.moved(moby, first),
                "queues": [dino.probe("queue1", moby.queue1), dino.probe("queue2", moby.queue2)],
                "pointer": int(moby.queue_ptr),
            }
        )
    losses = " ".join(f"{step['loss']:.2f}" for step in steps)
    print(f"{case['name']}, {case['images']}: kink {kinks.nearest:.1e}, {np.mean(clipped):.0%} clipped, loss {losses}")
    return kinks.nearest, steps, moby, optimizer, trained


sizes = {"batch": 8, "size": 16, "epochs": 4, "stepsPerEpoch": 5, "warmup": 4, "queue": 24}
common = {
    **sizes,
    "lr": 0.064,
    "minLr": 1e-4,
    "warmupLr": 1e-4,
    "momentum": 0.9,
    "weightDecay": 0.05,
    "temperature": 0.2,
    "sets": 20,
}
bcssl = {**common, **{key: byol.bcssl[key] for key in ("model", "backbone")}, "head": (16, 12, 6)}
swin = {
    **common,
    "size": 32,
    "model": {
        "arch": "swin",
        "embedDim": 8,
        "depths": [2, 1],
        "numHeads": [2, 2],
        "windowSize": 4,
        "patchSize": 4,
        "imageSize": 32,
        "normEps": 1e-5,
        "dropPathRate": 0,
    },
    "backbone": lambda: Swin(8, [2, 1], [2, 2], 4, 32, 1e-5),
    "head": (16, 12, 6),
}
cases = [{**swin, "name": "Swin", "clip": 25.0}, {**bcssl, "name": "BC-SSL", "clip": 10.0}]


def golden(case):
    """Of several sets of images, the one that keeps the networks farthest from the kinks of their ReLUs, as for BYOL."""
    tried = ({**case, "images": f"set {i}"} for i in range(case["sets"]))
    case, (_, steps, moby, optimizer, trained) = max(((one, train(one)) for one in tried), key=lambda pair: pair[1][0])
    settings = ("name", "images", "model", "lr", "minLr", "warmupLr", "momentum", "weightDecay", "temperature", "clip")
    _, hidden, outputs = case["head"]
    roles = {"first": "exp_avg", "second": "exp_avg_sq"}
    return {
        **{key: case[key] for key in (*settings, *sizes)},
        "head": {"hiddenDim": hidden, "outDim": outputs},
        "weights": [name for name, _ in moby.named_parameters()],
        "names": list(moby.state_dict()),
        "steps": steps,
        "kept": {
            name: {ours: dino.probe(name, optimizer.state[p][theirs]) for ours, theirs in roles.items()}
            for name, p in trained.items()
        },
        "statistics": dino.statistics(moby),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    lines = [json.dumps(golden(case), separators=(",", ":")) for case in cases]
    (here / "parity.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
