// Depthwise convolution, stride 1, zero padding that keeps the size, odd kernels: forward and both gradients.
//
// A vector holds kLanes neighbouring channels. Per image and channel block, the map is copied into rows with zeros at
// both ends, so that inner loops test no edge; kernel rows and columns that only meet padding are skipped, which on the
// last, small maps of a network is most of them.
#include <cstring>

#include "kernels.h"

namespace bcssl {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
typedef float Vec __attribute__((vector_size(kLanes * sizeof(float))));

// Accumulators of an inner loop: enough to hide the latency of the multiply-add, few enough to stay in registers.
constexpr int kStrip = 8;
constexpr int kTaps = 12;

/** C++17's allocator gives vectors the alignment they need. */
using Vectors = std::vector<Vec>;

Index blocks_of(Index channels) { return (channels + kLanes - 1) / kLanes; }

/** Channels `block · kLanes …` of one position; lanes beyond the last channel are 0. */
inline Vec load(const float* position, Index channels, Index block) {
  Vec v = {};
  const Index first = block * kLanes;
  if (first + kLanes <= channels) {
    std::memcpy(&v, position + first, sizeof v);
  } else {
    std::memcpy(&v, position + first, (channels - first) * sizeof(float));
  }
  return v;
}

inline void store(Vec v, float* position, Index channels, Index block) {
  const Index first = block * kLanes;
  std::memcpy(position + first, &v, std::min<Index>(kLanes, channels - first) * sizeof(float));
}

/** Copies one channel block of a map to rows of `stride` vectors, each starting with `pad` that stay as they are. */
void pack(const float* map, const Maps& m, Index block, Index pad, Index stride, Vec* rows) {
  for (Index y = 0; y < m.height; ++y) {
    const float* in = map + y * m.width * m.channels;
    Vec* out = rows + y * stride + pad;
    for (Index x = 0; x < m.width; ++x) out[x] = load(in + x * m.channels, m.channels, block);
  }
}

/** The kernel as [blocks, height · width] vectors; flipped, it turns the forward pass into the gradient of the input. */
Vectors pack_kernel(const float* weight, const Kernel& k, Index channels, bool flipped) {
  const Index taps = k.height * k.width, blocks = blocks_of(channels);
  Vectors packed(blocks * taps);
  for (Index tap = 0; tap < taps; ++tap) {
    const float* in = weight + (flipped ? taps - 1 - tap : tap) * channels;
    for (Index block = 0; block < blocks; ++block) packed[block * taps + tap] = load(in, channels, block);
  }
  return packed;
}

/** The part of 0 … size − 1 where `from + i` lies in 0 … inside − 1, for a kernel's taps and a map's positions. */
struct Range {
  Index begin, end;
};
Range overlap(Index from, Index size, Index inside) {
  const Index begin = std::clamp<Index>(-from, 0, size);
  return {begin, std::clamp<Index>(inside - from, begin, size)};
}

/** `T` neighbouring outputs: the sum over kernel rows and columns of weight × input. */
template <int T>
void strip(const Vec* in, Index stride, const Vec* weight, Index kernel_width, Range ky, Range kx,
           float* out, Index channels, Index block) {
  Vec sums[T] = {};
  for (Index y = ky.begin; y < ky.end; ++y) {
    const Vec* row = in + y * stride;
    const Vec* taps = weight + y * kernel_width;
    for (Index x = kx.begin; x < kx.end; ++x) {
      const Vec tap = taps[x];
#pragma GCC unroll 16
      for (int t = 0; t < T; ++t) sums[t] += tap * row[x + t];
    }
  }
  for (int t = 0; t < T; ++t) store(sums[t], out + t * channels, channels, block);
}

using Strip = void (*)(const Vec*, Index, const Vec*, Index, Range, Range, float*, Index, Index);
constexpr Strip kStrips[kStrip + 1] = {nullptr,  strip<1>, strip<2>, strip<3>, strip<4>,
                                       strip<5>, strip<6>, strip<7>, strip<8>};

/** One channel block of one image. `rows` are packed, with the kernel's half width of zeros at both ends. */
void convolve(const Vec* rows, const Vec* weight, const Maps& m, const Kernel& k, float* out, Index block) {
  const Index pad_y = k.height / 2, pad_x = k.width / 2, stride = m.width + 2 * pad_x;
  for (Index y = 0; y < m.height; ++y) {
    const Range ky = overlap(y - pad_y, k.height, m.height);
    for (Index x = 0; x < m.width; x += kStrip) {
      const Index count = std::min<Index>(kStrip, m.width - x);
      const Range kx = {std::max<Index>(0, pad_x - (x + count - 1)), std::min(k.width, m.width + pad_x - x)};
      kStrips[count](rows + (y - pad_y) * stride + x, stride, weight, k.width, ky, kx,
                     out + (y * m.width + x) * m.channels, m.channels, block);
    }
  }
}

/** `T` taps of one kernel row: the sum over positions of input × gradient, added to `sums`. */
template <int T>
void row_taps(const Vec* in, Index stride, const Vec* dy, Range y, Index width, Vec* sums) {
  Vec own[T] = {};
  for (Index r = y.begin; r < y.end; ++r) {
    const Vec* row = in + r * stride;
    const Vec* up = dy + r * width;
    for (Index x = 0; x < width; ++x) {
      const Vec g = up[x];
#pragma GCC unroll 16
      for (int t = 0; t < T; ++t) own[t] += g * row[x + t];
    }
  }
  for (int t = 0; t < T; ++t) sums[t] += own[t];
}

using RowTaps = void (*)(const Vec*, Index, const Vec*, Range, Index, Vec*);
constexpr RowTaps kRowTaps[kTaps + 1] = {
    nullptr,     row_taps<1>, row_taps<2>, row_taps<3>,  row_taps<4>,  row_taps<5>, row_taps<6>,
    row_taps<7>, row_taps<8>, row_taps<9>, row_taps<10>, row_taps<11>, row_taps<12>};

/** Adds one image's part of the kernel's gradient, for one channel block, to `sums` [height · width]. */
void correlate(const Vec* rows, const Vec* dy, const Maps& m, const Kernel& k, Vec* sums) {
  const Index pad_y = k.height / 2, pad_x = k.width / 2, stride = m.width + 2 * pad_x;
  const Range kx = {std::max<Index>(0, pad_x - (m.width - 1)), std::min(k.width, pad_x + m.width)};
  const Index chunks = (kx.end - kx.begin + kTaps - 1) / kTaps;
  for (Index ky = 0; ky < k.height; ++ky) {
    const Range y = overlap(ky - pad_y, m.height, m.height);
    if (y.begin == y.end) continue;
    for (Index chunk = 0; chunk < chunks; ++chunk) {
      const Index first = kx.begin + (kx.end - kx.begin) * chunk / chunks;
      const Index last = kx.begin + (kx.end - kx.begin) * (chunk + 1) / chunks;
      kRowTaps[last - first](rows + (ky - pad_y) * stride + first, stride, dy, y, m.width,
                             sums + ky * k.width + first);
    }
  }
}

void forward(const float* x, const Vectors& weight, float* y, const Maps& m, const Kernel& k, const Workers& workers) {
  const Index blocks = blocks_of(m.channels), taps = k.height * k.width;
  const Index pad = k.width / 2, stride = m.width + 2 * pad;
  const Index map = m.height * m.width * m.channels;
  const Split split(m.images * blocks, m.height * m.width * kLanes * std::max<Index>(1, taps / 8));
  workers.run(split.parts, [&](Index part) {
    Vectors rows(m.height * stride);
    for (Index unit = split.begin(part); unit < split.end(part); ++unit) {
      const Index image = unit / blocks, block = unit % blocks;
      pack(x + image * map, m, block, pad, stride, rows.data());
      convolve(rows.data(), weight.data() + block * taps, m, k, y + image * map, block);
    }
  });
}

}  // namespace

void depthwise(const float* x, const float* weight, float* y, const Maps& m, const Kernel& k,
               const Workers& workers) {
  forward(x, pack_kernel(weight, k, m.channels, false), y, m, k, workers);
}

void depthwise_grad_input(const float* dy, const float* weight, float* dx, const Maps& m, const Kernel& k,
                          const Workers& workers) {
  forward(dy, pack_kernel(weight, k, m.channels, true), dx, m, k, workers);
}

void depthwise_grad_weight(const float* dy, const float* x, float* dweight, const Maps& m, const Kernel& k,
                           const Workers& workers) {
  const Index blocks = blocks_of(m.channels), taps = k.height * k.width;
  const Index pad = k.width / 2, stride = m.width + 2 * pad;
  const Index map = m.height * m.width * m.channels;
  // Units of work: a channel block and a group of images, whose sums are added in the order of the groups.
  const Index groups = std::clamp<Index>(Split::kMostParts / blocks, 1, std::max<Index>(1, m.images));
  Vectors sums(groups * blocks * taps);
  workers.run(groups * blocks, [&](Index unit) {
    const Index group = unit / blocks, block = unit % blocks;
    Vectors rows(m.height * stride), up(m.height * m.width);
    for (Index image = m.images * group / groups; image < m.images * (group + 1) / groups; ++image) {
      pack(x + image * map, m, block, pad, stride, rows.data());
      pack(dy + image * map, m, block, 0, m.width, up.data());
      correlate(rows.data(), up.data(), m, k, sums.data() + unit * taps);
    }
  });
  for (Index block = 0; block < blocks; ++block) {
    for (Index tap = 0; tap < taps; ++tap) {
      Vec total = {};
      for (Index group = 0; group < groups; ++group) total += sums[(group * blocks + block) * taps + tap];
      store(total, dweight + tap * m.channels, m.channels, block);
    }
  }
}

}  // namespace bcssl
