"""Makes the small files of weights that the tests read, and what PyTorch and NumPy read from them.

    python lib/weights/golden/make_golden.py      (torch, numpy, safetensors)

Versions used: torch 2.14.1, numpy 2.4.6, safetensors 0.8.0.
"""

import argparse
import io
import json
import os
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

here = Path(__file__).parent
torch.manual_seed(0)


def state():
    """Every type that is read, and every way in which a tensor can lie in its storage."""
    base = torch.randn(4, 6)
    tensors = OrderedDict()
    tensors["layers.0.weight"] = torch.randn(3, 5)
    tensors["layers.0.bias"] = torch.randn(3).half()
    tensors["bfloat"] = torch.randn(2, 3).bfloat16()
    tensors["double"] = torch.randn(2, 2, dtype=torch.float64)
    tensors["long"] = torch.tensor([-(2**40), 7, 2**53])
    tensors["int"] = torch.tensor([[-1, 2], [3, -(2**31)]], dtype=torch.int32)
    tensors["byte"] = torch.tensor([0, 200, 255], dtype=torch.uint8)
    tensors["bool"] = torch.tensor([True, False, True])
    tensors["scalar"] = torch.tensor(-0.0)
    tensors["empty"] = torch.zeros(0, 4)
    tensors["special"] = torch.tensor([float("inf"), float("nan"), 1e-45, -1.5])
    tensors["transposed"] = base.t()
    tensors["slice"] = base[1:3, 2:5]
    tensors["row"] = base[3]
    tensors["permuted"] = torch.randn(2, 3, 4).permute(2, 0, 1)
    tensors["permuted_half"] = torch.randn(2, 3).half().t()
    tensors["repeated"] = torch.tensor([1.0, 2.0]).unsqueeze(1).expand(2, 3)
    tensors["parameter"] = torch.nn.Parameter(torch.randn(2, 2))
    tensors["ключ"] = torch.ones(1)
    return tensors


def expected(tensors):
    """JSON has no NaN and no infinity: those are written as text."""
    return {
        name: {
            "shape": list(tensor.shape),
            "values": [
                float(v) if np.isfinite(v) else str(v)
                for v in tensor.detach().to(torch.float32).reshape(-1).tolist()
            ],
        }
        for name, tensor in tensors.items()
    }


def network(prefix):
    """A convolution, a BatchNorm and a linear layer, under a checkpoint's names."""
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(4, 2)
    )
    return OrderedDict((prefix + name, value) for name, value in net.state_dict().items())


def dino_checkpoint():
    """What main_dino.py saves: the student wrapped by DDP, the teacher not, and everything beside them."""
    student, teacher = network("module.backbone."), network("backbone.")
    teacher["head.mlp.0.weight"] = torch.randn(2, 2)
    weight = torch.nn.Parameter(torch.randn(2, 2))
    optimizer = torch.optim.AdamW([weight])
    weight.sum().backward()
    optimizer.step()
    return {
        "student": student,
        "teacher": teacher,
        "optimizer": optimizer.state_dict(),
        "epoch": 100,
        "args": argparse.Namespace(arch="vit_small", lr=np.float64(0.0005), device=torch.device("cpu"), crops=(0.4, 1.0)),
        "dino_loss": OrderedDict(center=torch.zeros(1, 4)),
        "fp16_scaler": None,
        "best": np.float32(0.5),
        "dtype": torch.float16,
        "size": torch.Size([1, 2]),
        "large": 2**70,
        "bytes": b"abc",
        "names": {"a"},
    }


class Evil:
    """Runs a command wherever it is unpickled."""

    def __reduce__(self):
        return os.system, ("echo unpickled > /dev/stderr",)


def rewritten(path, change):
    """The same archive with some members changed."""
    old = zipfile.ZipFile(path)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return data.getvalue()


def main():
    tensors = state()
    json.dump(expected(tensors), open(here / "state.json", "w"), ensure_ascii=False)
    torch.save(tensors, here / "state.pth")
    torch.save(tensors, here / "state_protocol4.pth", pickle_protocol=4)
    save_file(
        {name: value.detach().contiguous() for name, value in tensors.items()},
        here / "state.safetensors",
        {"format": "pt"},
    )
    del tensors["repeated"]  # refused where there is no checksum
    torch.save(tensors, here / "state_legacy.pth", _use_new_zipfile_serialization=False)

    checkpoint = dino_checkpoint()
    json.dump(expected(checkpoint["teacher"]), open(here / "teacher.json", "w"))
    json.dump(expected(checkpoint["student"]), open(here / "student.json", "w"))
    torch.save(checkpoint, here / "checkpoint.pth")
    torch.save(checkpoint, here / "checkpoint_legacy.pth", _use_new_zipfile_serialization=False)

    small = {"a": torch.ones(2), "deep": {"list": [torch.zeros(1), Evil()]}}
    torch.save(small, here / "system.pth")
    torch.save(small, here / "system_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"a": torch.ones(2, dtype=torch.complex64)}, here / "complex.pth")
    torch.save({"a": torch.ones(2)}, here / "big_endian.pth")
    data = rewritten(here / "big_endian.pth", lambda name, old: b"big" if name.endswith("byteorder") else old)
    (here / "big_endian.pth").write_bytes(data)

    arrays = {
        "layers.0.weight": np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32),
        "fortran": np.asfortranarray(np.arange(24, dtype=np.float64).reshape(2, 3, 4)),
        "half": np.arange(5, dtype=np.float16) / 3,
        "long": np.array([-(2**40), 5]),
        "int": np.array([[1], [-2]], dtype=np.int32),
        "byte": np.array([1, 255], dtype=np.uint8),
        "bool": np.array([True, False]),
        "scalar": np.float32(1.5),
        "empty": np.zeros((2, 0), np.float32),
    }
    json.dump(
        {k: {"shape": list(np.shape(v)), "values": np.ravel(v).astype(np.float32).tolist()} for k, v in arrays.items()},
        open(here / "arrays.json", "w"),
    )
    np.savez(here / "arrays.npz", **arrays)
    np.savez_compressed(here / "arrays_compressed.npz", **arrays)
    for version in (1, 2, 3):
        with open(here / f"version{version}.npy", "wb") as file:
            np.lib.format.write_array(file, arrays["fortran"], version=(version, 0))
    np.save(here / "big_endian.npy", np.ones(2, ">f4"))


main()
