"""Golden metrics from pycocotools 2.0.11: python make_metrics.py writes metrics.json here.

Objects and detections come from a formula that `coco_metrics_test.ts` computes, too: see `draw_set` there.
"""

import contextlib
import io
import json
import math
import sys
from pathlib import Path

import numpy as np
from pycocotools import mask as api
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

here = Path(__file__).parent
sys.path.append(str(here.parents[2] / "datasets" / "coco" / "golden"))
from formula import formula  # noqa: E402

HEIGHT, WIDTH = 300, 400
CORNERS = [(1, 0), (0.7, 0.7), (0, 1), (-0.7, 0.7), (-1, 0), (-0.7, -0.7), (0, -1), (0.7, -0.7)]
SQUARE = [(-1, -1), (1, -1), (1, 1), (-1, 1)]

SETS = [  # images, categories, objects at most, wrong detections at most; grid in pixels, steps of the score, share of crowds
    {"name": "plain", "images": 12, "categories": 4, "objects": 7, "extra": 5, "grid": 0, "steps": 10**6, "crowds": 0},
    {"name": "ties", "images": 24, "categories": 3, "objects": 6, "extra": 6, "grid": 16, "steps": 4, "crowds": 0.1},
    {"name": "crowds", "images": 10, "categories": 2, "objects": 9, "extra": 8, "grid": 0, "steps": 50, "crowds": 0.5},
    {"name": "many", "images": 3, "categories": 1, "objects": 150, "extra": 300, "grid": 0, "steps": 200, "crowds": 0.05},
    {"name": "sparse", "images": 40, "categories": 7, "objects": 1.5, "extra": 0.8, "grid": 0, "steps": 10, "crowds": 0.2},
]


class Draws:
    """One number after the other, in [0, 1)."""

    def __init__(self, name):
        self.values, self.at = formula(name, 40000), 0

    def __call__(self):
        self.at += 1
        return (1 + float(self.values[self.at - 1])) / 2


def shape(draw, grid, x, y, rx, ry):
    """A polygon around a point, cut at the edges of the image; on a grid a rectangle."""
    if grid:
        x, y = math.floor(x / grid) * grid, math.floor(y / grid) * grid
        rx, ry = (math.floor(rx / grid) + 1) * grid, (math.floor(ry / grid) + 1) * grid
    points = []
    for dx, dy in SQUARE if grid else CORNERS:
        stretch = 1 if grid else 0.9 + 0.2 * draw()
        points.append(min(max(x + rx * dx * stretch, 0), WIDTH))
        points.append(min(max(y + ry * dy * stretch, 0), HEIGHT))
    return points


def box_of(points):
    left, top = min(points[0::2]), min(points[1::2])
    return [left, top, max(points[0::2]) - left, max(points[1::2]) - top]


def rle_of(points):
    return api.frPyObjects([points], HEIGHT, WIDTH)[0]


def draw_set(c):
    draw = Draws(c["name"])
    images, objects, detections = [], [], []

    def detect(image_id, category_id, points):
        score = math.floor(draw() * c["steps"]) / c["steps"]
        rle = rle_of(points)
        rle = {"size": rle["size"], "counts": rle["counts"].decode()}
        detections.append({"image_id": image_id, "category_id": category_id, "score": score,
                           "bbox": box_of(points), "segmentation": rle})

    def place():
        side = draw()
        r = 4 + 90 * side * side
        return draw() * WIDTH, draw() * HEIGHT, r * (0.7 + 0.6 * draw()), r * (0.7 + 0.6 * draw())

    def category():
        return 2 * math.floor(draw() * c["categories"]) + 5

    for i in range(c["images"]):
        image_id = 1000 - 7 * i  # not in the order of the file
        images.append({"id": image_id, "height": HEIGHT, "width": WIDTH, "file_name": f"{image_id}.png"})
        for _ in range(math.floor(draw() * (c["objects"] + 1))):
            x, y, rx, ry = place()
            category_id = category()
            points = shape(draw, c["grid"], x, y, rx, ry)
            crowd = int(draw() < c["crowds"])
            objects.append({"id": len(objects) + 1, "image_id": image_id, "category_id": category_id,
                            "bbox": box_of(points), "area": int(api.area(rle_of(points))), "iscrowd": crowd,
                            "segmentation": [points]})
            for _ in range(math.floor(draw() * 2.5)):
                moved = (x + rx * 0.4 * (draw() - 0.5), y + ry * 0.4 * (draw() - 0.5),
                         rx * (0.85 + 0.3 * draw()), ry * (0.85 + 0.3 * draw()))
                found = category_id if draw() < 0.8 else category()
                detect(image_id, found, shape(draw, c["grid"], *moved))
        for _ in range(math.floor(draw() * (c["extra"] + 1))):
            x, y, rx, ry = place()
            found = category()
            detect(image_id, found, shape(draw, c["grid"], x, y, rx, ry))
    names = [{"id": 2 * k + 5, "name": f"class {k}"} for k in range(c["categories"])]
    return {"images": images, "annotations": objects, "categories": names}, detections


def evaluate(truth, detections, kind):
    """As `segm`, results have no boxes: detectron2 takes them out, too."""
    results = [{k: v for k, v in d.items() if k != ("segmentation" if kind == "bbox" else "bbox")}
               for d in detections]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = json.loads(json.dumps(truth))
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(json.loads(json.dumps(results))), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]  # [T, R, K]: all sizes, a hundred detections
    per_class = [float(p.mean()) if p[0, 0] > -1 else -1 for p in np.moveaxis(precision, 2, 0)]
    mean = precision[:, :, precision[0, 0] > -1].mean(axis=2)
    return {"stats": evaluation.stats.tolist(), "classes": per_class,
            "curve50": mean[0, ::10].tolist(), "curve75": mean[5, ::10].tolist()}, results


cases = []
for config in SETS:
    truth, detections = draw_set(config)
    box, boxes = evaluate(truth, detections, "bbox")
    mask, masks = evaluate(truth, detections, "segm")
    print(config["name"], len(truth["annotations"]), len(detections), np.round(box["stats"], 3))
    cases.append({"config": config, "objects": len(truth["annotations"]), "detections": len(detections),
                  "box": box, "mask": mask, "results": [boxes[:3], masks[:3]]})
(here / "metrics.json").write_text(
    "[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n"
)
