// Crop, resize, flip and blur: what a view does with the places of pixels.
#pragma once

#include "views/pixels.h"

namespace views {

/** Interleaved pixels, [height, width, channels]. */
struct Image {
  const Byte* data;
  int width, height, channels;
};

/** A region of an image, in pixels and fractions of pixels. */
struct Box {
  double left, top, width, height;
};

/**
 * Resizes the box of an image to `channels` planes of `height` rows of `width`, with Pillow's
 * bicubic filter. Pixels outside the box have no influence; a fraction of a pixel counts as its
 * share.
 */
void resized_crop(const Image& image, const Box& box, bool flip, int width, int height, Byte* planes);

/** Pillow's Gaussian blur of a plane, in place. `sigma` is in pixels. */
void gaussian_blur(Byte* plane, int width, int height, double sigma);

}  // namespace views
