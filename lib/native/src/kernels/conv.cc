// A dense convolution whose products are rounded to bf16: a matrix product of windows and weights.
// The windows of a tile of positions are gathered in the cache, a few taps at a time, from a rounded
// copy of the map; the matrix of all windows, nine times as large as the map for 3 × 3 taps, is
// never made.
#include "pointwise/product.h"

namespace bcssl {
namespace {

constexpr Index kTile = 8 * kTileRows;  // positions that are worked on together
constexpr Index kMostDeep = 1152;       // numbers of a window that are gathered together

/** A map of elements T; each position has `length` of them, with zeros at the end where needed. */
template <typename T>
struct Rounded {
  explicit Rounded(const Maps& m)
      : maps(m), length(packed<T>(m.channels)), memory(vectors(m.images * m.height * m.width * length / kLanes + 1)) {}
  T* at(Index position) const { return reinterpret_cast<T*>(memory.get()) + position * length; }

  Maps maps;
  Index length;
  std::unique_ptr<Vec[]> memory;
};

template <typename T>
void round_position(const float* x, Index channels, T* to) {
  if constexpr (std::is_same_v<T, float>) {
    std::copy(x, x + channels, to);
  } else {
    for (Index c = 0; c < channels; c += kLanes) {
      const Index count = std::min<Index>(kLanes, channels - c);
      const auto halves = Format<T>::round(load_first(x + c, static_cast<int>(count)));
      std::memcpy(to + c / 2, &halves, (count + 1) / 2 * sizeof(T));
    }
  }
}

template <typename T>
Rounded<T> round_map(const float* x, const Maps& m, const Workers& workers) {
  Rounded<T> rounded(m);
  const Split split(m.images * m.height * m.width, m.channels);
  workers.run(split.parts, [&](Index part) {
    for (Index i = split.begin(part); i < split.end(part); ++i) {
      round_position(x + i * m.channels, m.channels, rounded.at(i));
    }
  });
  return rounded;
}

/** Copies taps first … last − 1 of the window at each position from `row` on; zeros lie outside the map. */
template <typename T>
void gather(const Rounded<T>& map, const Conv& conv, Index row, Index rows, Index first, Index last, T* to,
            Index stride) {
  const Maps& m = map.maps;
  for (Index r = row; r < row + rows; ++r, to += stride) {
    const Index image = r / (conv.out_height * conv.out_width), place = r % (conv.out_height * conv.out_width);
    const Index top = place / conv.out_width * conv.stride - conv.pad_y;
    const Index left = place % conv.out_width * conv.stride - conv.pad_x;
    T* tap = to;
    for (Index t = first; t < last; ++t, tap += map.length) {
      const Index y = top + t / conv.width, x = left + t % conv.width;
      if (y >= 0 && y < m.height && x >= 0 && x < m.width) {
        std::memcpy(tap, map.at((image * m.height + y) * m.width + x), map.length * sizeof(T));
      } else {
        std::memset(tap, 0, map.length * sizeof(T));
      }
    }
  }
}

void finish(const float* tile, Index stride, const float* bias, bool relu, float* y, Index rows, Index out) {
  for (Index r = 0; r < rows; ++r, tile += stride, y += out) {
#pragma omp simd
    for (Index n = 0; n < out; ++n) {
      const float value = tile[n] + (bias == nullptr ? 0 : bias[n]);
      y[n] = relu && value < 0 ? 0 : value;  // NaN stays NaN
    }
  }
}

/** T is the element type of the products: bf16 pairs, or floats on a CPU that cannot multiply bf16. */
template <typename T>
void convolve(const float* x, const float* weight, const float* bias, float* y, const Maps& m, const Conv& conv,
              const Workers& workers) {
  const Rounded<T> map = round_map<T>(x, m, workers);
  const Index taps = conv.height * conv.width, wide = map.length * Format<T>::kNumbers, out = conv.out;
  Packed<T> right(taps * wide, out);
  right.fill([&](Index k, Index n) {
    const Index c = k % wide;
    return c < m.channels ? weight[(k / wide * m.channels + c) * out + n] : 0.0f;
  }, workers);
  const Index fit = std::max<Index>(1, kMostDeep / wide), chunks = (taps + fit - 1) / fit;
  const Index stride = (taps + chunks - 1) / chunks * map.length + kLanes, columns = padded(out);
  const Index rows = m.images * conv.out_height * conv.out_width;
  const Split split(rows, 1 + taps * wide * out / 16);
  workers.run(split.parts, [&](Index part) {
    float* tile = reinterpret_cast<float*>(scratch(kTile * (columns + stride) / kLanes + 1));
    T* windows = reinterpret_cast<T*>(tile + kTile * columns);
    for (Index r = split.begin(part); r < split.end(part); r += kTile) {
      const Index height = std::min(kTile, split.end(part) - r);
      for (Index chunk = 0; chunk < chunks; ++chunk) {
        const Index first = taps * chunk / chunks, last = taps * (chunk + 1) / chunks;
        gather(map, conv, r, height, first, last, windows, stride);
        multiply<T>({windows, stride, false}, right.from(first * wide, 0), {tile, columns}, height, columns,
                    (last - first) * wide, chunk > 0);
      }
      finish(tile, columns, bias, conv.relu, y + r * out, height, out);
    }
  });
}

}  // namespace

void rounded_conv(const float* x, const float* weight, const float* bias, float* y, const Maps& maps, const Conv& conv,
                  const Workers& workers) {
  convolve<Pair>(x, weight, bias, y, maps, conv, workers);
}

}  // namespace bcssl
