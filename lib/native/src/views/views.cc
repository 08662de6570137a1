// One view of an image in one call: crop, flip, colour jitter, grey, blur, solarise, normalise. The same bytes, to the
// last bit, as the functions of lib/augment one after the other, which follow Pillow's; so products and sums of
// fractions are rounded one by one here (-ffp-contract=off). Knows no TensorFlow: threads that make crops load it alone.
//
// Pixels are kept by plane, so that every loop runs along memory and the compiler turns it into vectors.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

using Byte = std::uint8_t;
using Bytes16 = Byte __attribute__((vector_size(16)));

/** Scratch that lives as long as its thread and only grows. */
template <typename T>
T* scratch(std::vector<T>& memory, std::size_t length) {
  if (memory.size() < length) memory.resize(length);
  return memory.data();
}

inline Byte clamp8(int value) { return static_cast<Byte>(value < 0 ? 0 : value > 255 ? 255 : value); }

// ---- Resampling: Pillow's bicubic filter in its fixed point

constexpr int kPrecision = 22;  // 32 bits, less 8 of a pixel, less 2 for sign and overshoot
constexpr int kHalf = 1 << (kPrecision - 1);

/** How one axis is resampled: output x is the sum of `counts[x]` inputs from `starts[x]`, times `weights + x · taps`. */
struct Axis {
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

/** The weights that take the `extent` pixels from `offset` on, of `in` there are, to `out`. */
void set_axis(Axis& axis, int in, double offset, double extent, int out) {
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

constexpr int kRows = 16;  // of the horizontal pass at a time: a column of them fills a vector

constexpr Bytes16 kLow = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
constexpr Bytes16 kHigh = {8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};

/** A perfect shuffle of 256 bytes: first half, second half, first half, … */
inline void shuffle(const Bytes16* in, Bytes16* out) {
  for (int i = 0; i < 8; ++i) {
    out[2 * i] = __builtin_shuffle(in[i], in[i + 8], kLow);
    out[2 * i + 1] = __builtin_shuffle(in[i], in[i + 8], kHigh);
  }
}

/** Transposes 16 × 16 bytes: four perfect shuffles. */
inline void transpose(Bytes16* block) {
  Bytes16 other[16];
  shuffle(block, other);
  shuffle(other, block);
  shuffle(block, other);
  shuffle(other, block);
}

/** Rows of interleaved bytes, at most 16, to columns of 16. The last columns of `to`, beyond `length`, are not used. */
void to_columns(const Byte* from, std::size_t stride, int rows, int length, Byte* to) {
  for (int x = 0; x < length; x += 16) {
    Bytes16 block[16] = {};
    const int width = std::min(16, length - x);
    for (int y = 0; y < rows; ++y) std::memcpy(&block[y], from + y * stride + x, width);
    transpose(block);
    std::memcpy(to + x * kRows, block, sizeof block);
  }
}

/** Columns of 16 bytes to rows, of which the first `rows` are wanted. */
void to_rows(const Byte* from, int rows, int length, Byte* to, std::size_t stride) {
  for (int x = 0; x < length; x += 16) {
    Bytes16 block[16];
    std::memcpy(block, from + x * kRows, sizeof block);
    transpose(block);
    const int width = std::min(16, length - x);
    for (int y = 0; y < rows; ++y) std::memcpy(to + y * stride + x, &block[y], width);
  }
}

/** `N` sums, side by side, of `count` rows of bytes `stride` apart. */
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

struct Image {
  const Byte* data;  // [height, width, channels]
  int width, height, channels;
};

struct Box {
  double left, top, width, height;
};

constexpr int padded(int length) { return (length + 15) / 16 * 16; }

/**
 * The box of an image, resized to `channels` planes of `height` rows of `width`. Pixels outside the box have no
 * influence; a fraction of one counts as its share.
 */
void resized_crop(const Image& image, const Box& box, bool flip, int width, int height, Byte* planes) {
  thread_local Axis across, down;
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

// ---- Colours. Planes of n pixels: r, g and b, or one.

inline int luma(int r, int g, int b) { return (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16; }

/** Pillow's blend with a constant: single precision, cut rather than rounded to a byte. */
void blend_with(Byte* data, int n, int constant, float alpha) {
  for (int i = 0; i < n; ++i) {
    data[i] = clamp8(static_cast<int>(constant + alpha * static_cast<float>(data[i] - constant)));
  }
}

int mean_luma(const Byte* planes, int n, int channels) {
  std::int64_t sum = 0;
  for (int from = 0; from < n; from += 1 << 16) {  // 2^16 bytes: their sum stays in 32 bits
    const int to = std::min(n, from + (1 << 16));
    std::int32_t part = 0;
    if (channels == 1) {
      for (int i = from; i < to; ++i) part += planes[i];
    } else {
      for (int i = from; i < to; ++i) part += luma(planes[i], planes[n + i], planes[2 * n + i]);
    }
    sum += part;
  }
  return static_cast<int>(static_cast<double>(sum) / n + 0.5);
}

void saturate(Byte* planes, int n, float alpha) {
  for (int i = 0; i < n; ++i) {
    const int r = planes[i], g = planes[n + i], b = planes[2 * n + i], grey = luma(r, g, b);
    planes[i] = clamp8(static_cast<int>(grey + alpha * static_cast<float>(r - grey)));
    planes[n + i] = clamp8(static_cast<int>(grey + alpha * static_cast<float>(g - grey)));
    planes[2 * n + i] = clamp8(static_cast<int>(grey + alpha * static_cast<float>(b - grey)));
  }
}

/** Pillow's 8-bit HSV, as lib/augment/hue.ts has it. */
struct HueTables {
  /** By the largest channel, by chroma c and by the difference d of the other two, at c · (c + 1) + d. */
  std::vector<Byte> hues = std::vector<Byte>(3 << 16);
  /** By the hue: which part of the saturation each channel loses. */
  double parts[3][256];

  HueTables() {
    for (int third = 0; third < 3; ++third)
      for (int chroma = 1; chroma < 256; ++chroma)
        for (int ahead = -chroma; ahead <= chroma; ++ahead)
          hues[(third << 16) + chroma * (chroma + 1) + ahead] = hue_byte(third, chroma, ahead);
    for (int channel = 0; channel < 3; ++channel)
      for (int hue = 0; hue < 256; ++hue) {
        const double distance = std::fabs(std::fmod(hue * 6 / 255.0 - 2 * channel + 9, 6) - 3);
        parts[channel][hue] = std::min(std::max(distance - 1, 0.0), 1.0);
      }
  }

  static Byte hue_byte(int third, int chroma, int ahead) {
    const float near = static_cast<float>(static_cast<double>(chroma - std::abs(ahead)) / chroma);
    const double plus = ahead >= 0 ? 1 : near, minus = ahead >= 0 ? near : 1;
    const float h = static_cast<float>(2 * third + plus - minus);
    const float turn = static_cast<float>(std::fmod(static_cast<double>(h) / 6 + 1, 1));
    return static_cast<Byte>(static_cast<int>(static_cast<double>(turn) * 255));
  }
};

/** @param shift In 1/255 of a turn. */
void shift_hue(Byte* planes, int n, int shift) {
  static const HueTables tables;
  constexpr int kBlock = 256;
  std::int32_t index[kBlock], largest[kBlock], chromas[kBlock], hue[kBlock];
  double depth[kBlock];
  Byte *red = planes, *green = planes + n, *blue = planes + 2 * n;
  for (int from = 0; from < n; from += kBlock) {
    const int count = std::min(kBlock, n - from);
    for (int i = 0; i < count; ++i) {
      const int r = red[from + i], g = green[from + i], b = blue[from + i];
      const int max = std::max(r, std::max(g, b)), chroma = max - std::min(r, std::min(g, b));
      const int of_red = g - b, of_green = (1 << 16) + b - r, of_blue = (2 << 16) + r - g;
      const int ahead = r == max ? of_red : g == max ? of_green : of_blue;
      index[i] = chroma * (chroma + 1) + ahead;
      largest[i] = max;
      chromas[i] = chroma;
    }
    for (int i = 0; i < count; ++i) hue[i] = (tables.hues[chromas[i] == 0 ? 0 : index[i]] + shift) & 255;
    for (int i = 0; i < count; ++i) {
      const float share = static_cast<float>(chromas[i]) / static_cast<float>(std::max(largest[i], 1));
      const int saturation = static_cast<int>(static_cast<double>(share) * 255);
      depth[i] = largest[i] * static_cast<double>(static_cast<float>(saturation) / 255.0f);
    }
    Byte* const channels[] = {red + from, green + from, blue + from};
    for (int c = 0; c < 3; ++c)
      for (int i = 0; i < count; ++i) {
        channels[c][i] = static_cast<Byte>(static_cast<int>(largest[i] + 0.5 - depth[i] * tables.parts[c][hue[i]]));
      }
  }
}

// ---- Blur: three extended box blurs along the rows, then three along the columns, rounded each time

/** A box of 2 · side + 1 whole pixels and a part of the next one on each side. Weights in units of 2^-24. */
struct ExtendedBox {
  int side;
  std::uint32_t inner, edge;
};

/** The box whose threefold use has the variance of the Gaussian (Gwosdek et al. 2011), in Pillow's single precision. */
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

/** One pass over `count` bytes: neighbour k of byte i lies at `at(k)[i]`. */
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

// ---- A view

/** `[3, 256]` values of every byte of every channel; one plane fills three channels. */
void normalize(const Byte* planes, int n, int channels, const float* values, float* out) {
  const Byte *red = planes, *green = channels == 3 ? planes + n : planes, *blue = channels == 3 ? planes + 2 * n : planes;
  for (int i = 0; i < n; ++i) {
    out[3 * i] = values[red[i]];
    out[3 * i + 1] = values[256 + green[i]];
    out[3 * i + 2] = values[512 + blue[i]];
  }
}

/** In the order in which lib/native/views.ts writes them. */
struct Params {
  double left, top, width, height;
  double flip, grey, blur, solarize;  // blur in pixels, below 0 for none
  double jitter, brightness, contrast, saturation, hue;  // jitter: 0 or 1
  double order[4];  // of brightness 0, contrast 1, saturation 2, hue 3
};

void jitter(Byte* planes, int n, int channels, const Params& p) {
  for (const double op : p.order) {
    if (op == 0) {
      blend_with(planes, n * channels, 0, static_cast<float>(p.brightness));
    } else if (op == 1) {
      blend_with(planes, n * channels, mean_luma(planes, n, channels), static_cast<float>(p.contrast));
    } else if (channels == 3) {
      if (op == 2) saturate(planes, n, static_cast<float>(p.saturation));
      else shift_hue(planes, n, static_cast<int>(p.hue * 255));
    }
  }
}

}  // namespace

/** @param out `[size, size, 3]`, written. */
extern "C" void bcssl_view(const Byte* data, std::int32_t width, std::int32_t height, std::int32_t channels,
                           const Params* params, std::int32_t size, const float* values, float* out) {
  thread_local std::vector<Byte> memory;
  const Params& p = *params;
  const int n = size * size;
  Byte* planes = scratch(memory, 3 * static_cast<std::size_t>(n));
  resized_crop({data, width, height, channels}, {p.left, p.top, p.width, p.height}, p.flip != 0, size, size, planes);
  if (p.jitter != 0) jitter(planes, n, channels, p);
  if (p.grey != 0 && channels == 3) {
    for (int i = 0; i < n; ++i) planes[i] = static_cast<Byte>(luma(planes[i], planes[n + i], planes[2 * n + i]));
    channels = 1;
  }
  if (p.blur >= 0) {
    for (int c = 0; c < channels; ++c) gaussian_blur(planes + c * n, size, size, p.blur);
  }
  if (p.solarize != 0) {
    for (int i = 0; i < n * channels; ++i) planes[i] = planes[i] < 128 ? planes[i] : 255 - planes[i];
  }
  normalize(planes, n, channels, values, out);
}

/** The box of an image, resized. @param out `[out_height, out_width, channels]`, written. */
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
