"""EsViT's training written again in plain PyTorch, after what main_esvit.py and the models of microsoft/esvit do: twenty steps
in double precision from weights and crops by formula.

Makes parity.json, for parity_test.ts.

    python lib/ssl/esvit/golden/parity.py
"""

import importlib.util
import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F
from torch import nn

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parents[2] / "models" / "golden"))

from convnext import ConvNeXt  # noqa: E402
from formula import fill  # noqa: E402
from swin import Swin  # noqa: E402


def script_of_dino():
    """For its head, its crops, its schedules and its probes of arrays, all of which EsViT's code has from DINO's."""
    path = here.parents[1] / "dino" / "golden" / "parity.py"
    spec = importlib.util.spec_from_file_location("dino_parity", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


dino = script_of_dino()


def with_tokens(backbone, x):
    """Pooled features, and one vector for each place of the last map after the last norm, `[B, N, C]`."""
    _, features, maps = backbone(x)
    return features, backbone.norm(maps[-1].permute(0, 2, 3, 1)).flatten(1, 2)


class Network(nn.Module):
    """One pass of the backbone for each run of crops of one width, one of each head on everything."""

    def __init__(self, backbone, head):
        super().__init__()
        self.backbone, self.head, self.head_dense = backbone, dino.Head(*head), dino.Head(*head)
        backbone.head = nn.Identity()

    def forward(self, crops):
        groups = []
        for crop in crops:
            if groups and groups[-1][0].shape[-1] == crop.shape[-1]:
                groups[-1].append(crop)
            else:
                groups.append([crop])
        outputs = [with_tokens(self.backbone, torch.cat(group)) for group in groups]
        features = torch.cat([tokens.flatten(0, 1) for _, tokens in outputs])
        npatch = [tokens.shape[1] for _, tokens in outputs]
        return self.head(torch.cat([pooled for pooled, _ in outputs])), self.head_dense(features), features, npatch


class Loss:
    """DDINOLoss, on one machine. `nearest` is how close a second candidate came to the chosen one, over all tokens."""

    def __init__(self, out_dim, crops, temps, student_temp=0.1, center_momentum=0.9):
        self.center, self.center_grid = (torch.zeros(1, out_dim).double() for _ in range(2))
        self.crops, self.temps = crops, temps
        self.student_temp, self.center_momentum = student_temp, center_momentum
        self.nearest = math.inf

    def __call__(self, student, teacher, epoch):
        s_cls, s_region, s_fea, s_npatch = student
        t_cls, t_region, t_fea, (N,) = teacher
        temp = self.temps[epoch]
        q_cls = F.softmax((t_cls - self.center) / temp, dim=-1).detach().chunk(2)
        q_region = F.softmax((t_region - self.center_grid) / temp, dim=-1).detach().chunk(2)
        B = len(q_region[0]) // N
        places = [s_npatch[0]] * 2 + [s_npatch[1]] * (self.crops - 2)
        s_cls = (s_cls / self.student_temp).chunk(self.crops)
        s_region = (s_region / self.student_temp).split([B * n for n in places])
        s_fea, t_fea = s_fea.split([B * n for n in places]), t_fea.chunk(2)
        view, region, terms = 0, 0, 0
        for iq, q in enumerate(q_cls):
            for v, n in enumerate(places):
                if v == iq:
                    continue
                view += torch.sum(-q * F.log_softmax(s_cls[v], dim=-1), dim=-1).mean()
                similarity = F.normalize(s_fea[v].view(B, n, -1), dim=-1) @ F.normalize(t_fea[iq].view(B, N, -1), dim=-1).mT
                best = similarity.detach().topk(2, dim=2).values
                self.nearest = min(self.nearest, (best[..., 0] - best[..., 1]).min().item())
                index = similarity.max(dim=2)[1]
                target = torch.gather(q_region[iq].view(B, N, -1), 1, index[:, :, None].expand(-1, -1, q.shape[-1]))
                log_p = F.log_softmax(s_region[v].view(B, n, -1), dim=-1)
                region += torch.sum(-target * log_p, dim=-1).mean(-1).mean()
                terms += 1
        self.center = self.moved(self.center, t_cls)
        self.center_grid = self.moved(self.center_grid, t_region)
        return view / terms, region / terms

    def moved(self, center, logits):
        mean = logits.detach().mean(0, keepdim=True)
        return center * self.center_momentum + mean * (1 - self.center_momentum)


def train(case):
    student, teacher = (Network(case["backbone"](), case["head"]) for _ in range(2))
    for network in (student, teacher):
        fill(network).train()
        for head in (network.head, network.head_dense):
            head.last_layer.weight_g.data.fill_(1)
    for head in (student.head, student.head_dense):
        head.last_layer.weight_g.requires_grad = not case["normLastLayer"]
    first = {name: p.detach().clone() for name, p in student.named_parameters()}
    optimizer = torch.optim.AdamW(dino.parameter_groups(student))
    now = dino.schedules(case)
    loss_of = Loss(case["head"][3], 2 + case["locals"], now["temps"])
    steps, clipped = [], []
    for it in range(case["epochs"] * case["stepsPerEpoch"]):
        epoch = it // case["stepsPerEpoch"]
        for i, group in enumerate(optimizer.param_groups):
            group["lr"] = now["lr"][it]
            if i == 0:
                group["weight_decay"] = now["decay"][it]
        crops = dino.crops_of(it, case)
        with torch.no_grad():
            targets = teacher(crops[:2])
        view, region = loss_of(student(crops), targets, epoch)
        loss = 0.5 * view + 0.5 * region
        optimizer.zero_grad()
        loss.backward()
        norms = dino.clip_and_freeze(student, case["clip"], epoch < case["freeze"])
        clipped += [norm > case["clip"] for norm in norms]
        optimizer.step()
        m = now["momentum"][it]
        with torch.no_grad():
            for q, k in zip(student.parameters(), teacher.parameters()):
                k.mul_(m).add_((1 - m) * q)
        steps.append(
            {
                "loss": dino.short(loss.item()),
                "viewLoss": dino.short(view.item()),
                "regionLoss": dino.short(region.item()),
                "gradNorm": dino.short(math.hypot(*norms)),
                "center": [dino.short(value) for value in loss_of.center.flatten().tolist()],
                "centerGrid": [dino.short(value) for value in loss_of.center_grid.flatten().tolist()],
                "student": dino.moved(student, first),
                "teacher": dino.moved(teacher, first),
            }
        )
    share = sum(clipped) / len(clipped)
    print(f"{case['name']}, {case['images']}: second candidate {loss_of.nearest:.1e}, {share:.0%} clipped, loss", end=" ")
    print(*(f"{step['viewLoss']:.2f}/{step['regionLoss']:.2f}" for step in steps))
    return loss_of.nearest, steps, student, teacher, optimizer


sizes = {"batch": 4, "locals": 3, "epochs": 4, "stepsPerEpoch": 5, "warmup": 1, "tempWarmup": 3, "freeze": 1}
common = {**sizes, "lr": 0.128, "minLr": 1e-5, "clip": 0.3, "momentum": 0.9, "weightDecay": (0.04, 0.4)}
cases = [
    {
        **common,
        "name": "Swin",
        "model": {
            "arch": "swin",
            "embedDim": 8,
            "depths": [2, 1],
            "numHeads": [2, 2],
            "windowSize": 3,
            "patchSize": 4,
            "imageSize": 24,
            "normEps": 1e-6,
            "dropPathRate": 0,
        },
        "backbone": lambda: Swin(8, [2, 1], [2, 2], 3, 24),
        "head": (16, 24, 8, 20, False),
        "normLastLayer": False,
        "global": 24,
        "local": 16,
    },
    {
        **common,
        "name": "BC-SSL",
        "model": {
            "arch": "convnext",
            "depths": [1, 2],
            "dims": [8, 12],
            "kernelSize": [5, 3],
            "batchNorm": True,
            "dwconvBias": False,
            "patchSize": 2,
            "dropPathRate": 0,
            "layerScaleInit": 1e-6,
        },
        "backbone": lambda: ConvNeXt([1, 2], [8, 12], [5, 3], True, False, patch=2),
        "head": (12, 24, 8, 20, False),
        "normLastLayer": True,
        "global": 16,
        "local": 8,
    },
]


def golden(case):
    """Of forty sets of images, the one in which the choice of the most similar token is clearest: where two are nearly as
    similar, float32 may choose the other one."""
    tried = ({**case, "images": f"set {i}"} for i in range(40))
    case, result = max(((one, train(one)) for one in tried), key=lambda pair: pair[1][0])
    _, steps, student, teacher, optimizer = result
    hidden, bottleneck, out_dim, batch_norm = case["head"][1:]
    settings = ("name", "images", "model", "normLastLayer", "lr", "minLr", "clip", "momentum", "weightDecay")
    return {
        **{key: case[key] for key in (*settings, "global", "local", *sizes)},
        "head": {"hiddenDim": hidden, "bottleneckDim": bottleneck, "outDim": out_dim, "batchNorm": batch_norm},
        "weights": [name for name, _ in student.named_parameters()],
        "steps": steps,
        "kept": dino.kept(student, optimizer),
        "statistics": {"student": dino.statistics(student), "teacher": dino.statistics(teacher)},
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    lines = [json.dumps(golden(case), separators=(",", ":")) for case in cases]
    (here / "parity.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
