"""LARS, written again from You et al. 2017 and from what the `LARS` of dino's utils.py does, in double precision.

Makes lars.json.

    python lib/train/golden/lars.py
"""

import json
import pathlib

import torch

MOMENTUM, ETA, WEIGHT_DECAY = 0.9, 0.001, 0.3


def step(weight, grad, mu, lr):
    """One weight's next value and buffer."""
    if weight.dim() != 1:
        grad = grad + WEIGHT_DECAY * weight
        norms = weight.norm(), grad.norm()
        if min(norms) > 0:
            grad = grad * (ETA * norms[0] / norms[1])
    mu = MOMENTUM * mu + grad
    return weight - lr * mu, mu


def main():
    torch.manual_seed(0)
    shapes = {"matrix": (2, 3), "kernel": (2, 1, 2, 2), "vector": (2,)}
    draw = lambda shape: torch.randn(shape).double().mul(1000).round().div(1000)
    weights = {name: draw(shape) for name, shape in shapes.items()}
    weights["zero"] = torch.zeros(2, 2).double()  # q is 1 until it has a length
    buffers = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    flat = lambda tensors: {name: [round(v, 12) for v in t.flatten().tolist()] for name, t in tensors.items()}
    golden = {"weightDecay": WEIGHT_DECAY, "initial": flat(weights), "steps": []}
    golden["shapes"] = {name: list(weight.shape) for name, weight in weights.items()}
    for lr in (10.0, 5.0, 20.0):  # of a length that eta leaves visible
        grads = {name: draw(weight.shape) for name, weight in weights.items()}
        for name in weights:
            weights[name], buffers[name] = step(weights[name], grads[name], buffers[name], lr)
        golden["steps"].append({"lr": lr, "grads": flat(grads), "weights": flat(weights)})
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden) + "\n")


main()
