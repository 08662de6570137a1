// Divides each row by its length, and the gradient of that.
#include <cmath>

#include "kernels/dino.h"

namespace bcssl {

void l2_normalize(const float* x, float* y, float* lengths, Rows size, const Workers& workers) {
  const auto [rows, channels] = size;
  const Split split(rows, channels);
  workers.run(split.parts, [&](Index part) {
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float* in = x + r * channels;
      float* out = y + r * channels;
      float sum = 0;
#pragma omp simd reduction(+ : sum)
      for (Index c = 0; c < channels; ++c) sum += in[c] * in[c];
      const float norm = std::sqrt(sum);
      const float length = norm < 1e-12f ? 1e-12f : norm;  // false for NaN
      lengths[r] = length;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) out[c] = in[c] / length;
    }
  });
}

void l2_normalize_grad(const float* dy, const float* y, const float* lengths, float* dx, Rows size,
                       const Workers& workers) {
  const auto [rows, channels] = size;
  const Split split(rows, channels);
  workers.run(split.parts, [&](Index part) {
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float *up = dy + r * channels, *unit = y + r * channels, length = lengths[r];
      float* down = dx + r * channels;
      float dot = 0;
#pragma omp simd reduction(+ : dot)
      for (Index c = 0; c < channels; ++c) dot += up[c] * unit[c];
#pragma omp simd
      for (Index c = 0; c < channels; ++c) down[c] = (up[c] - unit[c] * dot) / length;
    }
  });
}

}  // namespace bcssl
