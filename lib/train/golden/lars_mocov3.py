"""LARS as MoCo v3's code has it (moco/optimizer.py), written again in double precision: tensors with more than one dimension
decay and take steps of a length in proportion to their own, whatever their names are; all others are plain SGD with momentum.

Makes lars_mocov3.json.

    python lib/train/golden/lars_mocov3.py
"""

import json
import pathlib

import torch

MOMENTUM, ETA, WEIGHT_DECAY = 0.9, 0.001, 0.3

shapes = {
    "conv.weight": (2, 1, 2, 2),
    "fc.0.weight": (2, 3),
    "fc.1.weight": (3,),
    "fc.1.bias": (3,),
    "table.bias": (2, 2),  # DINO's LARS would not let it decay, because of its name
    "scale": (),  # DINO's LARS would adapt it, since it is no vector
    "zero.weight": (2, 2),  # the ratio is 1 until it has a length
}


def update(weight, grad, mu, lr):
    if weight.dim() > 1:
        grad = grad + WEIGHT_DECAY * weight
        lengths = weight.norm(), grad.norm()
        grad = grad * (ETA * lengths[0] / lengths[1] if min(lengths) > 0 else 1.0)
    mu = MOMENTUM * mu + grad
    return weight - lr * mu, mu


def main():
    torch.manual_seed(2)
    draw = lambda shape: torch.randn(shape).double().mul(1000).round().div(1000)
    weights = {name: draw(shape) for name, shape in shapes.items()}
    weights["zero.weight"].zero_()
    buffers = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    flat = lambda tensors: {name: [round(v, 12) for v in t.flatten().tolist()] for name, t in tensors.items()}
    golden = {"weightDecay": WEIGHT_DECAY, "initial": flat(weights), "steps": []}
    golden["shapes"] = {name: list(shape) for name, shape in shapes.items()}
    for lr in (10.0, 5.0, 20.0):  # of a length that ETA leaves visible
        grads = {name: draw(shape) for name, shape in shapes.items()}
        for name in weights:
            weights[name], buffers[name] = update(weights[name], grads[name], buffers[name], lr)
        golden["steps"].append({"lr": lr, "grads": flat(grads), "weights": flat(weights)})
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden) + "\n")


main()
