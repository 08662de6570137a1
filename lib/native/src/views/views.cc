// One view of an image in one call: crop, flip, colour jitter, grey, blur, solarise, normalise. The
// bytes equal, to the last bit, those of the functions of lib/augment one after the other, which
// follow Pillow's.
#include "views/colour.h"
#include "views/geometry.h"

namespace views {
namespace {

/**
 * Everything that decides a view, in the order in which lib/native/views.ts writes it. Flags are 0
 * or 1.
 */
struct Params {
  Box box;
  double flip, grey, blur, solarize;  // blur in pixels, below 0 for none
  double has_jitter;
  Jitter jitter;
};
static_assert(sizeof(Params) == 17 * sizeof(double));

}  // namespace
}  // namespace views

using namespace views;

/**
 * Makes one view of an image.
 *
 * @param values [3, 256]: the number that stands for each byte of each channel.
 * @param out [size, size, 3], written.
 */
extern "C" void bcssl_view(const Byte* data, std::int32_t width, std::int32_t height, std::int32_t channels,
                           const Params* params, std::int32_t size, const float* values, float* out) {
  thread_local std::vector<Byte> memory;
  const Params& p = *params;
  const int n = size * size;
  Byte* planes = scratch(memory, 3 * static_cast<std::size_t>(n));
  resized_crop({data, width, height, channels}, p.box, p.flip != 0, size, size, planes);
  if (p.has_jitter != 0) jitter(planes, n, channels, p.jitter);
  if (p.grey != 0 && channels == 3) {
    to_grey(planes, n);
    channels = 1;
  }
  if (p.blur >= 0) {
    for (int c = 0; c < channels; ++c) gaussian_blur(planes + c * n, size, size, p.blur);
  }
  if (p.solarize != 0) solarize(planes, n * channels);
  normalize(planes, n, channels, values, out);
}

/**
 * Resizes the box of an image.
 *
 * @param out [out_height, out_width, channels], written.
 */
extern "C" void bcssl_resized_crop(const Byte* data, std::int32_t width, std::int32_t height, std::int32_t channels,
                                   const Box* box, std::int32_t out_width, std::int32_t out_height, Byte* out) {
  thread_local std::vector<Byte> memory;
  const std::size_t n = static_cast<std::size_t>(out_width) * out_height;
  if (channels == 1) return resized_crop({data, width, height, 1}, *box, false, out_width, out_height, out);
  Byte* planes = scratch(memory, 3 * n);
  resized_crop({data, width, height, channels}, *box, false, out_width, out_height, planes);
  for (std::size_t i = 0; i < n; ++i) {
    for (int c = 0; c < 3; ++c) out[3 * i + c] = planes[c * n + i];
  }
}
