"""Makes the small files of weights that the tests read, and what PyTorch and NumPy read from them.

    python lib/weights/golden/make_golden.py      (torch, numpy, safetensors, omegaconf)
    python lib/weights/golden/make_golden.py others      only what checkpoints of others hold

Versions used: torch 2.14.1, numpy 2.4.6, safetensors 0.8.0, omegaconf 2.4.0.
"""

import argparse
import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import io
import json
import os
import random
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path, PosixPath

import numpy as np
import torch
from omegaconf import OmegaConf
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


class Phase(enum.Enum):
    WARM = 1


@dataclasses.dataclass
class Progress:
    step: int
    best: float
    history: list


class Registry(dict):
    pass


class Steps(list):
    pass


class Rules:
    """Pickled by a function with named arguments, as NEWOBJ_EX."""

    def __new__(cls, *, rate):
        self = super().__new__(cls)
        self.rate = rate
        return self

    def __getnewargs_ex__(self):
        return (), {"rate": self.rate}


class Net(torch.nn.Module):
    """A module with what modules have beside weights: plain attributes, a buffer that is not saved, a way back."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
        self.register_buffer("table", torch.arange(3.0), persistent=False)
        self.register_buffer("mean", torch.ones(1))
        self.path = Path("/data")
        self.registry = Registry(net=self)

    def forward(self, x):
        return self.layers(x)


def everything_beside():
    """What scripts save beside weights."""
    weight = torch.nn.Parameter(torch.randn(2, 2))
    scheduler = torch.optim.lr_scheduler.MultiStepLR(torch.optim.SGD([weight], lr=0.1), [3, 3, 8])
    counts = collections.defaultdict(list)
    counts["top1"].append(0.5)
    return {
        "lr_scheduler": scheduler.state_dict(),
        "rng": {
            "python": random.Random(0).getstate(),
            "numpy": np.random.RandomState(0).get_state()[:1] + (np.arange(3, dtype=np.uint32), 3, 0, 0.0),
            "generator": np.random.default_rng(0),
        },
        "output_dir": PosixPath("/results/run"),
        "cfg": OmegaConf.create({"lr": 0.1, "layers": [1, 2]}),
        "metrics": counts,
        "progress": Progress(3, 0.5, [1, 2]),
        "registry": Registry(a=1),
        "steps": Steps([1, 2]),
        "phase": Phase.WARM,
        "rules": Rules(rate=2),
        "queue": collections.deque([1, 2], 4),
        "date": datetime.datetime(2023, 12, 9, tzinfo=datetime.timezone.utc),
        "complex": 1 + 2j,
        "decimal": decimal.Decimal("0.1"),
        "range": range(3),
        "slice": slice(1, 2),
        "frozen": frozenset({1}),
        "bytearray": bytearray(b"ab"),
        "loss": functools.partial(torch.nn.functional.cross_entropy, label_smoothing=0.1),
        "method": [1].append,
        "objects": np.array([{"a": 1}, None], dtype=object),
        "names": np.array(["dog", "cat"]),
        "scalar": np.float64(0.5),
        "device": torch.device("cpu"),
        "command": Evil(),
        ("a", 1): torch.ones(1),
    }


def weights_of_every_kind():
    """Tensors as checkpoints of others have them, all of which are read."""
    tagged = torch.nn.Parameter(torch.randn(2, 3))
    tagged.no_decay = True
    noted = torch.randn(2)
    noted.note = "mean"
    eighths = torch.tensor([0.0, 0.001953125, -0.017578125, 0.9375, 1.5, -448.0, float("nan")])
    return OrderedDict(
        tagged=tagged,
        noted=noted,
        int8=torch.tensor([-128, 127], dtype=torch.int8),
        int16=torch.tensor([-(2**15), 7], dtype=torch.int16),
        uint16=torch.tensor([0, 65535], dtype=torch.uint16),
        uint32=torch.tensor([1, 2**32 - 1], dtype=torch.uint32),
        uint64=torch.tensor([2**40], dtype=torch.uint64),
        e4m3=eighths.to(torch.float8_e4m3fn),
        e4m3_transposed=torch.arange(6.0).reshape(2, 3).to(torch.float8_e4m3fn).t(),
        e5m2=torch.tensor([0.0, 1.75, -57344.0, float("inf"), 1.52587890625e-05]).to(torch.float8_e5m2),
    )


def arrays_as_weights():
    values = np.arange(6, dtype=np.float32).reshape(2, 3) / 7
    return OrderedDict(
        float32=values,
        float64=values.astype(np.float64),
        float16=values.astype(np.float16),
        fortran=np.asfortranarray(values),
        big_endian=values.astype(">f4"),
        strided=np.arange(10, dtype=np.int64)[::3],
        uint16=np.array([1, 65535], dtype=np.uint16),
        bool=np.array([True, False]),
        scalar=np.array(1.5),
        empty=np.zeros((0, 2), np.float32),
        readonly=np.frombuffer(values.tobytes(), dtype=np.float32),
    )


def unreadable_weights():
    return {
        "complex": torch.ones(2, dtype=torch.complex64),
        "sparse": torch.eye(2).to_sparse(),
        "quantised": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
        "other_float8": torch.ones(2).to(torch.float8_e4m3fnuz),
        "complex_array": np.ones(2, dtype=np.complex64),
    }


def sharded(tensors, folder):
    """Two files and their list, as transformers' `save_pretrained` makes them."""
    folder.mkdir(exist_ok=True)
    names = list(tensors)
    files = {name: f"model-0000{1 + i % 2}-of-00002.safetensors" for i, name in enumerate(names)}
    for file in set(files.values()):
        part = {name: tensors[name].clone() for name in names if files[name] == file}
        save_file(part, folder / file, {"format": "pt"})
    index = {"metadata": {}, "weight_map": files}
    json.dump(index, open(folder / "model.safetensors.index.json", "w"), indent=1)


def others():
    """What others' checkpoints hold."""
    tensors, arrays = weights_of_every_kind(), arrays_as_weights()
    known = {f"model.{name}": value.detach().to(torch.float32) for name, value in tensors.items()}
    known |= {
        f"arrays.{name}": torch.from_numpy(np.asarray(value, dtype=np.float32).copy())
        for name, value in arrays.items()
    }
    json.dump(expected(known), open(here / "others.json", "w"))
    whole = {
        **everything_beside(),
        "model": tensors,
        "arrays": arrays,
        "unreadable": unreadable_weights(),
    }
    for protocol in (2, 5):
        torch.save(whole, here / f"others_protocol{protocol}.pth", pickle_protocol=protocol)
    beside = everything_beside()
    torch.save(
        {**beside, "state_dict": network("module.")},
        here / "others_legacy.pth",
        _use_new_zipfile_serialization=False,
    )
    del beside["cfg"]  # has no protocol 1
    torch.save({**beside, "state_dict": network("module.")}, here / "others_protocol1.pth", pickle_protocol=1)

    net = Net()
    json.dump(expected(net.state_dict()), open(here / "module.json", "w"))
    torch.save(net, here / "module.pth")
    torch.save({"model": torch.nn.DataParallel(net)}, here / "module_in_module.pth")
    plain = torch.nn.Sequential(OrderedDict(layers=net.layers))
    torch.jit.script(plain).save(here / "scripted.pt")
    sharded(network(""), here / "sharded")


def main():
    if sys.argv[1:] == ["others"]:
        others()
        return
    others()
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
