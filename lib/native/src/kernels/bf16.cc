// Gradients on their way between processes: rounded to bf16, which has the range of a float and 8
// significant bits. A number is rounded to the nearest, ties to even; a NaN stays one.
#include <cstring>

#include "core/kernels.h"
#include "kernels/blocks.h"

namespace bcssl {
namespace {

inline Bf16 rounded(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits += 0x7fff + ((bits >> 16) & 1);
  return static_cast<Bf16>(x == x ? bits >> 16 : 0x7fc0);
}

inline float widened(Bf16 x) {
  const std::uint32_t bits = static_cast<std::uint32_t>(x) << 16;
  float number;
  std::memcpy(&number, &bits, sizeof number);
  return number;
}

}  // namespace

void to_bf16(const std::vector<Span>& tensors, Bf16* out, Index size, const Workers& workers) {
  std::vector<Index> begins;
  Index filled = 0;
  for (const Span& tensor : tensors) {
    begins.push_back(filled);
    filled += tensor.count;
  }
  const std::vector<Block> blocks = blocks_of(tensors);
  for_each_block(blocks, workers, [&](Index i) {
    const auto [t, begin, end] = blocks[i];
    const float* in = tensors[t].in;
    Bf16* to = out + begins[t];
#pragma omp simd
    for (Index k = begin; k < end; ++k) to[k] = rounded(in[k]);
  });
  std::fill(out + filled, out + size, Bf16{0});
}

void mean_of_bf16(const Bf16* parts, Index count, Index size, Bf16* mean, const Workers& workers) {
  const Split split(size, count);
  workers.run(split.parts, [&](Index part) {
    const Index begin = split.begin(part), length = split.end(part) - begin;
    std::vector<float> sums(length);
    for (Index p = 0; p < count; ++p) {
      const Bf16* in = parts + p * size + begin;
#pragma omp simd
      for (Index k = 0; k < length; ++k) sums[k] += widened(in[k]);
    }
#pragma omp simd
    for (Index k = 0; k < length; ++k) mean[begin + k] = rounded(sums[k] / count);
  });
}

void from_bf16(const Bf16* in, float* out, Index size, const Workers& workers) {
  const Split split(size, 1);
  workers.run(split.parts, [&](Index part) {
#pragma omp simd
    for (Index k = split.begin(part); k < split.end(part); ++k) out[k] = widened(in[k]);
  });
}

}  // namespace bcssl
