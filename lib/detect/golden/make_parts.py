"""Golden values of a detector's parts from torchvision 0.29.1: python make_parts.py writes parts.json here.

Inputs by formula.py; `parts_test.ts` makes the same.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import batched_nms, box_iou, clip_boxes_to_image, nms, roi_align

here = Path(__file__).parent
sys.path.append(str(here.parents[1] / "datasets" / "coco" / "golden"))
from formula import formula  # noqa: E402

torch.set_num_threads(1)


def boxes(name, count, height=80, width=100):
    """Corners in and a little around the image, sides from 4 to 44."""
    u = torch.from_numpy(formula(name, 4 * count)).reshape(count, 4)
    x, y = (0.5 + 0.55 * u[:, 0]) * width, (0.5 + 0.55 * u[:, 1]) * height
    w, h = 24 + 20 * u[:, 2], 24 + 20 * u[:, 3]
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1).float()


def short(tensor):
    return [float(f"{v:.8g}") for v in tensor.double().flatten().tolist()]


def anchors():
    generator = AnchorGenerator(((45,), (32, 64)), ((0.5, 1.0, 2.0), (0.37, 1.9)))
    images = ImageList(torch.zeros(1, 3, 50, 70), [(50, 70)])
    maps = [torch.zeros(1, 1, 3, 4), torch.zeros(1, 1, 2, 2)]
    return short(generator(images, maps)[0])


def coder():
    source, target = boxes("from", 6), boxes("to", 6)
    deltas = torch.from_numpy(formula("deltas", 6 * 3 * 4)).float().reshape(6, 12) * 9
    weights = (10.0, 9.0, 5.0, 1.5)  # the last lets a side reach its limit
    it = BoxCoder(weights)
    return {"encoded": short(it.encode_single(target, source)), "decoded": short(it.decode_single(deltas, source))}


def matches():
    objects, some = boxes("objects", 5), boxes("some", 60)
    some[7], some[8] = objects[2], objects[2]  # equal overlaps
    objects[4] = objects[3]
    overlaps = box_iou(objects, some)
    rules = [(0.7, 0.3, True), (0.5, 0.5, False), (0.4, 0.2, True)]
    return [Matcher(*rule)(overlaps).tolist() for rule in rules]


def suppression():
    some = boxes("crowded", 80, 60, 60)
    scores = torch.from_numpy(formula("scores", 80)).float()
    groups = torch.arange(80) % 3
    return {
        "one": nms(some, scores, 0.5).tolist(),
        "strict": nms(some, scores, 0.2).tolist(),
        "groups": batched_nms(some, scores, groups, 0.4).tolist(),
    }


def aligned():
    B, H, W, C = 2, 10, 13, 3
    results = []
    for size, scale, ratio, aligned in [(7, 0.125, 2, False), (4, 0.125, 0, True), (3, 0.25, 0, False), (2, 0.1, 3, True)]:
        flat = torch.from_numpy(formula("features", B * H * W * C)).float().reshape(B, H, W, C)
        features = flat.permute(0, 3, 1, 2).contiguous().requires_grad_()
        regions = [boxes("regions 0", 5), boxes("regions 1", 4)]
        out = roi_align(features, regions, size, scale, ratio, aligned)
        cotangent = torch.from_numpy(formula("cotangent", out.numel())).float()
        (out.permute(0, 2, 3, 1).flatten() * cotangent).sum().backward()
        results.append({
            "options": {"size": size, "scale": scale, "samplingRatio": ratio, "aligned": aligned},
            "output": short(out.permute(0, 2, 3, 1).flatten()[::7]),
            "gradient": short(features.grad.permute(0, 2, 3, 1).flatten()[::5]),
        })
    return results


parts = {
    "anchors": anchors(),
    "clipped": short(clip_boxes_to_image(boxes("some", 60), (80, 100))[:12]),
    "overlaps": short(box_iou(boxes("objects", 5), boxes("some", 12))),
    "coder": coder(),
    "matches": matches(),
    "nms": suppression(),
    "roiAlign": aligned(),
}
(here / "parts.json").write_text(
    "{\n" + ",\n".join(f'"{k}": {json.dumps(v, separators=(",", ":"))}' for k, v in parts.items()) + "\n}\n"
)
