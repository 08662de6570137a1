"""LARS as SwAV's code has it: `LARC` of apex (apex/parallel/LARC.py, with clip=False) around torch.optim.SGD, written again
in double precision. Every weight decays and adapts, biases and norms too; the decay is added to the gradient before both are
scaled, and the learning rate stands before the buffer.

Makes lars_swav.json.

    python lib/train/golden/lars_swav.py
"""

import json
import pathlib

import torch

MOMENTUM, TRUST, WEIGHT_DECAY, EPS = 0.9, 0.001, 0.3, 1e-8

shapes = {
    "conv.weight": (2, 1, 2, 2),
    "mlp.0.weight": (2, 3),
    "mlp.0.bias": (3,),
    "mlp.1.weight": (3,),
    "mlp.1.bias": (3,),
    "blocks.0.gamma": (2,),
    "zero.weight": (2, 2),  # not scaled until it has a length
    "rest.weight": (2, 2),  # its gradient is 0 in the second step: then it does not even decay
    "faint.weight": (2, 2),  # its gradient is as small as EPS
}


def larc(p, grad):
    """The new gradient, which SGD then takes with its own weight decay set to 0."""
    param_norm, grad_norm = torch.norm(p), torch.norm(grad)
    if param_norm == 0 or grad_norm == 0:
        return grad
    adaptive_lr = TRUST * param_norm / (grad_norm + param_norm * WEIGHT_DECAY + EPS)
    return (grad + WEIGHT_DECAY * p) * adaptive_lr


def main():
    torch.manual_seed(2)
    draw = lambda shape: torch.randn(shape).double().mul(1000).round().div(1000)
    params = {name: draw(shape) for name, shape in shapes.items()}
    params["zero.weight"].zero_()
    params["faint.weight"] *= 1e-8  # so that neither gradient nor decay hide EPS
    flat = lambda tensors: {name: [float(f"{v:.12g}") for v in t.flatten().tolist()] for name, t in tensors.items()}
    golden = {"weightDecay": WEIGHT_DECAY, "initial": flat(params)}
    golden["shapes"] = {name: list(shape) for name, shape in shapes.items()}
    golden["steps"] = []
    optimizer = torch.optim.SGD(params.values(), lr=1, momentum=MOMENTUM)
    for i, lr in enumerate((10.0, 5.0, 20.0)):  # of a length that TRUST leaves visible
        grads = {name: draw(shape) for name, shape in shapes.items()}
        grads["faint.weight"] *= 1e-8
        if i == 1:
            grads["rest.weight"].zero_()
        for name, p in params.items():
            p.grad = larc(p, grads[name])
        optimizer.param_groups[0]["lr"] = lr
        optimizer.step()
        golden["steps"].append({"lr": lr, "grads": flat(grads), "weights": flat(params)})
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden) + "\n")


main()
