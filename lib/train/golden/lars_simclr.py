"""LARS as SimCLR's code has it (tf2/lars_optimizer.py with `classic_momentum`, tf2/model.py), written again in double
precision: the weight decay is added to the gradient, the sum is adapted to the weight's length, and a buffer adds it up
times the learning rate. Both decay and adaptation leave out variables whose name contains `batch_normalization` or `bias`.

Makes lars_simclr.json.

    python lib/train/golden/lars_simclr.py
"""

import json
import pathlib

import torch

MOMENTUM, ETA, WEIGHT_DECAY = 0.9, 0.001, 0.3

# Our names, with the name that Keras has for each.
weights = {
    "conv.weight": ((2, 1, 2, 2), "conv2d/kernel:0"),
    "mlp.0.weight": ((2, 3), "dense/kernel:0"),
    "mlp.0.bias": ((3,), "dense/bias:0"),
    "mlp.1.weight": ((3,), "batch_normalization/gamma:0"),
    "mlp.1.bias": ((3,), "batch_normalization/beta:0"),
    "blocks.0.gamma": ((2,), "block/layer_scale:0"),
    "zero.weight": ((2, 2), "dense_1/kernel:0"),  # the ratio is 1 until it has a length
}


def included(name):
    return not any(part in name for part in ("batch_normalization", "bias", "head_supervised"))


def update(weight, grad, v, lr, follows):
    ratio = 1.0
    if follows:
        grad = grad + WEIGHT_DECAY * weight
        lengths = torch.linalg.norm(weight), torch.linalg.norm(grad)
        ratio = ETA * lengths[0] / lengths[1] if min(lengths) > 0 else 1.0
    v = MOMENTUM * v + lr * ratio * grad
    return weight - v, v


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
        for name, (_, keras) in weights.items():
            moved = update(values[name], grads[name], buffers[name], lr, included(keras))
            values[name], buffers[name] = moved
        golden["steps"].append({"lr": lr, "grads": flat(grads), "weights": flat(values)})
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden) + "\n")


main()
