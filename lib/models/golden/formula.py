"""Weights and images that Python and TypeScript make alike, so that a golden file holds results only.

The value at flat index i of the array `name`, in PyTorch's order, is a hash of both, scaled by what the array is for:
see `lib/testing/formula.ts`, which is the same.
"""

import json

import numpy as np
import torch


def uniform(name: str, count: int) -> np.ndarray:
    """`count` numbers in [-1, 1), float64."""
    seed = 0x811C9DC5
    for byte in name.encode():  # FNV-1a
        seed = ((seed ^ byte) * 0x01000193) & 0xFFFFFFFF
    x = (np.arange(count, dtype=np.uint64) * 0x9E3779B1 + seed) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):  # Murmur3's finaliser
        x = ((x ^ (x >> np.uint64(shift))) * factor) & 0xFFFFFFFF
    return x.astype(np.float64) / 2**31 - 1


# The last norm of a residual branch. At 1, sixteen blocks with batch statistics make 200 of a rounding error, in PyTorch too.
BRANCH_ENDS = (".bn3.weight", ".pw2.bn.weight")


def values(name: str, shape) -> torch.Tensor:
    count = int(np.prod(shape))
    u = uniform(name, count)
    leaf = name.split(".")[-1]
    if leaf == "running_var":
        u = 1 + 0.5 * u
    elif leaf == "gamma":
        u = 0.3 + 0.1 * u
    elif name.endswith(BRANCH_ENDS):
        u = 0.1 + 0.03 * u
    elif leaf in ("pos_embed", "cls_token", "relative_position_bias_table"):
        u = 0.5 * u
    elif len(shape) >= 2:
        u = np.sqrt(3 / np.prod(shape[1:])) * u  # keeps the variance of what it multiplies
    elif leaf == "weight":
        u = 1 + 0.3 * u  # of a norm
    else:
        u = 0.2 * u
    # Through float32: what is compared then differs by arithmetic alone.
    return torch.from_numpy(u.astype(np.float32)).reshape(tuple(shape))


def fill(model: torch.nn.Module) -> torch.nn.Module:
    """Every float of the state dict by the formula; the rest (counters, index tables) stays."""
    state = model.state_dict()
    filled = {k: values(k, v.shape) if v.is_floating_point() else v for k, v in state.items()}
    model.load_state_dict(filled)
    return model.double()


def image(batch: int, height: int, width: int) -> torch.Tensor:
    """`[B, 3, H, W]`, float64; the formula runs over NHWC."""
    flat = uniform("image", batch * height * width * 3).astype(np.float32).astype(np.float64)
    return torch.from_numpy(flat).reshape(batch, height, width, 3).permute(0, 3, 1, 2).contiguous()


def sample(x: torch.Tensor, count: int = 48) -> dict:
    """Shape, root mean square, and values at evenly spread flat indices."""
    flat = x.detach().double().flatten()
    at = [i * len(flat) // min(count, len(flat)) for i in range(min(count, len(flat)))]
    short = lambda value: float(f"{value:.8g}")
    return {
        "shape": list(x.shape),
        "rms": short(flat.pow(2).mean().sqrt().item()),
        "values": [short(flat[i].item()) for i in at],
    }


def nhwc(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 2, 3, 1) if x.dim() == 4 else x


def case(name, model, config, size, *, training=False, grads=False, classes=1000):
    """Runs a filled model and gives what it computes.

    `model(x)` returns (logits, features, [stages]), the stages as `[B, C, H, W]`.
    """
    fill(model).train(training)
    x = image(*size)
    with torch.set_grad_enabled(grads):
        logits, features, stages = model(x)
    result = {
        "name": name,
        "config": config,
        "numClasses": classes,
        "input": list(size),
        "training": training,
        "logits": sample(logits),
        "features": sample(features),
        "stages": [sample(nhwc(stage)) for stage in stages],
    }
    if training:
        buffers = {k: v for k, v in model.named_buffers() if "running" in k}
        # first and last: each BatchNorm goes through the same code
        picked = list(buffers)[:2] + list(buffers)[-2:]
        result["buffers"] = {k: sample(buffers[k], 8) for k in picked}
    if grads:
        cotangent = torch.from_numpy(uniform("cotangent", logits.numel()).astype(np.float32)).double()
        (logits.flatten() * cotangent).sum().backward()
        result["grads"] = {k: sample(p.grad, 6) for k, p in model.named_parameters()}
    return result


def write(path, cases) -> None:
    """One case a line."""
    with open(path, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
