"""iGPT's training written again in plain PyTorch, after src/model.py of openai/image-gpt: twenty steps in double precision of
each objective, from weights and images by formula. The official training is not public; the optimiser is AdamW here and
there.

Makes parity.json, for parity_test.ts.

    python lib/ssl/igpt/golden/parity.py
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

from formula import fill, uniform  # noqa: E402


def script_of_dino():
    """For its schedules, its groups of parameters and its probes of arrays."""
    path = here.parents[1] / "dino" / "golden" / "parity.py"
    spec = importlib.util.spec_from_file_location("dino_parity", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


dino = script_of_dino()


class Norm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.weight


class Attention(nn.Module):
    def __init__(self, dim, heads, bert):
        super().__init__()
        self.heads, self.bert = heads, bert
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.proj = nn.Linear(dim, dim, bias=False)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        w = q @ k.mT / math.sqrt(v.shape[-1])
        if not self.bert:
            b = torch.ones(w.shape[-2:]).tril().double()
            w = w * b - 1e10 * (1 - b)
        return self.proj((w.softmax(-1) @ v).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.c_fc = nn.Linear(dim, 4 * dim, bias=False)
        self.c_proj = nn.Linear(4 * dim, dim, bias=False)

    def forward(self, x):
        h = self.c_fc(x)
        return self.c_proj(h * torch.sigmoid(1.702 * h))


class Block(nn.Module):
    def __init__(self, dim, heads, bert):
        super().__init__()
        self.ln_1, self.attn = Norm(dim), Attention(dim, heads, bert)
        self.ln_2, self.mlp = Norm(dim), Mlp(dim)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Backbone(nn.Module):
    def __init__(self, embedDim, depth, numHeads, imageSize, patchSize, colours, masked, **_):
        super().__init__()
        self.patch = patchSize
        self.register_buffer("palette", torch.zeros(colours, 3))
        self.wte = nn.Parameter(torch.zeros(colours, embedDim))
        self.wpe = nn.Parameter(torch.zeros((imageSize // patchSize) ** 2, embedDim))
        if not masked:
            self.sos = nn.Parameter(torch.zeros(embedDim))
        self.h = nn.ModuleList(Block(embedDim, numHeads, masked) for _ in range(depth))
        self.ln_f = Norm(embedDim)

    def codes(self, images):
        """The nearest colours, and how much nearer they are than the second nearest."""
        small = F.avg_pool2d(images, self.patch).flatten(2).mT
        distances = (small[:, :, None] - self.palette).square().sum(-1)
        nearest = distances.topk(2, largest=False).values
        return distances.argmin(-1), (nearest[..., 1] - nearest[..., 0]).min().item()

    def forward(self, X, M):
        h = self.wte[X]
        if M is not None:
            h = h * M[:, :, None]
        else:
            h = torch.cat([self.sos.expand(len(X), 1, -1), h[:, :-1]], 1)
        h = h + self.wpe
        for block in self.h:
            h = block(h)
        return self.ln_f(h)


class Network(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.backbone = Backbone(**config)
        self.wtet = nn.Parameter(torch.zeros(config["colours"], config["embedDim"]))

    def forward(self, X, M):
        """gen_loss"""
        logits = self.backbone(X, M) @ self.wtet.T
        losses = F.cross_entropy(logits.flatten(0, 1), X.flatten(), reduction="none").view(X.shape)
        if M is None:
            return losses.mean()
        IM = 1 - M
        return ((losses * IM).sum(1) / IM.sum(1)).mean()


def images_of(step, case):
    """`[B, 3, H, W]`; the pixels of an image share a colour."""
    draw = lambda name, *shape: uniform(name, math.prod(shape)).astype(np.float32).reshape(shape)
    B, side = case["batch"], case["model"]["imageSize"]
    colour = draw(f"{case['images']} colour {step}", B, 1, 1, 3).astype(np.float64)
    noise = draw(f"{case['images']} view {step}", B, side, side, 3).astype(np.float64)
    return torch.from_numpy((0.5 * colour + 0.5 * noise).astype(np.float32)).double().permute(0, 3, 1, 2)


def mask_of(step, case, positions):
    """1 for positions that are kept."""
    if not case["model"]["masked"]:
        return None
    u = uniform(f"{case['images']} mask {step}", case["batch"] * positions)
    M = 1.0 - (torch.from_numpy((u + 1) / 2) < case["maskShare"]).double().view(case["batch"], positions)
    assert (1 - M).sum(1).min() >= 1, "an image without a hidden position"
    return M


def train(case):
    network = fill(Network(case["model"])).train()
    first = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimizer = torch.optim.AdamW(dino.parameter_groups(network))
    epochs, per_epoch = case["epochs"], case["stepsPerEpoch"]
    rates = dino.cosine_scheduler(case["lr"] * case["batch"] / 256, case["minLr"], epochs, per_epoch, case["warmup"])
    decays = dino.cosine_scheduler(*case["weightDecay"], epochs, per_epoch)
    steps, nearest = [], math.inf
    for it in range(epochs * per_epoch):
        for i, group in enumerate(optimizer.param_groups):
            group["lr"] = rates[it]
            if i == 0:
                group["weight_decay"] = decays[it]
        X, gap = network.backbone.codes(images_of(it, case))
        nearest = min(nearest, gap)
        loss = network(X, mask_of(it, case, X.shape[1]))
        optimizer.zero_grad()
        loss.backward()
        norm = math.sqrt(sum((p.grad**2).sum().item() for p in network.parameters()))
        optimizer.step()
        steps.append(
            {"loss": dino.short(loss.item()), "gradNorm": dino.short(norm), "network": dino.moved(network, first)}
        )
    losses = " ".join(f"{step['loss']:.2f}" for step in steps)
    print(f"{case['name']}: second colour {nearest:.1e}, {len(X.unique())} colours in the last batch, loss {losses}")
    return steps, network, optimizer


model = {
    "arch": "igpt",
    "embedDim": 12,
    "depth": 3,
    "numHeads": 2,
    "imageSize": 12,
    "patchSize": 2,
    "colours": 10,
    "featureBlock": 1,
    "masked": False,
}
sizes = {"images": "set 0", "batch": 4, "epochs": 4, "stepsPerEpoch": 5, "warmup": 1}
common = {**sizes, "lr": 0.32, "minLr": 1e-4, "weightDecay": (0.01, 0.1), "maskShare": 0.15}
cases = [
    {**common, "name": "the next pixel", "model": model},
    {**common, "name": "hidden pixels", "model": {**model, "masked": True}},
]


def golden(case):
    steps, network, optimizer = train(case)
    return {
        **case,
        "weights": [name for name, _ in network.named_parameters()],
        "steps": steps,
        "kept": dino.kept(network, optimizer),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    lines = [json.dumps(golden(case), separators=(",", ":")) for case in cases]
    (here / "parity.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
