// Depthwise convolution with small kernels at stride 1, read directly from the feature map: with so
// few products per input, copying rows into a window would cost more than it saves.
#pragma once

#include "depthwise/correlate.h"

namespace bcssl {

/** Some neighbouring outputs of a row, and the rows of inputs that they meet. */
struct Reach {
  const float* in;    // position of the first output, in the first of the rows
  Index row, step;    // floats from row to row and from position to position
  Index rows;
  Index left, right;  // positions left … right − 1, counted from the first output, lie on the map
  float* out;         // of the first output
};

/** The first values of the sums: one number per channel, or a map of the outputs' size, or zero. */
struct Beginning {
  const float *bias, *map;  // at the first output
  Index step;
  Start of(Index channel) const {
    static constexpr Vec kNothing{};
    if (map != nullptr) return {map + channel, step};
    return {bias == nullptr ? reinterpret_cast<const float*>(&kNothing) : bias + channel, 0};
  }
};

/**
 * Computes T outputs with kernels of K taps per row, for channel blocks begin … end − 1; `kernel`
 * has `taps` vectors for each block.
 */
template <int T, int K>
void write_strip(const Reach& reach, const Beginning& beginning, const Blocks& blocks, Index begin, Index end,
                 const Vec* kernel, Index taps) {
  constexpr int kPad = K / 2;
  const auto [first, row, step, rows, left, right, first_out] = reach;
  for (Index b = begin; b < end; ++b) {
    const Index channel = blocks.begin(b);
    const Start start = beginning.of(channel);
    Vec sums[T];
#pragma GCC unroll 16
    for (int t = 0; t < T; ++t) {
      sums[t] = start.at(t);
      // The input row that the next row of outputs needs; after the last one, the first row of the
      // next map.
      __builtin_prefetch(first + channel + rows * row + t * step);
    }
    const float* in = first + channel;
    const Vec* factors = kernel + b * taps;
    for (Index r = 0; r < rows; ++r, in += row, factors += K) {
#pragma GCC unroll 32
      for (int j = -kPad; j < T + kPad; ++j) {
        if ((j < 0 && j < left) || (j >= T && j >= right)) continue;  // zeros
        Vec input;
        std::memcpy(&input, in + j * step, sizeof input);
#pragma GCC unroll 8
        for (int k = 0; k < K; ++k) {
          const int t = j - k + kPad;
          if (t >= 0 && t < T) sums[t] += factors[k] * input;
        }
      }
    }
    float* out = first_out + channel;
#pragma GCC unroll 16
    for (int t = 0; t < T; ++t) std::memcpy(out + t * step, &sums[t], sizeof(Vec));
  }
}

using WriteStrip = void (*)(const Reach&, const Beginning&, const Blocks&, Index, Index, const Vec*, Index);

template <int K, int... T>
WriteStrip write_strip(Index outputs, std::integer_sequence<int, T...>) {
  static constexpr WriteStrip all[] = {write_strip<T + 1, K>...};
  return all[outputs - 1];
}

/** Computes a convolution with kernels [height, 3 or 5] of odd height at stride 1. */
class DirectConvolution {
 public:
  /**
   * Whether this way is faster, by measurement: for kernels of at most 5 × 5, rows of at most two
   * strips (positions beside a strip are read once more), and at least a whole vector of channels.
   */
  static bool suits(const Maps& m, const Kernel& k) {
    return k.stride == 1 && (k.width == 3 || k.width == 5) && k.height <= 5 && m.width <= 2 * kSums &&
           m.channels >= kLanes;
  }

  DirectConvolution(const Maps& m, const Kernel& k)
      : m_(m), k_(k), blocks_(m.channels), groups_(blocks_.count(), k.height * m.width, kInFirstCache) {}

  /** Convolves all images with a packed kernel. */
  void run(const float* in, const Vec* kernel, const Addend& addend, float* out, const Workers& workers) const {
    const Index map = m_.height * m_.width * m_.channels;
    const Split split(m_.images * groups_.count, map / groups_.count * k_.height);
    workers.run(split.parts, [&](Index part) {
      for (Index unit = split.begin(part); unit < split.end(part); ++unit) {
        const Index image = unit / groups_.count, from = image * map;
        const Addend own{addend.bias, addend.map == nullptr ? nullptr : addend.map + from};
        for (Index y = 0; y < m_.height; ++y) write_row(in + from, y, unit % groups_.count, kernel, own, out + from);
      }
    });
  }

 private:
  static constexpr Index kInFirstCache = Index{1} << 14;  // the rows that an output row meets

  /** Computes output row y of one group of channel blocks. */
  void write_row(const float* in, Index y, Index group, const Vec* kernel, const Addend& addend, float* out) const {
    const Index top = std::max<Index>(0, y - k_.height / 2), bottom = std::min(m_.height, y + k_.height / 2 + 1);
    const Index tap = (top - (y - k_.height / 2)) * k_.width, begin = groups_.begin(group);
    const Index strips = (m_.width + kSums - 1) / kSums;
    for (Index s = 0; s < strips; ++s) {
      const Index x = m_.width * s / strips, count = m_.width * (s + 1) / strips - x;
      const Index to = (y * m_.width + x) * m_.channels;
      const Reach reach{in + (top * m_.width + x) * m_.channels, m_.width * m_.channels, m_.channels, bottom - top,
                        -x, m_.width - x, out + to};
      const Beginning beginning{addend.bias, addend.map == nullptr ? nullptr : addend.map + to, m_.channels};
      const WriteStrip write = k_.width == 3 ? write_strip<3>(count, kCounts) : write_strip<5>(count, kCounts);
      write(reach, beginning, blocks_, begin, begin + groups_.size(group), kernel + tap, k_.height * k_.width);
    }
  }

  Maps m_;
  Kernel k_;
  Blocks blocks_;
  Groups groups_;
};

}  // namespace bcssl
