// Work on all tensors of a network in one call: a small network has a hundred tensors of a few
// hundred numbers, for which a call costs more than the computation.
#pragma once

#include "core/kernels.h"

namespace bcssl {

constexpr Index kBlock = 16384;  // numbers

/** Elements begin … end − 1 of one tensor. */
struct Block {
  Index tensor, begin, end;
};

/** Cuts all tensors into blocks of at most kBlock numbers. */
inline std::vector<Block> blocks_of(const std::vector<Span>& spans) {
  std::vector<Block> blocks;
  for (std::size_t t = 0; t < spans.size(); ++t) {
    for (Index begin = 0; begin < spans[t].count; begin += kBlock) {
      blocks.push_back({static_cast<Index>(t), begin, std::min(begin + kBlock, spans[t].count)});
    }
  }
  return blocks;
}

/**
 * Calls visit(block index) for all blocks; neighbouring small blocks go together, as one unit of
 * work.
 */
inline void for_each_block(const std::vector<Block>& blocks, const Workers& workers,
                           const std::function<void(Index)>& visit) {
  std::vector<Index> starts{0};  // of the groups
  Index load = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (load >= kBlock) {
      starts.push_back(i);
      load = 0;
    }
    load += blocks[i].end - blocks[i].begin;
  }
  starts.push_back(blocks.size());
  workers.run(starts.size() - 1, [&](Index group) {
    for (Index i = starts[group]; i < starts[group + 1]; ++i) visit(i);
  });
}

}  // namespace bcssl
