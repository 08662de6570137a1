// Sums over rows, one per channel, whose result does not depend on the threads.
#pragma once

#include <vector>

#include "core/kernels.h"

namespace bcssl {

/** Partial sums: `kinds` rows of one number per channel for each part, zero at first. */
class ColumnSums {
 public:
  ColumnSums(Index parts, Index kinds, Index channels)
      : parts_(parts), kinds_(kinds), channels_(channels), stride_((channels + 15) / 16 * 16),
        sums_(parts * kinds * stride_) {}

  float* of(Index part, Index kind) { return sums_.data() + (part * kinds_ + kind) * stride_; }

  /** out = the sums of all parts, added in their order. */
  void total(Index kind, float* out) { total(kind, 0, channels_, out); }

  /** The same for channels begin … end − 1 only. */
  void total(Index kind, Index begin, Index end, float* out) {
    for (Index c = begin; c < end; ++c) {
      double sum = 0;
      for (Index part = 0; part < parts_; ++part) sum += of(part, kind)[c];
      out[c] = static_cast<float>(sum);
    }
  }

 private:
  Index parts_, kinds_, channels_, stride_;  // rows start on their own cache line: parts never share one
  std::vector<float> sums_;
};

}  // namespace bcssl
