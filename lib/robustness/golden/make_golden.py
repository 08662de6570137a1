"""Writes corruptions.json: what the reference makes of two images that are formulas, and how it is distributed.

    python3 -m venv oracle && oracle/bin/pip install imagecorruptions==1.1.2 'setuptools<81'
    oracle/bin/python lib/robustness/golden/make_golden.py lib/robustness/golden/corruptions.json

`samples` come with random numbers that are a formula, too, drawn in the reference's order, so that what is random can be
compared value by value; every 17th value of each result. `statistics` come with NumPy's own random numbers.
"""

import base64
import json
import sys
import zlib

import numpy as np
import PIL
import scipy
import skimage

from reference import corrupt, get_corruption_names

import cv2

stride = 17
draws = 64
sizes = [(64, 64), (50, 70)]  # height and width
edges = np.array([0.5, 1.5, 3, 6, 12, 24, 46]) / 64  # of the spectrum's bands, in cycles a pixel
# Their random numbers are not taken one by one (SciPy's Poisson, scikit-image's own generator), or their pictures are not ours.
not_sampled = {"shot_noise", "impulse_noise", "frost"}


def image(height, width):
    """Waves, a red box, a grey one, some grain, and the extremes in the corners."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    t = (5 * x + 3 * y + 70 * c) % 512
    wave = np.where(t < 256, t, 511 - t)
    out = wave * 4 // 5 + (7 * x + 13 * y + 5 * c) * (x + 3) % 23
    out[height // 4 : height // 2, width // 4 : width // 2] = (250, 10, 10)
    out[: height // 6, : width // 4] = 90
    out[0, 0], out[0, -1], out[-1, 0], out[-1, -1] = 0, 255, (0, 0, 255), (1, 0, 0)
    return out.astype(np.uint8)


def hashed(name, count):
    """The u of lib/testing/formula.ts, in [-1, 1)."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 & 0xFFFFFFFF
    x = (np.arange(count, dtype=np.uint64) * 0x9E3779B1 + seed) & 0xFFFFFFFF
    x = ((x ^ (x >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    x = ((x ^ (x >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return ((x ^ (x >> 16)) / 2**31 - 1).astype(np.float32).astype(np.float64)


class Formula:
    """NumPy's random functions over one list of numbers in [0, 1), which they take one after the other."""

    def __init__(self, name):
        self.values = np.minimum((hashed(name, 200_000) + 1) / 2, 1 - 2**-24)
        self.at = 0

    def take(self, count):
        self.at += count
        return self.values[self.at - count : self.at]

    def uniform(self, low=0.0, high=1.0, size=None):
        u = self.take(int(np.prod(size or 1))).reshape(size or ())
        return low + (high - low) * u

    def normal(self, loc=0.0, scale=1.0, size=None):
        u = self.take(2 * int(np.prod(size or 1))).reshape(-1, 2)
        z = np.sqrt(-2 * np.log(1 - u[:, 0])) * np.cos(2 * np.pi * u[:, 1])
        return loc + scale * z.reshape(size or ())

    def randint(self, low, high=None, size=None):
        low, high = (0, low) if high is None else (low, high)
        return (low + np.floor(self.uniform(0, high - low, size))).astype(int)


def with_formula(name, run):
    formula, kept = Formula(name), {}
    for each in ("uniform", "normal", "randint"):
        kept[each] = getattr(np.random, each)
        setattr(np.random, each, getattr(formula, each))
    try:
        return run()
    finally:
        for each, function in kept.items():
            setattr(np.random, each, function)


def spectrum(difference):
    """Mean power in each band of the mean over the channels."""
    plane = difference.mean(-1)
    power = np.abs(np.fft.fft2(plane)) ** 2 / plane.size
    down, across = (np.fft.fftfreq(n) for n in plane.shape)
    radius = np.hypot(*np.meshgrid(down, across, indexing="ij"))
    return [power[(radius >= a) & (radius < b)].mean() for a, b in zip(edges, edges[1:])]


def statistics(picture, name, severity):
    """Over draws: mean difference, mean absolute difference with its standard deviation, spectrum of the difference."""
    rows, bands = [], []
    for _ in range(draws):
        difference = corrupt(picture, severity, name).astype(float) - picture
        rows.append([difference.mean(), np.abs(difference).mean()])
        bands.append(spectrum(difference))
    rows, bands = np.array(rows), np.array(bands)
    values = {
        "mean": rows[:, 0].mean(),
        "meanStd": rows[:, 0].std(),
        "absolute": rows[:, 1].mean(),
        "absoluteStd": rows[:, 1].std(),
        "spectrum": bands.mean(0).tolist(),
        "spectrumStd": bands.std(0).tolist(),
    }
    return json.loads(json.dumps(values), parse_float=lambda text: float(f"{float(text):.5g}"))


def main(path):
    np.random.seed(0)
    cv2.setNumThreads(1)
    names = get_corruption_names("all")
    pictures = [image(*size) for size in sizes]
    sampled = [name for name in names if name not in not_sampled]
    samples = [
        with_formula(f"{name}/{severity}", lambda: corrupt(picture, severity, name)).reshape(-1)[::stride]
        for picture in pictures
        for name in sampled
        for severity in range(1, 6)
    ]
    packed = zlib.compress(np.concatenate(samples).tobytes(), 9)
    result = {
        "made_with": f"imagecorruptions 1.1.2, NumPy {np.__version__}, SciPy {scipy.__version__}, "
        f"scikit-image {skimage.__version__}, OpenCV {cv2.__version__}, Pillow {PIL.__version__}",
        "stride": stride,
        "draws": draws,
        "sizes": sizes,
        "edges": edges.tolist(),
        "sampled": sampled,
        "samples": base64.b64encode(packed).decode(),
        "statistics": {
            name: [statistics(pictures[0], name, severity) for severity in range(1, 6)] for name in names
        },
    }
    with open(path, "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


main(sys.argv[1])
