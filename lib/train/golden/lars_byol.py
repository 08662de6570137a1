"""LARS as BYOL's code has it, written again in double precision: the weight decay is added to the gradient, the sum is
adapted to the weight's length, a buffer adds it up, and the learning rate stands before the buffer. Both decay and
adaptation leave out what Haiku calls `b`, and every weight of a module with `norm` in its name.

Makes lars_byol.json.

    python lib/train/golden/lars_byol.py
"""

import json
import pathlib

import torch

MOMENTUM, ETA, WEIGHT_DECAY = 0.9, 0.001, 0.3

# Our names, with the module and the name that Haiku has for each.
weights = {
    "conv.weight": ((2, 1, 2, 2), "conv", "w"),
    "mlp.0.weight": ((2, 3), "linear", "w"),
    "mlp.0.bias": ((3,), "linear", "b"),
    "mlp.1.weight": ((3,), "batch_norm", "scale"),
    "mlp.1.bias": ((3,), "batch_norm", "offset"),
    "blocks.0.gamma": ((2,), "block", "layer_scale"),
    "zero.weight": ((2, 2), "linear_1", "w"),  # the ratio is 1 until it has a length
}


def included(module, name):
    return not (name == "b" or "norm" in module)


def update(weight, grad, mu, lr, follows):
    if follows:
        grad = grad + WEIGHT_DECAY * weight
        lengths = torch.linalg.norm(weight), torch.linalg.norm(grad)
        grad = grad * (ETA * lengths[0] / lengths[1] if min(lengths) > 0 else 1.0)
    mu = MOMENTUM * mu + grad
    return weight + -lr * mu, mu


def main():
    torch.manual_seed(1)
    draw = lambda shape: torch.randn(shape).double().mul(1000).round().div(1000)
    values = {name: draw(shape) for name, (shape, *_) in weights.items()}
    values["zero.weight"].zero_()
    buffers = {name: torch.zeros_like(value) for name, value in values.items()}
    flat = lambda tensors: {name: [round(v, 12) for v in t.flatten().tolist()] for name, t in tensors.items()}
    golden = {"weightDecay": WEIGHT_DECAY, "initial": flat(values), "steps": []}
    golden["shapes"] = {name: list(value.shape) for name, value in values.items()}
    for lr in (10.0, 5.0, 20.0):  # of a length that ETA leaves visible
        grads = {name: draw(value.shape) for name, value in values.items()}
        for name, (_, *path) in weights.items():
            moved = update(values[name], grads[name], buffers[name], lr, included(*path))
            values[name], buffers[name] = moved
        golden["steps"].append({"lr": lr, "grads": flat(grads), "weights": flat(values)})
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden) + "\n")


main()
