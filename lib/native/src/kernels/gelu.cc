// The exact GELU of arrays, with and without a bias, and its gradients.
#include "kernels/gelu.h"

#include "core/column_sums.h"
#include "core/kernels.h"

namespace bcssl {
namespace {

/** The derivative of gelu at x. */
inline float slope(float x) {
  const float e = gauss(x);
  return gelu_slope(x, normal_cdf(x, e), e);
}

}  // namespace

void gelu(const float* x, float* y, Index count, const Workers& workers) {
  const Split split(count, kExpWork);
  workers.run(split.parts, [&](Index part) {
    const Index end = split.end(part);
#pragma omp simd
    for (Index i = split.begin(part); i < end; ++i) y[i] = x[i] * normal_cdf(x[i], gauss(x[i]));
  });
}

void gelu_grad(const float* dy, const float* x, float* dx, Index count, const Workers& workers) {
  const Split split(count, kExpWork);
  workers.run(split.parts, [&](Index part) {
    const Index end = split.end(part);
#pragma omp simd
    for (Index i = split.begin(part); i < end; ++i) dx[i] = dy[i] * slope(x[i]);
  });
}

void bias_gelu(const float* x, const float* bias, float* y, Rows size, const Workers& workers) {
  const auto [rows, channels] = size;
  const Split split(rows, channels * kExpWork);
  workers.run(split.parts, [&](Index part) {
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float* in = x + r * channels;
      float* out = y + r * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) {
        const float z = in[c] + bias[c];
        out[c] = z * normal_cdf(z, gauss(z));
      }
    }
  });
}

void bias_gelu_grad(const float* dy, const float* x, const float* bias, float* dx, float* dbias, Rows size,
                    const Workers& workers) {
  const auto [rows, channels] = size;
  const Split split(rows, channels * kExpWork);
  ColumnSums sums(split.parts, 1, channels);
  workers.run(split.parts, [&](Index part) {
    float* db = sums.of(part, 0);
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float* in = x + r * channels;
      const float* up = dy + r * channels;
      float* down = dx + r * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) {
        const float d = up[c] * slope(in[c] + bias[c]);
        down[c] = d;
        db[c] += d;
      }
    }
  });
  sums.total(0, dbias);
}

}  // namespace bcssl
