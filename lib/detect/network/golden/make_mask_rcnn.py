"""Golden values of Mask R-CNN from torchvision 0.29.1, in double precision.

python make_mask_rcnn.py writes mask_rcnn.json and mask_rcnn_r50.json beside this file.

Weights and images are from a formula; `mask_rcnn_test.ts`, `mask_rcnn_parts_test.ts` and
`mask_rcnn_slow_test.ts` make the same. The networks are run on padded batches, without
torchvision's transform, which resizes and normalises. The transform's postprocess(), which resizes
boxes and pastes masks, is run.
"""

import json
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from torchvision.models.detection import MaskRCNN, maskrcnn_resnet50_fpn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import paste_masks_in_image, project_masks_on_boxes
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.ops import FeaturePyramidNetwork, roi_align
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool
from torchvision.ops.poolers import LevelMapper

here = Path(__file__).parent
sys.path.append(str(here.parents[2] / "models" / "golden"))
from formula import fill, image, nhwc, sample, uniform  # noqa: E402

torch.set_num_threads(1)

CLASSES = 5
SIZES = [(96, 128), (80, 100)]  # the second is padded
ORIGINALS = [(96, 128), (121, 150)]
EVERYTHING = 10**6  # number of samples: takes all boxes, so that no random choice is made


def short(tensor):
    return [float(f"{v:.8g}") for v in tensor.detach().double().flatten().tolist()]


def boxes(name, count, height, width):
    """Boxes inside the image, the same as in `detection_fixtures.ts`."""
    u = torch.from_numpy(uniform(name, 4 * count).astype(np.float32)).double().reshape(count, 4)
    w, h = (0.35 + 0.25 * u[:, 2]) * width, (0.35 + 0.25 * u[:, 3]) * height
    x, y = (0.5 + 0.5 * u[:, 0]) * (width - w), (0.5 + 0.5 * u[:, 1]) * (height - h)
    return torch.stack([x, y, x + w, y + h], 1).float()


def ellipses(these, height, width):
    """A bitmap for each box: 1 on the pixels inside the ellipse in the box."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    masks = []
    for left, top, right, bottom in these.double().tolist():
        u, v = (2 * x - left - right) / (right - left), (2 * y - top - bottom) / (bottom - top)
        masks.append(u * u + v * v < 1)
    return torch.from_numpy(np.stack(masks)) if masks else torch.zeros(0, height, width, dtype=torch.bool)


def batch(sizes):
    """Images from the formula, with zeros in the padding of the batch."""
    pixels = image(len(sizes), max(h for h, _ in sizes), max(w for _, w in sizes))
    for i, (h, w) in enumerate(sizes):
        pixels[i, :, h:, :] = 0
        pixels[i, :, :, w:] = 0
    return ImageList(pixels, sizes)


def small_model():
    """A Mask R-CNN on a ResNet of four basic blocks, which samples all boxes."""
    body = ResNet(BasicBlock, [1, 1, 1, 1])
    layers = {f"layer{i + 1}": str(i) for i in range(4)}
    backbone = BackboneWithFPN(body, layers, [64, 128, 256, 512], 16)
    return MaskRCNN(
        backbone,
        rpn_anchor_generator=AnchorGenerator(tuple((s,) for s in (8, 16, 32, 64, 128)), ((0.5, 1.0, 2.0),) * 5),
        rpn_pre_nms_top_n_train=60, rpn_post_nms_top_n_train=90,
        rpn_pre_nms_top_n_test=40, rpn_post_nms_top_n_test=70,
        rpn_batch_size_per_image=EVERYTHING, box_batch_size_per_image=EVERYTHING,
        box_head=TwoMLPHead(16 * 7 * 7, 24), box_predictor=FastRCNNPredictor(24, CLASSES),
        mask_head=MaskRCNNHeads(16, (12, 20), 1), mask_predictor=MaskRCNNPredictor(20, 20, CLASSES),
        box_detections_per_img=15,
    )


def losses(model):
    """The five losses, and the gradients of their sum; BatchNorm frozen."""
    model.zero_grad()
    model.train()
    model.backbone.eval()
    images = batch(SIZES)
    targets = []
    for i, (size, count) in enumerate(zip(SIZES, (3, 2))):
        these = boxes(f"objects {i}", count, *size)
        targets.append({"boxes": these, "labels": torch.arange(count) + 1 + i, "masks": ellipses(these, *size)})
    targets = [{**t, "boxes": t["boxes"].double()} for t in targets]
    maps = model.backbone(images.tensors)
    proposals, first = model.rpn(images, maps, targets)
    _, second = model.roi_heads(maps, proposals, SIZES, targets)
    values = {**first, **second}
    sum(values.values()).backward()
    norms = ("bn1", "bn2", "bn3", "downsample.1")
    grads = {k: sample(p.grad, 6) for k, p in model.named_parameters() if not any(n in k for n in norms)}
    return {"values": {k: v.item() for k, v in values.items()}, "grads": grads}


def runs(mask):
    """Run lengths down the columns, background first."""
    flat = mask.T.flatten()
    edges = np.flatnonzero(np.diff(flat)) + 1
    bounds = np.concatenate([[0], edges, [len(flat)]])
    return ([0] if flat[0] else []) + np.diff(bounds).tolist()


def detections(model, sizes, originals):
    model.eval()
    with torch.no_grad():
        images = batch(sizes)
        maps = model.backbone(images.tensors)
        proposals, _ = model.rpn(images, maps)
        found, _ = model.roi_heads(maps, proposals, sizes)
        found = model.transform.postprocess(found, sizes, originals)
    return [
        {
            "boxes": [short(b) for b in f["boxes"]],
            "labels": f["labels"].tolist(),
            "scores": short(f["scores"]),
            "masks": [runs((m[0] > 0.5).numpy().astype(np.uint8)) for m in f["masks"]],
        }
        for f in found
    ]


def maps(model):
    """The pyramid, and the outputs of the RPN's head."""
    model.eval()
    with torch.no_grad():
        levels = list(model.backbone(batch(SIZES).tensors).values())
        logits, deltas = model.rpn.head(levels)
    together = lambda outputs: torch.cat([nhwc(o).flatten(1) for o in outputs], 1)
    return {
        "levels": [sample(nhwc(level)) for level in levels],
        "objectness": sample(together(logits)),
        "deltas": sample(together(deltas)),
    }


def heads(model):
    """The outputs of the heads for regions, and the gradient by the regions."""
    model.eval()
    cut = lambda size: image_like(f"regions {size}", 3, size).requires_grad_()
    box, mask = cut(7), cut(14)
    classes, deltas = model.roi_heads.box_predictor(model.roi_heads.box_head(box))
    logits = model.roi_heads.mask_predictor(model.roi_heads.mask_head(mask))
    chosen = logits[torch.arange(3), torch.tensor([2, 4, 1])]
    sum(against_cotangent(output) for output in (classes, deltas, chosen)).backward()
    return {
        "classes": sample(classes), "deltas": sample(deltas), "mask": sample(chosen),
        "boxGrad": sample(nhwc(box.grad)), "maskGrad": sample(nhwc(mask.grad)),
    }


def against_cotangent(output):
    cotangent = torch.from_numpy(uniform("cotangent", output.numel()).astype(np.float32)).double()
    return (output.flatten() * cotangent).sum()


def image_like(name, count, size, dim=16):
    flat = uniform(name, count * size * size * dim).astype(np.float32).astype(np.float64)
    return torch.from_numpy(flat).reshape(count, size, size, dim).permute(0, 3, 1, 2).contiguous()


def odd_pyramid():
    """A pyramid of maps whose sides are not halves of each other."""
    sides = [(13, 17), (7, 9), (4, 5), (2, 3)]
    fpn = fill(FeaturePyramidNetwork([2, 3, 4, 5], 3, LastLevelMaxPool()))
    inputs = OrderedDict()
    for i, (h, w) in enumerate(sides):
        flat = uniform(f"stage {i}", h * w * (i + 2)).astype(np.float32).astype(np.float64)
        inputs[str(i)] = torch.from_numpy(flat).reshape(1, h, w, i + 2).permute(0, 3, 1, 2)
    return [sample(nhwc(level)) for level in fpn(inputs).values()]


def mask_targets():
    these = boxes("objects 0", 3, 60, 90)
    masks = ellipses(these, 60, 90)
    regions = boxes("mask regions", 7, 60, 90)
    regions[5] = torch.tensor([-3.0, 50.0, 0.4, 64.0])  # across the edge
    regions[6] = torch.tensor([40.0, 30.0, 40.6, 30.3])  # smaller than a pixel
    objects = torch.arange(7) % 3
    rois = torch.cat([objects[:, None], regions], 1)
    aligned = roi_align(masks[:, None].float(), rois.float(), (28, 28), 1.0, 0, True)[:, 0]
    return {
        "soft": short(project_masks_on_boxes(masks, regions, objects, 28).flatten()[::11]),
        "aligned": short(aligned.flatten()[::11]),
    }


def pasted():
    """Masks pasted into boxes: inside the image, across each edge and without extent."""
    u = torch.from_numpy(uniform("paste", 8 * 28 * 28).astype(np.float32)).reshape(8, 1, 28, 28)
    grid = torch.linspace(-1, 1, 28)
    masks = (0.75 - (grid[:, None] ** 2 + grid[None] ** 2) / 2 + 0.2 * u).clamp(0, 1)
    these = torch.tensor([
        [10.2, 12.7, 44.9, 40.1], [-12.5, -8.3, 20.6, 15.2], [60.3, 30.8, 95.7, 80.2], [0, 0, 80, 60],
        [30.4, 20.2, 30.4, 20.2], [5.5, 50.1, 9.3, 51.0], [50.0, -40.0, 99.0, 18.0], [20.9, -3.2, 23.3, 66.6],
    ])
    return [runs((m[0] > 0.5).numpy().astype(np.uint8)) for m in paste_masks_in_image(masks, these, (60, 80))]


def levels():
    sides = [3.0, 10, 27.9, 28, 55, 56, 111.9, 112, 200, 223.99999, 224, 447, 448, 1000, 5000]
    these = torch.tensor([[0, 0, s, s] for s in sides])
    return LevelMapper(2, 5)([these]).tolist()


def r50():
    """torchvision's own detector, with class weights scaled up so that a few scores are high."""
    model = fill(maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=6, box_detections_per_img=25))
    with torch.no_grad():
        model.roi_heads.box_predictor.cls_score.weight *= 6
        model.roi_heads.box_predictor.bbox_pred.weight *= 0.3
    return detections(model, [(160, 192), (160, 160)], [(160, 192), (200, 200)])


def write(name, parts):
    """Writes each part on a line of its own."""
    lines = [f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in parts.items()]
    (here / name).write_text("{\n" + ",\n".join(lines) + "\n}\n")


small = fill(small_model())
write("mask_rcnn.json", {
    "maps": maps(small), "heads": heads(small), "losses": losses(small),
    "detections": detections(small, SIZES, ORIGINALS),
    "oddPyramid": odd_pyramid(), "maskTargets": mask_targets(), "pasted": pasted(), "levels": levels(),
})
write("mask_rcnn_r50.json", {"images": r50()})
