// A window of packed rows that slides down a feature map.
#pragma once

#include "core/vec.h"

namespace bcssl {

/** Some channel blocks of one map: what a window shows a part of. */
struct Slab {
  const float* map;
  Index first_block, blocks;
};

/**
 * A packed copy of the rows of a map that some output rows need: for each row and channel block,
 * `pad` zeros, the positions, and `pad` zeros.
 *
 * With the zeros, inner loops need no test for edges. With packed blocks they step by one vector
 * instead of by the number of channels, which for multiples of a large power of two would use few
 * cache lines. A row is read in the order in which it lies in memory, all blocks at once.
 */
class Window {
 public:
  /** The number of vectors that a window of `rows` rows and one channel block needs. */
  static Index size(Index rows, Index width, Index pad) { return rows * (width + 2 * pad); }

  Window(Vec* memory, const Blocks& blocks, Index rows, Index height, Index width, Index pad)
      : memory_(memory), blocks_(blocks), rows_(rows), height_(height), width_(width), pad_(pad),
        stride_(width + 2 * pad), starts_(rows) {}

  /** Begins with a new map: no row is read yet. */
  void start(const Slab& slab) {
    slab_ = slab;
    end_ = -1;
  }

  /** Moves the window to rows begin … end − 1: reads the new ones over the oldest. */
  void show(Index begin, Index end) {
    for (Index y = std::max(begin, end_); y < end; ++y) read_row(y);
    begin_ = begin;
    end_ = end;
    for (Index y = begin; y < end; ++y) starts_[y - begin] = start_of(y);
  }

  /**
   * The origin of a block: position 0 of row y lies `starts(y)[0]` vectors further on, of row y + 1
   * `starts(y)[1]`.
   */
  const Vec* block(Index b) const { return memory_ + b * stride_ + pad_; }
  const Index* starts(Index y) const { return starts_.data() + (y - begin_); }
  /** The distance from the origin of a block to a row in other memory. */
  Index start_in(const Vec* row, Index b) const { return row - block(b); }
  /** The distance from a row to the next, unless that was read over the oldest. */
  Index row_stride() const { return slab_.blocks * stride_; }

  /**
   * Prefetches positions x … x + count − 1 of a block in the row that lies `ahead` rows below the
   * window.
   */
  void prefetch(Index ahead, Index x, Index count, Index b) const {
    if (end_ + ahead >= height_) return;
    const float* in =
        slab_.map + ((end_ + ahead) * width_ + x) * blocks_.channels() + blocks_.begin(slab_.first_block + b);
    for (Index i = 0; i < count; ++i) __builtin_prefetch(in + i * blocks_.channels());
  }

 private:
  Index start_of(Index y) const { return y % rows_ * row_stride(); }

  void read_row(Index y) {
    Vec* row = memory_ + start_of(y) + pad_;
    for (Index b = 0; b < slab_.blocks; ++b) {
      Vec* out = row + b * stride_;
      for (Index x = 1; x <= pad_; ++x) out[-x] = out[width_ + x - 1] = Vec{};
    }
    const float* in = slab_.map + y * width_ * blocks_.channels();
    for (Index x = 0; x < width_; ++x, in += blocks_.channels()) {
      for (Index b = 0; b < slab_.blocks; ++b) row[b * stride_ + x] = blocks_.load(in, slab_.first_block + b);
    }
  }

  Vec* memory_;
  const Blocks& blocks_;
  Index rows_, height_, width_, pad_, stride_;
  std::vector<Index> starts_;
  Slab slab_{};
  Index begin_ = 0, end_ = 0;
};

}  // namespace bcssl
