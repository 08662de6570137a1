// Clipping, AdamW and the moving average over all weights of a network in one call each: a small network has a hundred
// weights of a few hundred numbers, where calling costs more than computing.
#include <cmath>

#include "kernels.h"

namespace bcssl {
namespace {

constexpr Index kBlock = 16384;

/** A stretch of one tensor. */
struct Block {
  Index tensor, begin, end;
};

std::vector<Block> blocks_of(const std::vector<Span>& spans) {
  std::vector<Block> blocks;
  for (std::size_t t = 0; t < spans.size(); ++t) {
    for (Index begin = 0; begin < spans[t].count; begin += kBlock) {
      blocks.push_back({static_cast<Index>(t), begin, std::min(begin + kBlock, spans[t].count)});
    }
  }
  return blocks;
}

/** Calls visit(block index) for all blocks, with neighbours on one thread until they amount to a block's worth. */
void for_each_block(const std::vector<Block>& blocks, const Workers& workers,
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

}  // namespace

void clip_each(const std::vector<Span>& grads, float max_norm, float* squares, const Workers& workers) {
  const std::vector<Block> blocks = blocks_of(grads);
  std::vector<double> partial(blocks.size());
  for_each_block(blocks, workers, [&](Index i) {
    const Block& b = blocks[i];
    const float* g = grads[b.tensor].in;
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index k = b.begin; k < b.end; ++k) sum += static_cast<double>(g[k]) * g[k];
    partial[i] = sum;
  });
  std::vector<double> sums(grads.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) sums[blocks[i].tensor] += partial[i];
  std::vector<float> factors(grads.size());
  for (std::size_t t = 0; t < grads.size(); ++t) {
    squares[t] = static_cast<float>(sums[t]);
    const double factor = max_norm / (std::sqrt(sums[t]) + 1e-6);
    factors[t] = factor > 1 ? 1.0f : static_cast<float>(factor);  // NaN goes on
  }
  for_each_block(blocks, workers, [&](Index i) {
    const Block& b = blocks[i];
    const float* g = grads[b.tensor].in;
    float* out = grads[b.tensor].out;
    const float factor = factors[b.tensor];
#pragma omp simd
    for (Index k = b.begin; k < b.end; ++k) out[k] = g[k] * factor;
  });
}

void adamw(const std::vector<Span>& weights, const std::vector<const float*>& grads,
           const std::vector<Span>& first, const std::vector<Span>& second,
           const AdamWFactors* factors, const Workers& workers) {
  const std::vector<Block> blocks = blocks_of(weights);
  for_each_block(blocks, workers, [&](Index i) {
    const auto [t, begin, end] = blocks[i];
    const AdamWFactors f = factors[t];
    const Span &w = weights[t], &m = first[t], &v = second[t];
    const float* g = grads[t];
#pragma omp simd
    for (Index k = begin; k < end; ++k) {
      const float m1 = f.beta1 * m.in[k] + f.new1 * g[k];
      const float v1 = f.beta2 * v.in[k] + f.new2 * (g[k] * g[k]);
      m.out[k] = m1;
      v.out[k] = v1;
      w.out[k] = w.in[k] * f.keep - f.step * (m1 / (std::sqrt(v1) * f.rms_scale + f.eps));
    }
  });
}

void moving_average(const std::vector<Span>& averages, const std::vector<const float*>& sources,
                    float momentum, float fresh, const Workers& workers) {
  const std::vector<Block> blocks = blocks_of(averages);
  for_each_block(blocks, workers, [&](Index i) {
    const auto [t, begin, end] = blocks[i];
    const float* in = averages[t].in;
    const float* source = sources[t];
    float* out = averages[t].out;
#pragma omp simd
    for (Index k = begin; k < end; ++k) out[k] = momentum * in[k] + fresh * source[k];
  });
}

}  // namespace bcssl
