// Squared norms, AdamW and moving averages, each over all tensors of a network in one call.
#include <cmath>

#include "core/kernels.h"
#include "kernels/blocks.h"

namespace bcssl {

void squared_norms(const std::vector<Span>& tensors, float* squares, const Workers& workers) {
  const std::vector<Block> blocks = blocks_of(tensors);
  std::vector<double> partial(blocks.size());
  for_each_block(blocks, workers, [&](Index i) {
    const Block& b = blocks[i];
    const float* x = tensors[b.tensor].in;
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index k = b.begin; k < b.end; ++k) sum += static_cast<double>(x[k]) * x[k];
    partial[i] = sum;
  });
  std::vector<double> sums(tensors.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) sums[blocks[i].tensor] += partial[i];
  for (std::size_t t = 0; t < tensors.size(); ++t) squares[t] = static_cast<float>(sums[t]);
}

void adamw(const std::vector<Span>& weights, const std::vector<const float*>& grads, const std::vector<float*>& first,
           const std::vector<float*>& second, const AdamWFactors* factors, const Workers& workers) {
  const std::vector<Block> blocks = blocks_of(weights);
  for_each_block(blocks, workers, [&](Index i) {
    const auto [t, begin, end] = blocks[i];
    const AdamWFactors f = factors[t];
    const Span& w = weights[t];
    const float* grad = grads[t];
    float *m = first[t], *v = second[t];
#pragma omp simd
    for (Index k = begin; k < end; ++k) {
      const float g = f.scale * grad[k];
      const float m1 = f.beta1 * m[k] + f.new1 * g;
      const float v1 = f.beta2 * v[k] + f.new2 * (g * g);
      m[k] = m1;
      v[k] = v1;
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
