"""ELEVATER's linear probe on stored features and an honest one, in double precision, one setting at a time.

Written after what Elevater_Toolkit_IC's full_model_finetune.py does; run with torch 2.14.1 and NumPy; writes
probe_search.json beside this file. First weights and the orders of the images come from formulas that the test
shares. Seeds of the features are tried until no prediction is so close that single precision could change it.
"""
import json
import math
import pathlib
import sys

import numpy as np
import torch
from transfer_metrics import eleven_points

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent.parent.parent / "models" / "golden"))
from formula import uniform  # noqa: E402

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def order_of(epoch: int, count: int) -> list[int]:
    return [(1009 * i + 31 * epoch) % count for i in range(count)]


class Classifier(torch.nn.Module):
    def __init__(self, dim: int, classes: int):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(dim, affine=False)
        self.linear = torch.nn.Linear(dim, classes)
        values = torch.tensor(uniform("weight", dim * classes + classes).astype(np.float32).astype(np.float64))
        values = (values / math.sqrt(dim)).float().double()
        with torch.no_grad():
            self.linear.weight.copy_(values[: dim * classes].reshape(dim, classes).T)
            self.linear.bias.copy_(values[dim * classes :])

    def forward(self, x):
        return self.linear(self.norm(x))


class Set:
    def __init__(self, features, truth, metric):
        self.x, self.y, self.metric = torch.tensor(features), torch.tensor(truth), metric

    def part(self, indices):
        return Set(self.x[indices].numpy(), self.y[indices].numpy(), self.metric)

    def loss(self, logits, rows):
        if self.metric != "map11":
            return torch.nn.functional.cross_entropy(logits, self.y[rows])
        y = self.y[rows]
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits, (y > 0).double(), reduction="none")
        return (each * (y != 0)).mean()

    def score(self, logits, softmax, gaps):
        if not torch.isfinite(logits).all():
            return 0.0
        scores = (logits.softmax(-1) if softmax else logits).numpy()
        size = np.abs(logits.numpy()).max() or 1.0
        if self.metric == "accuracy":
            first = np.sort(logits.numpy(), 1)
            gaps.append((first[:, -1] - first[:, -2]).min() / size)
            return float((scores.argmax(1) == self.y.numpy()).mean())
        if self.metric == "rocAuc":
            margin = scores[:, 1] - scores[:, 0]
            gaps.append(np.diff(np.sort(margin)).min() / (1 if softmax else size))
            y = self.y.numpy()
            return float((margin[y == 1][:, None] > margin[y == 0][None]).mean())
        gaps.append(min(np.diff(np.sort(scores[:, c])).min() for c in range(scores.shape[1])) / (1 if softmax else size))
        y = self.y.numpy()
        return float(np.mean([eleven_points(scores[:, c], y[:, c]) for c in range(y.shape[1])]))


def train(part, test, classes, lr, decay, epochs, softmax, gaps, batch=64):
    model = Classifier(part.x.shape[1], classes)
    optimizer = torch.optim.SGD(model.parameters(), lr, momentum=0.9, weight_decay=decay)
    scores = []
    for epoch in range(epochs):
        model.train()
        order = order_of(epoch, len(part.x))
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            if len(rows) == 1:
                continue
            optimizer.zero_grad()
            part.loss(model(part.x[rows]), rows).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            largest = max(p.abs().max().item() for p in model.parameters())
            diverged = not largest < 1e37  # in single precision logits are then infinite
            scores.append(0.0 if diverged else test.score(model(test.x), softmax, gaps))
    return scores


def split(data, share, shuffled):
    labels = data.y.tolist() if data.metric != "map11" else [-1] * len(data.y)
    held = []
    for label in sorted(set(labels)):
        members = [i for i, own in enumerate(labels) if own == label]
        if shuffled:
            members = [members[i] for i in order_of(0, len(members))]
        held += members[: math.ceil(share * len(members))]
    return data.part([i for i in range(len(labels)) if i not in held]), data.part(sorted(held))


def probe(data, test, classes, plan, honest, gaps):
    part, validation = split(data, 0.2, honest)
    softmax, trials = not honest, []

    def tried(lr, place):
        decay = plan["weightDecays"][place]
        scores = train(part, validation, classes, lr, decay, plan["epochs"], softmax, gaps)
        score = scores[-1] if honest else max(scores)
        trials.append((plan["lrs"].index(lr), place, score))
        return score

    best = (0.0, None, None)
    for lr in plan["lrs"]:
        peak, top = 0, 0.0
        for place in range(0, len(plan["weightDecays"]), plan["coarse"]):
            score = tried(lr, place)
            if score > top:
                peak, top = place, score
        for step in plan["refine"]:
            here = peak
            for place in (max(here - step, 0), min(here + step, len(plan["weightDecays"]) - 1)):
                if place == here:
                    continue
                score = tried(lr, place)
                if score > top:
                    peak, top = place, score
        if top > best[0]:
            best = (top, lr, peak)
    score, lr, place = best
    scores = train(data, test, classes, lr, plan["weightDecays"][place], plan["finalEpochs"], softmax, gaps)
    return {"lr": lr, "place": place, "score": score, "trials": trials, "finalScores": scores,
            "testScore": scores[-1] if honest else max(scores)}


def images(rng, count, dim, classes, metric):
    if metric == "map11":
        truth = rng.choice([1, -1, 0], (count, classes), p=[0.3, 0.6, 0.1])
        truth[:3] = 1
        mixing = np.random.default_rng(9).normal(size=(classes, dim))
        features = truth @ mixing + 1.5 * rng.normal(size=(count, dim))
    else:
        truth = np.minimum(rng.integers(0, classes, count), classes - 1)
        centres = np.random.default_rng(9).normal(size=(classes, dim))
        features = centres[truth] + 1.2 * rng.normal(size=(count, dim))
    return np.round(features * 3 + 1, 3), truth


def case(name, metric, classes, dim, counts, plan, honest, least):
    for seed in range(400):
        rng, gaps = np.random.default_rng(seed), []
        (x, y), (test_x, test_y) = (images(rng, count, dim, classes, metric) for count in counts)
        result = probe(Set(x, y, metric), Set(test_x, test_y, metric), classes, plan, honest, gaps)
        if min(gaps) > least:
            print(name, "seed", seed, "least gap", min(gaps), "found", result["lr"], result["place"], result["testScore"])
            break
    else:
        raise SystemExit(f"{name}: no seed has wide gaps")
    return {"name": name, "metric": metric, "classes": classes, "dim": dim, "honest": honest, "plan": plan,
            "features": x.ravel().tolist(), "truth": y.ravel().tolist(),
            "testFeatures": test_x.ravel().tolist(), "testTruth": test_y.ravel().tolist(), **result}


if __name__ == "__main__":
    elevater = {"lrs": [10.0 ** i for i in range(-6, 0)], "weightDecays": [10 ** (i / 8 - 6) for i in range(97)],
                "coarse": 16, "refine": [8, 4, 2, 1], "epochs": 10, "finalEpochs": 50}
    grid = {"lrs": [1e-3, 1e-2, 1e-1], "weightDecays": [10.0 ** i for i in range(-5, 0)], "coarse": 1, "refine": [],
            "epochs": 12, "finalEpochs": 12}
    short = {"lrs": [1e-2, 1e-1], "weightDecays": [10 ** (i / 2 - 3) for i in range(9)], "coarse": 4, "refine": [2, 1],
             "epochs": 3, "finalEpochs": 4}
    golden = [
        case("ELEVATER's whole search", "accuracy", 4, 5, (149, 40), elevater, False, 1e-5),
        case("an honest grid", "accuracy", 3, 4, (129, 40), grid, True, 1e-5),
        case("several classes", "map11", 3, 6, (90, 20), short, False, 1e-5),
        case("two classes by area", "rocAuc", 2, 5, (81, 20), short, False, 1e-5),
        case("several classes, honest", "map11", 3, 6, (90, 20), {**short, "refine": []}, True, 1e-5),
    ]
    (HERE / "probe_search.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
