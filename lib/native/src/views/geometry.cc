// The places of pixels in a view: resampling in Pillow's fixed point, and Pillow's blur. Sums and
// products of fractions are rounded one by one (-ffp-contract=off), so the bytes equal those of
// lib/augment.
#include "views/geometry.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace views {
namespace {

using Bytes16 = Byte __attribute__((vector_size(16)));

// ---- Resampling: Pillow's bicubic filter in its fixed-point arithmetic

constexpr int kPrecision = 22;  // 32 bits, less 8 of a pixel, less 2 for sign and overshoot
constexpr int kHalf = 1 << (kPrecision - 1);

/**
 * How one axis is resampled: output x is the sum of `counts[x]` inputs from `starts[x]` on, times
 * `weights + x · taps`.
 */
struct Resampling {
  int taps = 0;
  std::vector<int> starts, counts;
  std::vector<std::int32_t> weights;
};

/** Keys' cubic convolution with a = −0.5. */
double bicubic(double x) {
  constexpr double a = -0.5;
  const double d = std::fabs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

/**
 * Sets the weights that resize `extent` pixels, from `offset` on, to `out` pixels; the axis has
 * `in` pixels.
 */
void set_axis(Resampling& axis, int in, double offset, double extent, int out) {
  const double scale = extent / out, filter = std::max(scale, 1.0), support = 2 * filter;
  axis.taps = static_cast<int>(std::ceil(support)) * 2 + 1;
  axis.starts.resize(out);
  axis.counts.resize(out);
  axis.weights.resize(static_cast<std::size_t>(out) * axis.taps);
  std::vector<double> row(axis.taps);
  for (int x = 0; x < out; ++x) {
    const double center = offset + (x + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int last = std::min(static_cast<int>(center + support + 0.5), in);
    double sum = 0;
    for (int t = 0; t < last - first; ++t) sum += row[t] = bicubic((t + first - center + 0.5) / filter);
    axis.starts[x] = first;
    axis.counts[x] = last - first;
    for (int t = 0; t < last - first; ++t) {
      const double weight = sum == 0 ? row[t] : row[t] / sum;
      axis.weights[x * axis.taps + t] = static_cast<std::int32_t>(weight * (1 << kPrecision) + (weight < 0 ? -0.5 : 0.5));
    }
  }
}

constexpr int kRows = 16;  // rows of the horizontal pass at a time: a column of them fills a vector

constexpr Bytes16 kLow = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
constexpr Bytes16 kHigh = {8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};

/** A perfect shuffle of 256 bytes: takes them in turn from the first half and from the second. */
inline void shuffle(const Bytes16* in, Bytes16* out) {
  for (int i = 0; i < 8; ++i) {
    out[2 * i] = __builtin_shuffle(in[i], in[i + 8], kLow);
    out[2 * i + 1] = __builtin_shuffle(in[i], in[i + 8], kHigh);
  }
}

/** Transposes 16 × 16 bytes by four perfect shuffles. */
inline void transpose(Bytes16* block) {
  Bytes16 other[16];
  shuffle(block, other);
  shuffle(other, block);
  shuffle(block, other);
  shuffle(other, block);
}

/**
 * Transposes at most 16 rows of bytes into columns of 16. Columns of `to` beyond `length` are not
 * used.
 */
void to_columns(const Byte* from, std::size_t stride, int rows, int length, Byte* to) {
  for (int x = 0; x < length; x += 16) {
    Bytes16 block[16] = {};
    const int width = std::min(16, length - x);
    for (int y = 0; y < rows; ++y) std::memcpy(&block[y], from + y * stride + x, width);
    transpose(block);
    std::memcpy(to + x * kRows, block, sizeof block);
  }
}

/** Transposes columns of 16 bytes back into rows, of which the first `rows` are written. */
void to_rows(const Byte* from, int rows, int length, Byte* to, std::size_t stride) {
  for (int x = 0; x < length; x += 16) {
    Bytes16 block[16];
    std::memcpy(block, from + x * kRows, sizeof block);
    transpose(block);
    const int width = std::min(16, length - x);
    for (int y = 0; y < rows; ++y) std::memcpy(to + y * stride + x, &block[y], width);
  }
}

/** N neighbouring outputs, each the weighted sum of `count` bytes that lie `stride` apart. */
template <int N>
inline void blend(const Byte* from, std::size_t stride, const std::int32_t* weights, int count, Byte* to) {
  std::int32_t sums[N];
  for (int i = 0; i < N; ++i) sums[i] = kHalf;
  for (int t = 0; t < count; ++t) {
    const std::int32_t weight = weights[t];
    const Byte* row = from + t * stride;
    for (int i = 0; i < N; ++i) sums[i] += row[i] * weight;
  }
  for (int i = 0; i < N; ++i) to[i] = clamp8(sums[i] >> kPrecision);
}

/** A length rounded up to whole vectors of 16 bytes. */
constexpr int padded(int length) { return (length + 15) / 16 * 16; }

}  // namespace

void resized_crop(const Image& image, const Box& box, bool flip, int width, int height, Byte* planes) {
  thread_local Resampling across, down;
  thread_local std::vector<Byte> columns_memory, result_memory, rows_memory;
  const int left = static_cast<int>(std::floor(box.left)), top = static_cast<int>(std::floor(box.top));
  const int in_width = static_cast<int>(std::ceil(box.left + box.width)) - left;
  const int in_height = static_cast<int>(std::ceil(box.top + box.height)) - top;
  const int channels = image.channels, length = in_width * channels;
  set_axis(across, in_width, box.left - left, box.width, width);
  set_axis(down, in_height, box.top - top, box.height, height);
  Byte* columns = scratch(columns_memory, static_cast<std::size_t>(padded(length)) * kRows);
  Byte* result = scratch(result_memory, static_cast<std::size_t>(padded(width)) * kRows);
  Byte* rows = scratch(rows_memory, static_cast<std::size_t>(channels) * in_height * width + 64);
  const std::size_t plane = static_cast<std::size_t>(in_height) * width;
  const std::size_t stride = static_cast<std::size_t>(image.width) * channels;
  for (int y = 0; y < in_height; y += kRows) {
    const int count = std::min(kRows, in_height - y);
    to_columns(image.data + (top + y) * stride + left * channels, stride, count, length, columns);
    for (int c = 0; c < channels; ++c) {
      for (int x = 0; x < width; ++x) {
        const Byte* first = columns + (across.starts[x] * channels + c) * kRows;
        const int to = flip ? width - 1 - x : x;
        blend<kRows>(first, channels * kRows, &across.weights[x * across.taps], across.counts[x], result + to * kRows);
      }
      to_rows(result, count, width, rows + c * plane + static_cast<std::size_t>(y) * width, width);
    }
  }
  for (int c = 0; c < channels; ++c) {
    for (int y = 0; y < height; ++y) {
      const Byte* first = rows + c * plane + static_cast<std::size_t>(down.starts[y]) * width;
      const std::int32_t* weights = &down.weights[y * down.taps];
      Byte* to = planes + (static_cast<std::size_t>(c) * height + y) * width;
      int x = 0;
      for (; x + 32 <= width; x += 32) blend<32>(first + x, width, weights, down.counts[y], to + x);
      for (; x < width; ++x) blend<1>(first + x, width, weights, down.counts[y], to + x);
    }
  }
}

namespace {

// ---- Blur: three extended box blurs along the rows, then three along the columns, each rounded to
// bytes

/**
 * A box blur over 2 · side + 1 whole pixels and a part of the next one on each side. Weights in
 * units of 2^-24.
 */
struct ExtendedBox {
  int side;
  std::uint32_t inner, edge;
};

/**
 * The box blur that, used three times, has the Gaussian's variance (Gwosdek et al. 2011), in
 * Pillow's precision.
 */
ExtendedBox box_of(double sigma) {
  const float s = static_cast<float>(sigma), variance = s * s / 3;
  const float root = static_cast<float>(std::sqrt(12 * static_cast<double>(variance) + 1));
  const double l = std::floor((static_cast<double>(root) - 1) / 2);
  const float rest = static_cast<float>(l * (l + 1) - static_cast<double>(3 * variance));
  const float above = static_cast<float>((2 * l + 1) * rest);
  const float below = static_cast<float>(6 * static_cast<double>(static_cast<float>(variance - (l + 1) * (l + 1))));
  const float radius = static_cast<float>(l + static_cast<double>(above / below));
  const int side = static_cast<int>(radius);
  const int inner = static_cast<int>(static_cast<float>(0x1000000) / static_cast<float>(radius * 2.0 + 1));
  return {side, static_cast<std::uint32_t>(inner), static_cast<std::uint32_t>((0x1000000 - (side * 2 + 1) * inner) / 2)};
}

/** One box blur of `count` bytes: neighbour k of byte i lies at `at(k)[i]`. */
template <typename At>
inline void box_pass(At at, const ExtendedBox& box, int count, Byte* to) {
  const Byte *left = at(-box.side - 1), *right = at(box.side + 1);
  if (box.side == 0) {
    const Byte* middle = at(0);
    for (int i = 0; i < count; ++i) {
      to[i] = static_cast<Byte>((middle[i] * box.inner + (left[i] + right[i]) * box.edge + 0x800000) >> 24);
    }
  } else if (box.side == 1) {
    const Byte *a = at(-1), *b = at(0), *c = at(1);
    for (int i = 0; i < count; ++i) {
      to[i] = static_cast<Byte>(((a[i] + b[i] + c[i]) * box.inner + (left[i] + right[i]) * box.edge + 0x800000) >> 24);
    }
  } else {
    for (int i = 0; i < count; ++i) {
      std::uint32_t sum = 0;
      for (int k = -box.side; k <= box.side; ++k) sum += at(k)[i];
      to[i] = static_cast<Byte>((sum * box.inner + (left[i] + right[i]) * box.edge + 0x800000) >> 24);
    }
  }
}

/**
 * Blurs a row three times, in place; `line` and `next` are working memory for a row with its
 * margins.
 */
void blur_row(Byte* row, int width, const ExtendedBox& box, Byte* line, Byte* next) {
  const int margin = box.side + 1;
  std::memcpy(line + margin, row, width);
  for (int pass = 0; pass < 3; ++pass) {
    std::memset(line, line[margin], margin);
    std::memset(line + margin + width, line[margin + width - 1], margin);
    Byte* to = pass == 2 ? row : next + margin;
    box_pass([=](int k) { return line + margin + k; }, box, width, to);
    std::swap(line, next);
  }
}

}  // namespace

void gaussian_blur(Byte* plane, int width, int height, double sigma) {
  thread_local std::vector<Byte> lines_memory, plane_memory;
  const ExtendedBox box = box_of(sigma);
  if (box.side == 0 && box.edge == 0) return;
  const std::size_t room = static_cast<std::size_t>(width) + 2 * (box.side + 1);
  Byte* lines = scratch(lines_memory, 2 * room);
  Byte* other = scratch(plane_memory, static_cast<std::size_t>(width) * height);
  for (int y = 0; y < height; ++y) {
    blur_row(plane + static_cast<std::size_t>(y) * width, width, box, lines, lines + room);
  }
  Byte *from = plane, *to = other;
  for (int pass = 0; pass < 3; ++pass) {
    for (int y = 0; y < height; ++y) {
      const auto at = [=](int k) {
        return from + static_cast<std::size_t>(std::min(std::max(y + k, 0), height - 1)) * width;
      };
      box_pass(at, box, width, to + static_cast<std::size_t>(y) * width);
    }
    std::swap(from, to);
  }
  std::memcpy(plane, other, static_cast<std::size_t>(width) * height);  // an odd number of passes ends there
}

}  // namespace views
