"""DeepCluster-v2's training written again in plain PyTorch, after what main_deepclusterv2.py of facebookresearch/swav does, on
one machine: twenty steps in double precision, four epochs of five, from weights, crops and random orders by formula. Two
images are left out of each epoch, others each time.

Makes parity.json, for parity_test.ts.

    python lib/ssl/deepcluster/golden/parity.py
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


def script_of_swav():
    """For its network, LARC and schedule; it loads DINO's script, for the probes of arrays."""
    path = here.parents[1] / "swav" / "golden" / "parity.py"
    spec = importlib.util.spec_from_file_location("swav_parity", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


swav = script_of_swav()
byol, dino = swav.byol, swav.dino
uniform, fill = byol.uniform, byol.fill


class MultiPrototypes(nn.Module):
    def __init__(self, outputs, counts):
        super().__init__()
        self.heads = len(counts)
        for i, count in enumerate(counts):
            self.add_module(f"prototypes{i}", nn.Linear(outputs, count, bias=False))

    def forward(self, x):
        return [getattr(self, f"prototypes{i}")(x) for i in range(self.heads)]


def permutation(path, count):
    """In the place of a random order: that of the formula's numbers. The test does the same."""
    return np.argsort(uniform(path, count).astype(np.float32), kind="stable")


def order_of(epoch, case):
    """The batches of an epoch, as places of images."""
    used = case["batch"] * case["stepsPerEpoch"]
    return permutation(f"0/order/{epoch}", case["count"])[:used].reshape(-1, case["batch"])


def crops_of(index, step, case):
    """Two global and the local crops of the images at `index`. The crops of an image share a colour at all steps."""
    draw = lambda name, *shape: uniform(name, math.prod(shape)).astype(np.float32).reshape(shape)
    colours = draw(f"{case['images']} colours", case["count"], 1, 1, 3).astype(np.float64)
    crops = []
    for kind, size, count in (("global", case["global"], 2), ("local", case["local"], case["locals"])):
        noise = draw(f"{case['images']} {kind} {step}", count, len(index), size, size, 3)
        crops += list((colours[index] + 0.5 * noise.astype(np.float64)).astype(np.float32))
    return [torch.from_numpy(crop).double().permute(0, 3, 1, 2) for crop in crops]


class Margin:
    """How near two centroids come to being the nearest of a vector. Where they are equal up to rounding, it is a matter of
    luck which one float32 takes, and the clusters are then others."""

    nearest = math.inf

    def note(self, products):
        first, second = products.topk(2, dim=1).values.unbind(1)
        self.nearest = min(self.nearest, (first - second).min().item())


@torch.no_grad()
def init_memory(network, case):
    index = torch.zeros(case["batch"] * case["stepsPerEpoch"]).long()
    embeddings = torch.zeros(2, len(index), case["head"][2]).double()
    for i, images in enumerate(order_of(0, case)):
        at = slice(i * case["batch"], (i + 1) * case["batch"])
        crops = crops_of(images, case["epochs"] * case["stepsPerEpoch"] + i, case)
        index[at] = torch.from_numpy(images)
        for crop in range(2):  # each in a forward pass of its own
            embeddings[crop, at] = network.embed([crops[crop]])
    return index, embeddings


@torch.no_grad()
def cluster_memory(network, index, embeddings, epoch, case, margin, iterations=10):
    assignments, j = -100 * torch.ones(len(case["head"][3]), case["count"]).long(), 0
    for i, K in enumerate(case["head"][3]):
        rows = permutation(f"0/before epoch/{epoch}/centroids/{i}", len(index))[:K]
        centroids = embeddings[j][rows]
        for n_iter in range(iterations + 1):
            products = embeddings[j] @ centroids.T
            margin.note(products)
            local = products.max(dim=1)[1]
            if n_iter == iterations:
                break
            counts = torch.bincount(local, minlength=K)
            sums = torch.zeros_like(centroids).index_add_(0, local, embeddings[j])
            mask = counts > 0
            centroids[mask] = sums[mask] / counts[mask].unsqueeze(1)
            centroids = F.normalize(centroids, dim=1)
        getattr(network.prototypes, f"prototypes{i}").weight.copy_(centroids)
        assignments[i][index] = local
        j = (j + 1) % 2
    return assignments


def train(case):
    """The prototypes are frozen for longer than the run, so the optimiser is given the other weights only."""
    features, hidden, outputs, counts = case["head"]
    network = swav.Network(case["backbone"](), features, hidden, outputs, MultiPrototypes(outputs, counts))
    fill(nn.ModuleDict({"network": network})).train()
    moving = nn.ModuleDict({"backbone": network.backbone, "projection_head": network.projection_head})
    trained = dict(moving.named_parameters())
    first = {name: p.detach().clone() for name, p in trained.items()}
    optimizer, rates = swav.optimizers[case["optimizer"]](moving, case["weightDecay"]), swav.learning_rates(case)
    steps, epochs, kinks, margin = [], [], dino.Kinks(), Margin()
    with kinks:
        index, embeddings = init_memory(network, case)
    for step, lr in enumerate(rates):
        epoch, i = divmod(step, case["stepsPerEpoch"])
        if i == 0:
            assignments = cluster_memory(network, index, embeddings, epoch, case, margin)
            epochs.append(
                {
                    "assignments": assignments.tolist(),
                    "prototypes": [dino.probe(name, p) for name, p in network.prototypes.named_parameters()],
                }
            )
        images = order_of(epoch, case)[i]
        with kinks:
            emb, output = network(crops_of(images, step, case))
        emb, bs, crops = emb.detach(), case["batch"], 2 + case["locals"]
        loss = 0
        for h in range(len(counts)):
            targets = assignments[h][images].repeat(crops)
            loss += F.cross_entropy(output[h] / case["temperature"], targets, ignore_index=-100)
        loss /= len(counts)
        for p in network.parameters():
            p.grad = None
        loss.backward()
        norm = math.sqrt(sum((p.grad**2).sum().item() for p in trained.values()))
        optimizer.step(lr)
        at = slice(i * bs, (i + 1) * bs)
        index[at] = torch.from_numpy(images)
        for crop in range(2):
            embeddings[crop, at] = emb[crop * bs : (crop + 1) * bs]
        steps.append(
            {
                "loss": dino.short(loss.item()),
                "gradNorm": dino.short(norm),
                "unassigned": int((assignments[0][images] < 0).sum()),
                "memory": [dino.probe(f"bank {crop}", embeddings[crop]) for crop in range(2)],
                "network": [dino.probe(name, p - first[name]) for name, p in trained.items()],
            }
        )
    losses = " ".join(f"{step['loss']:.2f}" for step in steps)
    far = min(kinks.nearest, margin.nearest)
    empty = [sum(K - len({*a} - {-100}) for a, K in zip(e["assignments"], counts)) for e in epochs]
    print(f"{case['name']}, {case['images']}: kink {kinks.nearest:.1e}, margin {margin.nearest:.1e}, empty {empty}, {losses}", flush=True)
    return far, steps, epochs, network, optimizer, list(trained)


sizes = {"batch": 6, "count": 32, "global": 24, "local": 12, "locals": 2, "epochs": 4, "stepsPerEpoch": 5, "warmup": 4}
options = {"startLr": 0.02, "minLr": 0.001, "temperature": 0.2, "weightDecay": 1e-2}
common = {**sizes, **options, "sets": 20}
bcssl = {**common, **{key: byol.bcssl[key] for key in ("model", "backbone")}, "head": (16, 12, 6, [8, 6, 5])}
resnet = {**common, **{key: byol.resnet[key] for key in ("model", "backbone")}, "head": (24, 12, 6, [8, 6, 5]), "sets": 60}
cases = [
    {**resnet, "name": "ResNet under LARS", "optimizer": "lars_swav", "lr": 42.0},
    {**bcssl, "name": "BC-SSL under LARS", "optimizer": "lars_swav", "lr": 42.0},
    {**bcssl, "name": "BC-SSL under AdamW", "optimizer": "adamw", "lr": 0.17, "startLr": 1e-4, "minLr": 1e-4},
]


def golden(case):
    """Of several sets of images, the one that keeps the network farthest from the kinks of its ReLUs, and k-means from ties."""
    tried = ({**case, "images": f"set {i}"} for i in range(case["sets"]))
    case, (_, steps, epochs, network, optimizer, weights) = max(
        ((one, train(one)) for one in tried), key=lambda pair: pair[1][0]
    )
    _, hidden, outputs, counts = case["head"]
    return {
        **{key: case[key] for key in ("name", "images", "model", "optimizer", "lr", *sizes, *options)},
        "head": {"hiddenDim": hidden, "outDim": outputs, "prototypes": counts},
        "weights": weights,
        "officialNames": swav.official_names(network),
        "steps": steps,
        "clusterings": epochs,
        "kept": {
            name: {role: dino.probe(name, x) for role, x in slots.items()} for name, slots in optimizer.state.items()
        },
        "statistics": dino.statistics(network),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    lines = [json.dumps(golden(case), separators=(",", ":")) for case in cases]
    (here / "parity.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
