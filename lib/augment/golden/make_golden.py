"""Writes pillow.json: Pillow's results on a small image, op by op, called the way torchvision does.

    python3 -m venv oracle && oracle/bin/pip install pillow numpy
    oracle/bin/python lib/augment/golden/make_golden.py lib/augment/golden/pillow.json
"""

import base64
import json
import os
import sys

import numpy as np
import PIL
from PIL import Image, ImageEnhance, ImageFilter, ImageOps


def sample(width, height, seed):
    """Smooth colour, a hard edge, greys, saturated corners and noise: reaches every branch of the ops."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    channels = [127 + 120 * np.sin(0.5 * x + 0.3 * y + phase) for phase in (0, 2, 4)]
    image = np.stack(channels, -1) + rng.normal(0, 12, (height, width, 3))
    image[height // 3 : height // 2, width // 4 : width // 2] = (250, 10, 10)
    image[: height // 4, : width // 4] = 90
    image[0, 0], image[0, -1], image[-1, 0], image[-1, -1] = 0, 255, (0, 0, 255), (1, 0, 0)
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8), "RGB")


def adjust_hue(image, factor):
    """The same computation as torchvision.transforms._functional_pil.adjust_hue."""
    hue, saturation, value = image.convert("HSV").split()
    turned = np.array(hue, dtype=np.uint8)
    with np.errstate(over="ignore"):
        turned += np.int32(factor * 255).astype(np.uint8)
    return Image.merge("HSV", (Image.fromarray(turned, "L"), saturation, value)).convert("RGB")


def jitter(image, op, factor):
    if op == "brightness":
        return ImageEnhance.Brightness(image).enhance(factor)
    if op == "contrast":
        return ImageEnhance.Contrast(image).enhance(factor)
    if op == "saturation":
        return ImageEnhance.Color(image).enhance(factor)
    return adjust_hue(image, factor)


def resized_crop(image, left, top, width, height, size, filter=Image.Resampling.BICUBIC):
    box = (left, top, left + width, top + height)
    return image.crop(box).resize((size, size), filter)


def chain(image, p):
    """One view, in the order of DINO's DataAugmentationDINO."""
    image = resized_crop(image, *p["box"], p["size"])
    if p["flip"]:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for op in p["order"]:
        image = jitter(image, op, p[op])
    if p["grayscale"]:
        image = image.convert("L").convert("RGB")
    if p["blur"] is not None:
        image = image.filter(ImageFilter.GaussianBlur(radius=p["blur"]))
    if p["solarize"]:
        image = ImageOps.solarize(image, 128)
    return image


def encode(image):
    pixels = np.asarray(image)
    data = base64.b64encode(pixels.tobytes()).decode()
    return {"width": pixels.shape[1], "height": pixels.shape[0], "data": data}


JITTERS = [
    *[("brightness", f) for f in (0.6, 1.4)],
    *[("contrast", f) for f in (0.6, 1.37)],
    *[("saturation", f) for f in (0.8, 1.2)],
    *[("hue", f) for f in (-0.1, 0.0, 0.1, 0.5)],
]
CROPS = [  # left, top, width, height, size
    (0, 0, 24, 20, 12),
    (3, 2, 8, 7, 12),
    (3, 2, 12, 9, 12),
    (7, 1, 15, 19, 6),
    (0, 5, 2, 1, 5),
    (23, 19, 1, 1, 4),
    (0, 0, 24, 20, 3),
    (10, 4, 3, 4, 9),
    (1, 1, 14, 5, 13),
]
BLURS = [0.1, 0.4, 0.9, 1.3, 1.414, 1.6, 2.0, 5.0]
CHAINS = [
    dict(box=(2, 3, 17, 14), size=12, flip=True, grayscale=False, blur=1.2, solarize=False,
         order=["hue", "contrast", "brightness", "saturation"],
         brightness=1.3, contrast=0.7, saturation=1.15, hue=0.07),
    dict(box=(5, 0, 9, 11), size=12, flip=False, grayscale=True, blur=1.9, solarize=True,
         order=["saturation", "brightness", "hue", "contrast"],
         brightness=0.65, contrast=1.35, saturation=0.85, hue=-0.09),
    dict(box=(1, 1, 22, 18), size=12, flip=True, grayscale=False, blur=None, solarize=True,
         order=["contrast", "saturation", "hue", "brightness"],
         brightness=1.1, contrast=1.2, saturation=0.9, hue=0.02),
]


def main(path):
    image = sample(24, 20, seed=1)
    small = [sample(w, h, seed=2) for w, h in ((1, 1), (2, 5), (7, 3))]
    golden = {
        "pillow": PIL.__version__,
        "image": encode(image),
        "luma": encode(image.convert("L")),
        "flip": encode(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        "solarize": encode(ImageOps.solarize(image, 128)),
        "jitter": [{"op": o, "factor": f, "out": encode(jitter(image, o, f))} for o, f in JITTERS],
        "crop": [{"box": c[:4], "out": encode(resized_crop(image, *c))} for c in CROPS],
        "bilinear": [
            {"box": c[:4], "out": encode(resized_crop(image, *c, Image.Resampling.BILINEAR))}
            for c in CROPS
        ],
        "blur": [
            {"radius": r, "in": encode(i), "out": encode(i.filter(ImageFilter.GaussianBlur(r)))}
            for i, radii in [(image, BLURS), *[(s, (0.9, 2.0)) for s in small]]
            for r in radii
        ],
        "chain": [{"params": p, "out": encode(chain(image, p))} for p in CHAINS],
    }
    with open(path + ".part", "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")
    os.replace(path + ".part", path)


main(sys.argv[1])
