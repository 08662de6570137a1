"""Pictures as Pillow decodes them and torchvision crops them for evaluation, and MAT-files as SciPy writes them.

Run with Pillow, torchvision, NumPy and SciPy; writes pictures.json and mat.json beside this file.
"""
import base64
import io
import json
import pathlib

import numpy as np
import scipy.io
from PIL import Image
from torchvision import transforms

HERE = pathlib.Path(__file__).parent


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def picture(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(width)
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 90 * np.sin(x / 5 + y / 7 + c) + rng.normal(0, 9, x.shape) for c in range(3)]
    return Image.fromarray(np.stack(waves, -1).clip(0, 255).astype("uint8"))


def saved(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def decoded(file: bytes) -> dict:
    image = Image.open(io.BytesIO(file)).convert("RGB")
    return {"file": encode(file), "width": image.width, "height": image.height, "rgb": encode(image.tobytes())}


def pictures() -> dict:
    image = picture(37, 29)
    turned = Image.Exif()
    turned[0x0112] = 6
    files = {
        "JPEG, 4:2:0": saved(image, "JPEG", quality=90),
        "JPEG, 4:4:4": saved(image, "JPEG", quality=80, subsampling=0),
        "JPEG, progressive": saved(image, "JPEG", quality=60, progressive=True),
        "JPEG, grey": saved(image.convert("L"), "JPEG"),
        "JPEG that EXIF would turn": saved(image, "JPEG", exif=turned),
        "PNG with alpha": saved(image.convert("RGBA"), "PNG"),
    }
    return {name: decoded(file) for name, file in files.items()}


def evaluation() -> list:
    cases = []
    for width, height, size in [(50, 37, 28), (37, 50, 28), (33, 33, 21), (20, 61, 14), (41, 30, 28)]:
        crop = transforms.Compose([
            transforms.Resize(round(size * 8 / 7), interpolation=transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(size),
        ])
        image = picture(width, height)
        cases.append({
            "width": width, "height": height, "size": size,
            "image": encode(image.tobytes()), "rgb": encode(crop(image).tobytes()),
        })
    return cases


def mat_files() -> dict:
    """Structures as those of ImageNet's meta.mat: the numbers are not in the order of the wnids."""
    fields = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("num_children", "O"), ("children", "O")]
    rows = [
        (1, "n02119789", "kit fox, Vulpes macrotis", 0, np.zeros((1, 0))),
        (2, "n01440764", "tench, Tinca tinca", 0, np.zeros((1, 0))),
        (3, "n00001740", "entité, née", 2, np.array([[1, 2]], dtype="uint16")),
    ]
    synsets = np.array(rows, dtype=fields).reshape(-1, 1)
    files = {}
    for compressed in [False, True]:
        file = io.BytesIO()
        scipy.io.savemat(file, {"synsets": synsets, "pi": 3.25, "mask": [1, -2, 300]}, do_compression=compressed)
        files["compressed" if compressed else "plain"] = encode(file.getvalue())
    return files


(HERE / "pictures.json").write_text(json.dumps({"decoded": pictures(), "evaluation": evaluation()}))
(HERE / "mat.json").write_text(json.dumps(mat_files()))
