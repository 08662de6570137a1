// Vectors of floats as wide as this CPU's registers, made with the compiler's vector extensions:
// one source serves AVX-512, AVX2, NEON and all others. In a feature map a vector holds kLanes
// neighbouring channels of one position.
#pragma once

#include <cstring>
#include <memory>

#include "core/kernels.h"

namespace bcssl {

#if defined(__AVX512F__)
constexpr int kLanes = 16, kRegisters = 32;
#elif defined(__AVX__)
constexpr int kLanes = 8, kRegisters = 16;
#elif defined(__aarch64__)
constexpr int kLanes = 4, kRegisters = 32;
#else
constexpr int kLanes = 4, kRegisters = 16;
#endif
typedef float Vec __attribute__((vector_size(kLanes * sizeof(float))));

/**
 * The first `count` numbers from `from` on, then zeros. With AVX-512 or AVX the compiler makes one
 * masked load of it.
 */
inline Vec load_first(const float* from, int count) {
  float lanes[kLanes];
#pragma omp simd
  for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = lane < count ? from[lane] : 0.0f;
  Vec v;
  std::memcpy(&v, lanes, sizeof v);
  return v;
}

/** Writes the first `count` numbers of v. */
inline void store_first(const Vec& v, float* to, int count) {
  float lanes[kLanes];
  std::memcpy(lanes, &v, sizeof v);
#pragma omp simd
  for (int lane = 0; lane < kLanes; ++lane) {
    if (lane < count) to[lane] = lanes[lane];
  }
}

/**
 * Cuts the channels of a position into blocks of kLanes. The last block ends with the last channel,
 * so it may overlap the one before it; the channels in both are computed twice, with the same
 * result. With fewer than kLanes channels there is one block with empty lanes.
 */
class Blocks {
 public:
  explicit Blocks(Index channels)
      : channels_(channels), count_((channels + kLanes - 1) / kLanes), filled_(std::min<Index>(channels, kLanes)) {}

  Index channels() const { return channels_; }
  bool full() const { return filled_ == kLanes; }
  Index count() const { return count_; }
  /** The first channel of a block. */
  Index begin(Index block) const { return std::min(block * kLanes, channels_ - filled_); }

  Vec load(const float* position, Index block) const {
    const float* from = position + begin(block);
    if (filled_ < kLanes) return load_first(from, static_cast<int>(filled_));
    Vec v;
    std::memcpy(&v, from, sizeof v);
    return v;
  }

  void store(const Vec& v, float* position, Index block) const {
    float* to = position + begin(block);
    if (filled_ < kLanes) return store_first(v, to, static_cast<int>(filled_));
    std::memcpy(to, &v, sizeof v);
  }

 private:
  Index channels_, count_, filled_;
};

/**
 * Puts channel blocks into groups that fit `bytes` of cache, if one block does; a block needs
 * `vectors_of_one` vectors.
 */
struct Groups {
  Index blocks, count, largest;
  Groups(Index blocks, Index vectors_of_one, Index bytes) : blocks(blocks) {
    const Index most = bytes / static_cast<Index>(sizeof(Vec));
    const Index fit = std::clamp<Index>(most / std::max<Index>(1, vectors_of_one), 1, blocks);
    count = (blocks + fit - 1) / fit;
    largest = (blocks + count - 1) / count;
  }
  Index begin(Index group) const { return blocks * group / count; }
  Index size(Index group) const { return begin(group + 1) - begin(group); }
};

/** An array that is not initialised. */
inline std::unique_ptr<Vec[]> vectors(Index count) { return std::unique_ptr<Vec[]>(new Vec[count]); }

/**
 * Working memory of the calling thread, kept from call to call: fresh pages would cost more than
 * some kernels.
 */
inline Vec* scratch(Index count) {
  thread_local std::unique_ptr<Vec[]> memory;
  thread_local Index size = 0;
  if (size < count) {
    memory = vectors(count);
    size = count;
  }
  return memory.get();
}

}  // namespace bcssl
