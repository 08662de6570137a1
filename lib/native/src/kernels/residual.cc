// The end of a residual block in one pass: adds the bias of the last layer, multiplies by layer
// scale and by the factor of stochastic depth, and adds the result to the input.
#include "core/column_sums.h"
#include "core/kernels.h"

namespace bcssl {

void scaled_residual(const float* x, const float* branch, const Ending& ending, float* y, Rows size,
                     const Workers& workers) {
  const auto [rows, channels] = size;
  const auto [bias, gamma, keep, images] = ending;
  const Index rows_per_image = rows / std::max<Index>(1, images);
  const Split split(rows, channels);
  workers.run(split.parts, [&](Index part) {
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float kept = keep[r / rows_per_image];
      const float* in = x + r * channels;
      const float* add = branch + r * channels;
      float* out = y + r * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) out[c] = in[c] + (add[c] + bias[c]) * gamma[c] * kept;
    }
  });
}

void scaled_residual_grad(const float* dy, const float* branch, const Ending& ending, float* dbranch,
                          float* dbias, float* dgamma, Rows size, const Workers& workers) {
  const auto [rows, channels] = size;
  const auto [bias, gamma, keep, images] = ending;
  const Index rows_per_image = rows / std::max<Index>(1, images);
  const Split split(rows, channels);
  ColumnSums sums(split.parts, 2, channels);
  workers.run(split.parts, [&](Index part) {
    float* db = sums.of(part, 0);
    float* dg = sums.of(part, 1);
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float kept = keep[r / rows_per_image];
      const float* up = dy + r * channels;
      const float* add = branch + r * channels;
      float* down = dbranch + r * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) {
        const float g = up[c] * kept, d = g * gamma[c];
        down[c] = d;
        db[c] += d;
        dg[c] += g * (add[c] + bias[c]);
      }
    }
  });
  sums.total(0, dbias);
  sums.total(1, dgamma);
}

}  // namespace bcssl
