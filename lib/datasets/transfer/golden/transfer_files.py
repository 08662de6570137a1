"""Lists of pictures as Flowers-102 and Stanford Cars have them, as SciPy writes MAT-files, and numpy's draws for KITTI.

Run with NumPy and SciPy; writes transfer_files.json beside this file. The contents are made up.
"""
import base64
import io
import json
import pathlib

import numpy as np
import scipy.io

HERE = pathlib.Path(__file__).parent


def mat(variables: dict, compressed: bool = True) -> str:
    file = io.BytesIO()
    scipy.io.savemat(file, variables, do_compression=compressed)
    return base64.b64encode(file.getvalue()).decode()


def annotations(pictures: list) -> np.ndarray:
    """Stanford Cars' array of structures, 1 by N."""
    kinds = [(f"bbox_{side}", object) for side in ["x1", "y1", "x2", "y2"]] + [("class", object), ("fname", object)]
    rows = [tuple(np.uint16(n) for n in [3, 4, 500, 401]) + (np.uint8(label), name) for name, label in pictures]
    return np.array([rows], dtype=kinds)


def draws(videos: int, test: int, validation: int) -> dict:
    """The videos that TensorFlow Datasets draws for test and validation."""
    np.random.seed(123)
    names = [f"video {i:03d}" for i in range(videos)]
    chosen = np.random.choice(names, test, replace=False).tolist()
    others = sorted(set(names) - set(chosen))
    return {"videos": videos, "test": chosen, "val": np.random.choice(others, validation, replace=False).tolist()}


if __name__ == "__main__":
    golden = {
        "flowers": {
            "imagelabels.mat": mat({"labels": np.array([[3, 1, 102, 1, 3]], dtype=np.uint8)}),
            "setid.mat": mat({"trnid": np.array([[4, 1]], dtype=np.uint16), "valid": np.array([[5]], dtype=np.uint16),
                              "tstid": np.array([[3, 2]], dtype=np.uint16)}, compressed=False),
        },
        "cars": {
            "devkit/cars_meta.mat": mat({"class_names": np.array([["AM General Hummer SUV 2000", "Acura RL Sedan 2012",
                                                                   "Ram C/V Cargo Van Minivan 2012"]], dtype=object)}),
            "devkit/cars_train_annos.mat": mat({"annotations": annotations([("00001.jpg", 3), ("00002.jpg", 1)])}),
            "cars_test_annos_withlabels.mat": mat({"annotations": annotations([("00001.jpg", 2)])}),
        },
        "draws": [draws(30, 3, 3), draws(71, 7, 7), draws(141, 14, 14)],
    }
    (HERE / "transfer_files.json").write_text(json.dumps(golden) + "\n")
