// Softmax of rows for attention: adds a bias whose rows repeat and normalises, in one pass over
// memory.
#include "core/exponential.h"
#include "core/kernels.h"

namespace bcssl {
void softmax(const float* x, const Bias& bias, float* y, Rows size, const Workers& workers) {
  const auto [rows, channels] = size;
  const Split split(rows, channels * kExpWork);
  workers.run(split.parts, [&](Index part) {
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float* in = x + r * channels;
      float* out = y + r * channels;
      float most = -HUGE_VALF, sum = 0;
      if (bias.rows > 0) {
        const float* add = bias.values + r % bias.rows * channels;
#pragma omp simd
        for (Index c = 0; c < channels; ++c) out[c] = in[c] + add[c];
        in = out;
      }
#pragma omp simd reduction(max : most)
      for (Index c = 0; c < channels; ++c) most = in[c] > most ? in[c] : most;
#pragma omp simd reduction(+ : sum)
      for (Index c = 0; c < channels; ++c) {
        out[c] = exp_below_zero(in[c] - most);
        sum += out[c];
      }
      const float scale = 1.0f / sum;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) out[c] *= scale;
    }
  });
}

void softmax_grad(const float* dy, const float* y, float* dx, float* dbias, Index bias_rows, Rows size,
                  const Workers& workers) {
  const auto [rows, channels] = size;
  // Rows that share a row of the bias go together, in their order.
  const Index groups = bias_rows > 0 ? bias_rows : rows;
  const Split split(groups, rows / std::max<Index>(1, groups) * channels * kExpWork);
  workers.run(split.parts, [&](Index part) {
    for (Index group = split.begin(part); group < split.end(part); ++group) {
      float* sums = bias_rows > 0 ? dbias + group * channels : nullptr;
      if (sums != nullptr) std::fill(sums, sums + channels, 0.0f);
      for (Index r = group; r < rows; r += groups) {
        const float *up = dy + r * channels, *p = y + r * channels;
        float* down = dx + r * channels;
        float dot = 0;
#pragma omp simd reduction(+ : dot)
        for (Index c = 0; c < channels; ++c) dot += up[c] * p[c];
#pragma omp simd
        for (Index c = 0; c < channels; ++c) down[c] = (up[c] - dot) * p[c];
        if (sums == nullptr) continue;
#pragma omp simd
        for (Index c = 0; c < channels; ++c) sums[c] += down[c];
      }
    }
  });
}

}  // namespace bcssl
