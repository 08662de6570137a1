"""MoCo v3's training written again in plain PyTorch, after what main_moco.py, moco/builder.py, moco/optimizer.py and vits.py
of facebookresearch/moco-v3 do: twenty steps in double precision from weights and crops by formula.

Makes parity.json, for parity_test.ts.

    python lib/ssl/mocov3/golden/parity.py
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
    """For its views; it loads the networks, and DINO's probes of arrays."""
    path = here.parents[1] / "byol" / "golden" / "parity.py"
    spec = importlib.util.spec_from_file_location("byol_parity", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


byol = script_of_byol()
dino, fill = byol.dino, byol.fill


def mlp(layers, inputs, hidden, outputs, last_norm=True):
    modules = []
    for i in range(layers):
        last = i == layers - 1
        modules.append(nn.Linear(inputs if i == 0 else hidden, outputs if last else hidden, bias=False))
        if not last:
            modules += [nn.BatchNorm1d(hidden), nn.ReLU()]
        elif last_norm:
            modules.append(nn.BatchNorm1d(outputs, affine=False))
    return nn.Sequential(*modules)


def fixed_positions(vit, temperature=10000.0):
    """The table as the official code makes it: its `meshgrid` has the order 'ij', so `grid_w` holds the rows."""
    side, dim = vit.grid, vit.pos_embed.shape[-1]
    grid_w, grid_h = torch.meshgrid(torch.arange(side).double(), torch.arange(side).double(), indexing="ij")
    omega = 1 / temperature ** (torch.arange(dim // 4).double() / (dim // 4))
    out_w, out_h = (grid.flatten()[:, None] * omega for grid in (grid_w, grid_h))
    waves = torch.cat([out_w.sin(), out_w.cos(), out_h.sin(), out_h.cos()], dim=1)
    return torch.cat([torch.zeros(1, dim).double(), waves])[None]


class MoCo(nn.Module):
    def __init__(self, encoder, form, features, hidden, outputs):
        super().__init__()
        self.base_encoder, self.momentum_encoder = encoder(), encoder()
        for network in (self.base_encoder, self.momentum_encoder):
            if form == "resnet":
                network.fc = mlp(2, features, hidden, outputs)
            else:
                network.head = mlp(3, features, hidden, outputs)
        self.predictor = mlp(2, outputs, hidden, outputs, last_norm=form == "vit")

    def begin(self):
        """Weights by formula, and the same ones in both encoders; buffers of the momentum encoder have values of their own."""
        fill(self).train()
        for network in (self.base_encoder, self.momentum_encoder):
            if hasattr(network, "pos_embed"):
                network.pos_embed.data = fixed_positions(network)
                for p in (network.pos_embed, *network.patch_embed.parameters()):
                    p.requires_grad = False
        for base, average in self.pairs():
            average.data.copy_(base.data)
            average.requires_grad = False
        return self

    def pairs(self):
        return zip(self.base_encoder.parameters(), self.momentum_encoder.parameters())

    def forward(self, x1, x2, m, temperature):
        q1 = self.predictor(self.base_encoder(x1)[0])
        q2 = self.predictor(self.base_encoder(x2)[0])
        with torch.no_grad():
            for base, average in self.pairs():
                average.data = average.data * m + base.data * (1.0 - m)
            k1 = self.momentum_encoder(x1)[0]
            k2 = self.momentum_encoder(x2)[0]
        return contrastive_loss(q1, k2, temperature) + contrastive_loss(q2, k1, temperature)


def contrastive_loss(q, k, temperature):
    logits = F.normalize(q, dim=1) @ F.normalize(k, dim=1).T / temperature
    return F.cross_entropy(logits, torch.arange(len(q))) * (2 * temperature)


def learning_rate(epoch, peak, epochs, warmup):
    if epoch < warmup:
        return peak * epoch / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (epoch - warmup) / (epochs - warmup)))


def moco_momentum(epoch, base, epochs):
    return 1 - 0.5 * (1 + math.cos(math.pi * epoch / epochs)) * (1 - base)


class Lars:
    def __init__(self, trained, decay, momentum=0.9, trust=0.001):
        self.trained, self.decay, self.momentum, self.trust = trained, decay, momentum, trust
        self.state = {name: {"mu": torch.zeros_like(p)} for name, p in trained.items()}

    @torch.no_grad()
    def step(self, lr):
        for name, p in self.trained.items():
            g, slot = p.grad, self.state[name]
            if p.dim() > 1:
                g = g + self.decay * p
                lengths = p.norm(), g.norm()
                g = g * (self.trust * lengths[0] / lengths[1] if min(lengths) > 0 else 1.0)
            slot["mu"] = self.momentum * slot["mu"] + g
            p.sub_(lr * slot["mu"])


class AdamW:
    """Every weight decays."""

    def __init__(self, trained, decay):
        self.trained, self.inner = trained, torch.optim.AdamW(trained.values(), weight_decay=decay)

    def step(self, lr):
        self.inner.param_groups[0]["lr"] = lr
        self.inner.step()

    @property
    def state(self):
        roles = {"first": "exp_avg", "second": "exp_avg_sq"}
        slots = self.inner.state
        return {
            name: {ours: slots[p][theirs] for ours, theirs in roles.items()} for name, p in self.trained.items()
        }


def train(case):
    moco = MoCo(case["backbone"], *case["head"]).begin()
    trained = {name: p for name, p in moco.named_parameters() if p.requires_grad}
    optimizer = {"lars_mocov3": Lars, "adamw_all": AdamW}[case["optimizer"]](trained, case["weightDecay"])
    first = {name: p.detach().clone() for name, p in moco.named_parameters()}
    steps, kinks = [], dino.Kinks()
    for step in range(case["epochs"] * case["stepsPerEpoch"]):
        epoch = step / case["stepsPerEpoch"]  # a fraction
        lr = learning_rate(epoch, case["lr"] * case["batch"] / 256, case["epochs"], case["warmupEpochs"])
        m = moco_momentum(epoch, case["momentum"], case["epochs"])
        with kinks:
            loss = moco(*byol.views_of(step, case), m, case["temperature"])
        moco.zero_grad()
        loss.backward()
        norm = math.sqrt(sum((p.grad**2).sum().item() for p in trained.values()))
        optimizer.step(lr)
        steps.append({"loss": dino.short(loss.item()), "gradNorm": dino.short(norm), "ways": dino.moved(moco, first)})
    losses = " ".join(f"{step['loss']:.2f}" for step in steps)
    largest = max(step["gradNorm"] for step in steps)
    print(f"{case['name']}, {case['images']}: kink {kinks.nearest:.1e}, gradient {largest:.1f}, loss {losses}")
    return kinks.nearest, steps, moco, optimizer


sizes = {"batch": 16, "size": 16, "epochs": 4, "stepsPerEpoch": 5, "warmupEpochs": 1}
common = {**sizes, "momentum": 0.9}
resnet = {
    **common,
    **{key: byol.resnet[key] for key in ("model", "backbone")},
    "head": ("resnet", 24, 12, 6),
    "batch": 8,
    "sets": 100,
}
vit = {
    **common,
    "model": {
        "arch": "vit",
        "embedDim": 24,
        "depth": 2,
        "numHeads": 3,
        "patchSize": 4,
        "imageSize": 16,
        "norm": "layer",
        "dropPathRate": 0,
        "variant": "mocov3",
    },
    "backbone": lambda: dino.ViT(24, 2, 3, 4, 16),
    "head": ("vit", 24, 12, 6),
    "sets": 20,
}
cases = [
    {**resnet, "name": "ResNet under LARS", "optimizer": "lars_mocov3", "lr": 1.0, "weightDecay": 1e-2, "temperature": 1.0},
    {**vit, "name": "ViT under AdamW", "optimizer": "adamw_all", "lr": 0.016, "weightDecay": 0.1, "temperature": 0.2},
]


def golden(case):
    """Of several sets of images, the one that keeps the networks farthest from the kinks of their ReLUs, as for BYOL."""
    tried = ({**case, "images": f"set {i}"} for i in range(case["sets"]))
    case, (_, steps, moco, optimizer) = max(((one, train(one)) for one in tried), key=lambda pair: pair[1][0])
    settings = ("name", "images", "model", "optimizer", "lr", "momentum", "weightDecay", "temperature")
    form, _, hidden, outputs = case["head"]
    return {
        **{key: case[key] for key in (*settings, *sizes)},
        "head": {"form": form, "hiddenDim": hidden, "outDim": outputs},
        "weights": [name for name, _ in moco.named_parameters()],
        "names": list(moco.state_dict()),
        "steps": steps,
        "kept": {
            name: {role: dino.probe(name, x) for role, x in slots.items()} for name, slots in optimizer.state.items()
        },
        "statistics": dino.statistics(moco),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    lines = [json.dumps(golden(case), separators=(",", ":")) for case in cases]
    (here / "parity.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
