// A dense convolution whose products are rounded to bf16: a matrix product of windows and weights.
// The windows of a tile of positions are gathered in the cache, a few taps at a time, from a rounded
// copy of the map; the matrix of all windows, nine times as large as the map for 3 × 3 taps, is
// never made.
#include "pointwise/product.h"

namespace bcssl {
namespace {

constexpr Index kMostWide = 512;   // channels of the result that are worked on together
constexpr Index kMostDeep = 1152;  // numbers of a window that are gathered together

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

/** Some taps of the windows, and where they are gathered. */
template <typename T>
struct Gathered {
  Index first, last;  // taps
  T* to;
  Index stride;
};

/**
 * Copies windows at positions from `row` on, with zeros outside the map. The taps of a row of the
 * window are neighbours in the map, and are copied together.
 */
template <typename T>
void gather(const Rounded<T>& map, const Conv& conv, Index row, Index rows, const Gathered<T>& taps) {
  const Maps& m = map.maps;
  const Index length = map.length, first_row = taps.first / conv.width, last_row = (taps.last - 1) / conv.width;
  T* window = taps.to;
  for (Index r = row; r < row + rows; ++r, window += taps.stride) {
    const Index image = r / (conv.out_height * conv.out_width), place = r % (conv.out_height * conv.out_width);
    const Index top = place / conv.out_width * conv.stride - conv.pad_y;
    const Index left = place % conv.out_width * conv.stride - conv.pad_x;
    T* to = window;
    for (Index ky = first_row; ky <= last_row; ++ky) {
      const Index begin = left + std::max<Index>(0, taps.first - ky * conv.width);
      const Index end = left + std::min(conv.width, taps.last - ky * conv.width);
      const Index y = top + ky;
      // Between `from` and `until` the row of taps lies inside the map.
      const bool inside = y >= 0 && y < m.height;
      const Index from = inside ? std::clamp<Index>(begin, 0, m.width) : end;
      const Index until = inside ? std::clamp<Index>(end, from, std::max(from, m.width)) : end;
      const Index before = std::max<Index>(0, std::min(from, end) - begin); // begin may lie right of the map
      const Index middle = std::max<Index>(0, std::min(until, end) - from);
      std::memset(to, 0, before * length * sizeof(T));
      if (middle > 0) {
        std::memcpy(to + before * length, map.at((image * m.height + y) * m.width + from), middle * length * sizeof(T));
      }
      std::memset(to + (before + middle) * length, 0, (end - begin - before - middle) * length * sizeof(T));
      to += (end - begin) * length;
    }
  }
}

/** The same for a kernel of a single tap, whose positions are rounded on the way. */
template <typename T>
void gather_single(const float* x, const Maps& m, const Conv& conv, Index row, Index rows, T* to, Index stride) {
  for (Index r = row; r < row + rows; ++r, to += stride) {
    const Index image = r / (conv.out_height * conv.out_width), place = r % (conv.out_height * conv.out_width);
    const Index y = place / conv.out_width * conv.stride, x_place = place % conv.out_width * conv.stride;
    round_position(x + ((image * m.height + y) * m.width + x_place) * m.channels, m.channels, to);
  }
}

void finish(const float* tile, Index stride, const float* bias, bool relu, float* y, Index y_stride, Index rows,
            Index columns) {
  for (Index r = 0; r < rows; ++r, tile += stride, y += y_stride) {
#pragma omp simd
    for (Index n = 0; n < columns; ++n) {
      const float value = tile[n] + (bias == nullptr ? 0 : bias[n]);
      y[n] = relu && value < 0 ? 0 : value;  // NaN stays NaN
    }
  }
}

/** T is the element type of the products: bf16 pairs, or floats on a CPU that cannot multiply bf16. */
template <typename T>
void convolve(const float* x, const float* weight, const float* bias, float* y, const Maps& m, const Conv& conv,
              const Workers& workers) {
  const Index taps = conv.height * conv.width, wide = packed<T>(m.channels) * Format<T>::kNumbers, out = conv.out;
  const bool single = taps == 1 && conv.pad_y == 0 && conv.pad_x == 0;
  const Rounded<T> map = single ? Rounded<T>({0, 0, 0, m.channels}) : round_map<T>(x, m, workers);
  Packed<T> right(taps * wide, out);
  right.fill_rows([&](Index k) {
    const Index c = k % wide;
    return c < m.channels ? weight + (k / wide * m.channels + c) * out : nullptr;
  }, workers);
  const Index fit = std::max<Index>(1, kMostDeep / wide), chunks = (taps + fit - 1) / fit;
  const Index stride = (taps + chunks - 1) / chunks * packed<T>(m.channels) + kLanes;
  const Index columns = std::min(kMostWide, padded(out)), rows = m.images * conv.out_height * conv.out_width;
  const auto window = [&](Index r, Index height, Index first, Index last, T* to) {
    if (single) {
      gather_single(x, m, conv, r, height, to, stride);
    } else {
      gather<T>(map, conv, r, height, {first, last, to, stride});
    }
  };
  const RowTiles tiles(rows, 1 + taps * wide * out / 16);
  workers.run(tiles.split.parts, [&](Index part) {
    float* tile = reinterpret_cast<float*>(scratch(tiles.height * (columns + stride) / kLanes + 1));
    T* windows = reinterpret_cast<T*>(tile + tiles.height * columns);
    tiles.for_each(part, [&](Index r, Index height) {
      for (Index c = 0; c < out; c += columns) {
        const Index filled = std::min(columns, out - c);
        for (Index chunk = 0; chunk < chunks; ++chunk) {
          const Index first = taps * chunk / chunks, last = taps * (chunk + 1) / chunks;
          if (chunks > 1 || c == 0) window(r, height, first, last, windows);
          multiply<T>({windows, stride, false}, right.from(first * wide, c), {tile, columns}, height, padded(filled),
                      (last - first) * wide, chunk > 0);
        }
        finish(tile, columns, bias == nullptr ? nullptr : bias + c, conv.relu, y + r * out + c, out, height, filled);
      }
    });
  });
}

}  // namespace

void rounded_conv(const float* x, const float* weight, const float* bias, float* y, const Maps& maps, const Conv& conv,
                  const Workers& workers) {
  convolve<Pair>(x, weight, bias, y, maps, conv, workers);
}

}  // namespace bcssl
