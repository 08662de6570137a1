"""The package imagecorruptions, which is ImageNet-C's own code as a library, on today's NumPy, SciPy and scikit-image.

It asks them for names that are gone since; imported from here, it finds them.
"""

import sys
import types

import numpy as np
import scipy.ndimage
import skimage.filters

np.float_ = np.float64
interpolation = types.ModuleType("scipy.ndimage.interpolation")
interpolation.map_coordinates = scipy.ndimage.map_coordinates
sys.modules[interpolation.__name__] = interpolation
blur = skimage.filters.gaussian


def gaussian(image, *args, multichannel=False, **kwargs):
    return blur(image, *args, channel_axis=-1 if multichannel else None, **kwargs)


skimage.filters.gaussian = gaussian

from imagecorruptions import corrupt, get_corruption_names  # noqa: E402, F401
