// What the convolution and the gradient of its kernel share: the part of a kernel that meets the
// map, and how many output rows are worked on together.
#pragma once

#include "core/kernels.h"

namespace bcssl {

/** Bytes that the windows of a group of channel blocks may take. */
constexpr Index kInSecondCache = Index{1} << 19;

/**
 * The most rows that are worked on together, so that the inputs they share are still in the first
 * cache.
 */
constexpr Index kLongestBand = 64;
/** The number of output rows that are worked on together. */
inline Index band_of(Index width) { return std::max<Index>(4, kLongestBand / std::max<Index>(1, width)); }

/** The middle part of a kernel, without the taps that meet only zeros on a map of this size. */
inline Kernel inner(const Kernel& k, Index height, Index width) {
  return {std::min(k.height, std::max<Index>(1, 2 * height - 1)), std::min(k.width, std::max<Index>(1, 2 * width - 1)),
          k.stride};
}

/** The index in the whole kernel of a tap of its inner part. */
inline Index tap_in_whole(const Kernel& whole, const Kernel& inner, Index tap) {
  const Index top = (whole.height - inner.height) / 2, left = (whole.width - inner.width) / 2;
  return (top + tap / inner.width) * whole.width + left + tap % inner.width;
}

/** The number of outputs along an axis. */
inline Index outputs(Index size, Index stride) { return (size + stride - 1) / stride; }

}  // namespace bcssl
