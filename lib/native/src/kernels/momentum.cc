// SGD with momentum and LARS over all tensors of a network in one call.
//
// Compiled with products and sums rounded separately (`isExact` in lib/native/_library.ts), so that
// SGD has the bits of the same update in plain operations.
#include <cmath>

#include "core/kernels.h"
#include "kernels/blocks.h"

namespace bcssl {
namespace {

/** g before the quotient of LARS, which by apex's rule decays after it. */
inline float gradient(const MomentumFactors& f, float grad, float weight) {
  const float g = f.scale * grad;
  return f.adapts == kApex || f.decay == 0 ? g : g + f.decay * weight;
}

/** The squared lengths of each weight and of its gradient, where an update adapts to them. */
struct Lengths {
  std::vector<double> weight, grad;
};

Lengths squared_lengths(const std::vector<Span>& weights, const std::vector<const float*>& grads,
                        const MomentumFactors* factors, const std::vector<Block>& blocks, const Workers& workers) {
  std::vector<double> of_weight(blocks.size()), of_grad(blocks.size());
  for_each_block(blocks, workers, [&](Index i) {
    const auto [t, begin, end] = blocks[i];
    const MomentumFactors f = factors[t];
    if (f.adapts == kFixed) return;
    const float *w = weights[t].in, *grad = grads[t];
    double ww = 0, gg = 0;
#pragma omp simd reduction(+ : ww, gg)
    for (Index k = begin; k < end; ++k) {
      const double g = gradient(f, grad[k], w[k]);
      ww += static_cast<double>(w[k]) * w[k];
      gg += g * g;
    }
    of_weight[i] = ww;
    of_grad[i] = gg;
  });
  Lengths sums{std::vector<double>(weights.size()), std::vector<double>(weights.size())};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    sums.weight[blocks[i].tensor] += of_weight[i];
    sums.grad[blocks[i].tensor] += of_grad[i];
  }
  return sums;
}

/** What the gradient is multiplied by, and the decay that apex's rule adds to it before. */
struct Adapted {
  float quotient, decay;
};

Adapted adapted(const MomentumFactors& f, double weight, double grad) {
  if (f.adapts == kFixed || !(weight > 0) || !(grad > 0)) return {1, 0};
  if (f.adapts == kLengths) return {static_cast<float>(f.eta * weight / grad), 0};
  return {static_cast<float>(f.eta * weight / (grad + f.decay * weight + 1e-8)), f.decay};
}

}  // namespace

void momentum(const std::vector<Span>& weights, const std::vector<const float*>& grads,
              const std::vector<float*>& buffers, const MomentumFactors* factors, const Workers& workers) {
  const std::vector<Block> blocks = blocks_of(weights);
  const Lengths squares = squared_lengths(weights, grads, factors, blocks, workers);
  for_each_block(blocks, workers, [&](Index i) {
    const auto [t, begin, end] = blocks[i];
    const MomentumFactors f = factors[t];
    const Adapted by = adapted(f, std::sqrt(squares.weight[t]), std::sqrt(squares.grad[t]));
    const Span& w = weights[t];
    const float* grad = grads[t];
    float* buffer = buffers[t];
    const float rate = by.quotient * f.inside;
#pragma omp simd
    for (Index k = begin; k < end; ++k) {
      const float g = gradient(f, grad[k], w.in[k]) + by.decay * w.in[k];
      const float moved = buffer[k] * f.momentum + g * rate;
      buffer[k] = moved;
      w.out[k] = w.in[k] - moved * f.outside;
    }
  });
}

}  // namespace bcssl
