// Rows of channels as vectors, for kernels that go through a map position by position.
#pragma once

#include <utility>

#include "core/vec.h"

namespace bcssl {

/** A vector of so many lanes. */
template <int Lanes>
struct LanesOf {
  typedef float Vector __attribute__((vector_size(Lanes * sizeof(float))));
};

/** The sum of all lanes, by adding the upper half to the lower until one lane is left. */
template <int Lanes = kLanes>
inline float sum_of(const typename LanesOf<Lanes>::Vector& v) {
  if constexpr (Lanes == 1) {
    return v[0];
  } else {
    typename LanesOf<Lanes / 2>::Vector low, high;
    std::memcpy(&low, &v, sizeof low);
    std::memcpy(&high, reinterpret_cast<const char*>(&v) + sizeof low, sizeof high);
    return sum_of<Lanes / 2>(low + high);
  }
}

/**
 * Blocks of a row with a mask for sums over channels: the last block may overlap the one before it.
 */
class RowBlocks : public Blocks {
 public:
  explicit RowBlocks(Index channels) : Blocks(channels) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const Index channel = begin(count() - 1) + lane;
      last_[lane] = channel >= (count() - 1) * kLanes && channel < channels ? 1.0f : 0.0f;
    }
  }
  /**
   * The last block with 0 for channels that the block before it holds and for lanes beyond the last
   * channel.
   */
  Vec once(const Vec& v) const { return v * last_; }

 private:
  Vec last_{};
};

/**
 * The same as `ColumnSums`, in vectors: partial sums of each part, one per channel, zero at first.
 */
class VectorSums {
 public:
  VectorSums(Index parts, Index kinds, const Blocks& blocks)
      : parts_(parts), kinds_(kinds), blocks_(blocks), sums_(vectors(parts * kinds * blocks.count())) {
    std::fill(sums_.get(), sums_.get() + parts * kinds * blocks.count(), Vec{});
  }

  Vec* of(Index part, Index kind) { return sums_.get() + (part * kinds_ + kind) * blocks_.count(); }

  /** out = the sums of all parts, added in their order. */
  void total(Index kind, float* out) {
    for (Index b = 0; b < blocks_.count(); ++b) {
      Vec total = {};
      for (Index part = 0; part < parts_; ++part) total += of(part, kind)[b];
      blocks_.store(total, out, b);
    }
  }

 private:
  Index parts_, kinds_;
  const Blocks& blocks_;
  std::unique_ptr<Vec[]> sums_;
};

}  // namespace bcssl
