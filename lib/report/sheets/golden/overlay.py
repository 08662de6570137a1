"""Makes overlay.json: what pytorch-grad-cam's `show_cam_on_image` draws, in its default colours.

    python3 -m venv oracle && oracle/bin/pip install torch torchvision grad-cam
    oracle/bin/python lib/report/sheets/golden/overlay.py
"""

import json
import pathlib

import numpy as np
from pytorch_grad_cam.utils.image import show_cam_on_image

height, width = 12, 22

# A heat map from 0 to 1, over a picture of dark, bright and coloured pixels.
heat = np.linspace(0, 1, height * width, dtype=np.float32).reshape(height, width)
picture = (np.arange(height * width * 3) * 37 % 256).astype(np.uint8).reshape(height, width, 3)
drawn = show_cam_on_image(np.float32(picture) / 255, heat, use_rgb=True)
golden = {"height": height, "width": width, "drawn": drawn.flatten().tolist()}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
