// The colours of a view. Planes of n pixels each: red, green and blue, or one grey plane.
#pragma once

#include "views/pixels.h"

namespace views {

/** How strongly colours change, and in which order. */
struct Jitter {
  double brightness, contrast, saturation, hue;
  double order[4];  // of brightness 0, contrast 1, saturation 2, hue 3
};

/**
 * Changes brightness, contrast, saturation and hue, in place. A grey image has no saturation and no
 * hue.
 */
void jitter(Byte* planes, int n, int channels, const Jitter& changes);

/** Writes the luma of three planes into the first. */
void to_grey(Byte* planes, int n);

/** Inverts bytes of 128 and more. */
void solarize(Byte* bytes, int count);

/**
 * Looks up each byte and writes interleaved numbers, [n, 3]. One plane fills three channels.
 *
 * @param values [3, 256], a number for every byte of every channel.
 */
void normalize(const Byte* planes, int n, int channels, const float* values, float* out);

}  // namespace views
