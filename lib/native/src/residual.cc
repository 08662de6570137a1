// The end of a residual block: layer scale, stochastic depth and the addition, in one pass.
#include "column_sums.h"
#include "kernels.h"

namespace bcssl {

void scaled_residual(const float* x, const float* branch, const float* gamma, const float* keep,
                     Index images, float* y, Rows size, const Workers& workers) {
  const auto [rows, channels] = size;
  const Index rows_per_image = rows / std::max<Index>(1, images);
  const Split split(rows, channels);
  workers.run(split.parts, [&](Index part) {
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float kept = keep[r / rows_per_image];
      const float* in = x + r * channels;
      const float* add = branch + r * channels;
      float* out = y + r * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) out[c] = in[c] + add[c] * gamma[c] * kept;
    }
  });
}

void scaled_residual_grad(const float* dy, const float* branch, const float* gamma,
                          const float* keep, Index images, float* dbranch, float* dgamma, Rows size,
                          const Workers& workers) {
  const auto [rows, channels] = size;
  const Index rows_per_image = rows / std::max<Index>(1, images);
  const Split split(rows, channels);
  ColumnSums sums(split.parts, 1, channels);
  workers.run(split.parts, [&](Index part) {
    float* dg = sums.of(part, 0);
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float kept = keep[r / rows_per_image];
      const float* up = dy + r * channels;
      const float* add = branch + r * channels;
      float* down = dbranch + r * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) {
        const float g = up[c] * kept;
        down[c] = g * gamma[c];
        dg[c] += g * add[c];
      }
    }
  });
  sums.total(0, dgamma);
}

}  // namespace bcssl
