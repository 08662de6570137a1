"""Prints the looks of lib/robustness/filters/frost_texture.ts: colours of the reference's photographs, and how strong needles of each
width must be for the photograph's spectrum.

    deno eval 'import { needleLayer } from "lib/robustness/filters/frost_texture.ts";
      import { createRng } from "lib/rng.ts";
      const file = await Deno.create("layers.f64");
      for (let octave = 0; octave < 9; octave++)
        await file.write(new Uint8Array(needleLayer(octave, createRng(0).fork(octave)).buffer));'
    oracle/bin/python lib/robustness/golden/measure_frost.py layers.f64
"""

import os
import sys

import cv2
import numpy as np
from scipy.optimize import nnls

import reference  # noqa: F401
import imagecorruptions

side = 256
limits = [0.9 / 256, 2.5 / 256, *(2.0**-k for k in (6, 5, 4, 3, 2)), 0.375, 0.72]  # cycles a pixel
window = np.outer(np.hanning(side), np.hanning(side))
radius = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij"))


def bands(plane):
    """Variance in each band of frequencies, over pieces of a picture."""
    rng = np.random.default_rng(0)
    corners = zip(*(rng.integers(0, n - side + 1, 40) for n in plane.shape))
    pieces = [plane[y : y + side, x : x + side] for y, x in corners]
    power = np.mean([np.abs(np.fft.fft2((p - p.mean()) * window)) ** 2 for p in pieces], 0)
    power /= (window**2).sum() * side**2
    return np.array([power[(radius >= a) & (radius < b)].sum() for a, b in zip(limits, limits[1:])])


layers = np.fromfile(sys.argv[1]).reshape(-1, 512, 512)
basis = np.stack([bands(layer) for layer in layers[:-1]], 1)
folder = os.path.join(os.path.dirname(imagecorruptions.__file__), "frost")
for name in ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg"):
    picture = cv2.imread(os.path.join(folder, name))
    picture = cv2.resize(picture, None, fx=1.1, fy=1.1, interpolation=cv2.INTER_CUBIC).astype(float)
    grey = picture.mean(-1)
    wanted = bands(grey)
    weights, _ = nnls(basis / wanted[:, None], np.ones(len(wanted)))  # every band as well as the others
    found = basis @ weights
    weights = np.append(weights, max(grey.var() - weights.sum(), 0))  # what is wider than the bands
    scale = np.sqrt(weights.sum()) / grey.std()
    colours = picture.reshape(-1, 3)[:, ::-1]
    print(name, "mean", colours.mean(0).round(1).tolist(), "std", (scale * colours.std(0)).round(1).tolist())
    print("  strengths", np.sqrt(weights / weights.sum()).round(3).tolist())
    print("  bands", (found / wanted).round(2).tolist())
