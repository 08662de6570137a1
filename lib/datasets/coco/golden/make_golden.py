"""Writes masks.json: golden masks from pycocotools 2.0.11. Inputs are from formula.py."""

import json
from pathlib import Path

import numpy as np
from pycocotools import mask as api

from formula import formula

here = Path(__file__).parent


def about(rle):
    """A mask in compressed form, with its area and box."""
    return {
        "counts": rle["counts"].decode(),
        "area": int(api.area(rle)),
        "box": [int(v) for v in api.toBbox(rle)],
    }


def random_mask(height, width, threshold):
    """`[H, W]`, 1 where the formula is above the threshold: everywhere for -2, nowhere for 2."""
    values = formula(f"mask {height} {width}", height * width).reshape(height, width)
    return np.asfortranarray((values > threshold).astype(np.uint8))


def random_polygon(name, corners, height, width):
    """Corners in and around the image, in random order, so that the edges cross."""
    u = formula(name, 2 * corners)
    return [float((0.5 + 0.7 * u[i]) * (width if i % 2 == 0 else height)) for i in range(2 * corners)]


def polygon_rle(polygons, height, width):
    return api.merge(api.frPyObjects(polygons, height, width))


masks = [
    {"size": [h, w], "threshold": t, **about(api.encode(random_mask(h, w, t)))}
    for h, w in [(1, 1), (1, 7), (9, 1), (13, 17), (40, 31)]
    for t in [-2, -0.6, 0, 0.8, 2]
]

written = [  # height, width, polygons
    (10, 12, [[2, 2, 8, 2, 8, 7, 2, 7]]),
    (10, 12, [[2, 2, 8, 2, 8, 7, 2, 7, 2, 2]]),  # closed
    (10, 12, [[2, 2, 2, 2, 8, 2, 8, 7, 8, 7, 2, 7]]),  # each corner twice
    (10, 12, [[2.5, 2.5, 8.5, 2.5, 8.5, 7.5, 2.5, 7.5]]),
    (10, 12, [[2.49, 2.51, 8.4, 2.6, 5.1, 7.39]]),
    (10, 12, [[0, 0, 12, 0, 12, 10, 0, 10]]),  # the whole image
    (10, 12, [[-5, -5, 20, -5, 20, 20, -5, 20]]),  # larger than the image
    (10, 12, [[-5, -5, -1, -5, -1, 20]]),  # outside of the image
    (10, 12, [[20, 2, 30, 2, 25, 8]]),
    (10, 12, [[3, -7.3, 9, 4.4, -4.2, 15]]),
    (10, 12, [[2, 2, 8, 7, 2, 2]]),  # a line
    (10, 12, [[3.2, 3.2, 3.3, 3.2, 3.3, 3.3]]),  # less than a pixel
    (10, 12, [[2, 2, 8, 7, 8, 2, 2, 7]]),  # a bow
    (10, 12, [[1, 1, 5, 1, 5, 5, 1, 5], [4, 4, 9, 4, 9, 9, 4, 9]]),  # two that overlap
    (10, 12, [[1, 1, 3, 1, 3, 3], [6, 6, 9, 6, 9, 9], [0, 8, 2, 8, 1, 10]]),
    (480, 640, [[510.66, 423.01, 511.72, 420.03, 510.45, 416.0, 510.34, 413.02, 510.77, 410.26]]),
    (480, 640, [[0.5, 0.5, 639.4, 0.6, 639.5, 479.5, 320.2, 100.1, 0.2, 479.9]]),
]
by_formula = [(33, 47, 3), (33, 47, 7), (64, 20, 12), (200, 300, 40)]
polygons = [
    {"size": [h, w], "polygons": p, **about(polygon_rle(p, h, w))} for h, w, p in written
] + [
    {"size": [h, w], "formula": f"polygon {i}", "corners": n,
     **about(polygon_rle([random_polygon(f"polygon {i}", n, h, w)], h, w))}
    for i, (h, w, n) in enumerate(by_formula * 3)
]

size = (33, 47)
group = [api.frPyObjects([random_polygon(f"polygon {i}", n, *size)], *size)[0]
         for i, n in [(0, 3), (1, 7), (4, 3), (5, 7), (8, 3), (9, 7)]]
crowd = [0, 1, 0, 1]
boxes = [[float((1 + v) * 20) for v in formula(f"box {i}", 4)] for i in range(8)]
merged = {
    "union": api.merge(group)["counts"].decode(),
    "intersection": api.merge(group[1:3], intersect=1)["counts"].decode(),
    "maskOverlaps": api.iou(group, group[:4], crowd).flatten().tolist(),
    "boxOverlaps": api.iou(boxes, boxes[:4], crowd).flatten().tolist(),
}

parts = [f'"{name}": [\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]"
         for name, cases in (("masks", masks), ("polygons", polygons))]
parts.append(f'"group": {json.dumps(merged)}')
(here / "masks.json").write_text("{\n" + ",\n".join(parts) + "\n}\n")
