"""RankMe, alpha-ReQ and LiDAR of small matrices by their definitions, in double precision with NumPy's SVD and eigh.

Makes quality.json, for quality_test.ts. Made with numpy 2.4.

    python lib/eval/quality/golden/make_golden.py
"""

import json
import pathlib
import sys

import numpy as np

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parents[2] / "models" / "golden"))

import formula  # noqa: E402

EPSILON = 1e-7
DELTA = 1e-4


def uniform(name, count):
    """`formula` of lib/testing/formula.ts, which rounds to float32."""
    return formula.uniform(name, count).astype(np.float32).astype(np.float64)


def features(case):
    """quality_test.ts makes the same numbers, to the bit: they are rounded to float32 at the end."""
    count, dim = case["shape"]
    if "rank" in case:  # small integers, whose products float32 holds
        left = np.round(4 * uniform(case["name"] + " left", count * case["rank"])).reshape(count, -1)
        right = np.round(4 * uniform(case["name"] + " right", case["rank"] * dim)).reshape(-1, dim)
        x = left @ right
    else:
        x = uniform(case["name"], count * dim).reshape(count, dim)
    if case.get("halving"):
        x = x * 2.0 ** -np.arange(dim)
    if case.get("constant"):
        x[:, : case["constant"]] = 0.75
    return (x + case.get("offset", 0.0)).astype(np.float32).astype(np.float64)


def effective_rank(spectrum):
    p = spectrum / spectrum.sum() + EPSILON
    return float(np.exp(-(p * np.log(p)).sum()))


def alpha(spectrum, first, last):
    """Least squares with the weights 1/j over ranks first to last, as far as eigenvalues are above rounding."""
    positive = spectrum > len(spectrum) * np.finfo(float).eps * spectrum[0]
    end = min(last, int(positive.sum()))
    ranks = np.arange(first, end + 1)
    if len(ranks) < 2:
        return None
    root = np.sqrt(1 / ranks)[:, None]
    design = np.stack([-np.log(ranks), np.ones(len(ranks))], 1)
    values = np.log(spectrum[first - 1 : end])[:, None]
    return float(np.linalg.lstsq(design * root, values * root, rcond=None)[0][0, 0])


def spectral(case):
    x = features(case)
    variances = np.linalg.svd(x - x.mean(0), compute_uv=False) ** 2
    expected = {
        "rankMe": effective_rank(np.linalg.svd(x, compute_uv=False)),
        "alphaReQ": alpha(variances, 4, 100),
        "alphaReQ2to8": alpha(variances, 2, 8),
    }
    return {**case, **expected}


def lidar(case):
    n, q, dim = case["images"], case["views"], case["dim"]
    noise = uniform(case["name"] + " views", n * q * dim).reshape(n, q, dim)
    of_image = uniform(case["name"] + " images", n * dim).reshape(n, 1, dim)
    x = (case["scale"] * (of_image + 0.5 * noise)).astype(np.float32).astype(np.float64)
    means = x.mean(1)
    between = means - means.mean(0)
    between = between.T @ between / n
    within = (x - means[:, None]).reshape(n * q, dim)
    within = within.T @ within / (n * q) + DELTA * np.eye(dim)
    values, vectors = np.linalg.eigh(within)
    root = vectors @ np.diag(values**-0.5) @ vectors.T
    spectrum = np.linalg.eigvalsh(root @ between @ root).clip(0)
    return {**case, "lidar": effective_rank(spectrum)}


golden = {
    "spectral": [
        spectral(case)
        for case in [
            {"name": "tall", "shape": [60, 12]},
            {"name": "square", "shape": [20, 20]},
            {"name": "wide", "shape": [9, 30]},
            {"name": "two", "shape": [2, 7]},
            {"name": "odd", "shape": [131, 23], "offset": 3.0},
            {"name": "halving", "shape": [50, 16], "halving": True},
            {"name": "halving, wide", "shape": [12, 20], "halving": True, "offset": -0.5},
            {"name": "rank 5", "shape": [40, 14], "rank": 5},
            {"name": "rank 8, wide", "shape": [15, 25], "rank": 8, "offset": 2.0},
            {"name": "some constant", "shape": [30, 10], "constant": 4},
            {"name": "all constant", "shape": [30, 6], "constant": 6},
            {"name": "long", "shape": [150, 120]},
        ]
    ],
    "lidar": [
        lidar(case)
        for case in [
            {"name": "fewer images", "images": 6, "views": 5, "dim": 9, "scale": 1.0},
            {"name": "more images", "images": 25, "views": 3, "dim": 7, "scale": 1.0},
            {"name": "two of each", "images": 2, "views": 2, "dim": 5, "scale": 2.0},
            {"name": "near delta", "images": 12, "views": 4, "dim": 8, "scale": 0.01},
            {"name": "large", "images": 10, "views": 10, "dim": 16, "scale": 50.0},
        ]
    ],
}
(here / "quality.json").write_text(json.dumps(golden, indent=1) + "\n")
