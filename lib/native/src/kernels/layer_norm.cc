// LayerNorm and its gradient. Mean and variance are taken in two passes over a row that is in the
// cache, never as E[x²] − E[x]², which would lose digits where all values share a large offset.
#include <cmath>

#include "core/rows.h"

namespace bcssl {
namespace {

/**
 * Rows of at most this many blocks have unrolled loops of their own, which keep the row in
 * registers.
 */
constexpr Index kNarrow = 8;

/**
 * Calls `body` with the number of blocks as a compile-time constant, or with 0 for rows that are
 * not narrow.
 */
template <typename Body, int... B>
void with_blocks(Index blocks, const Body& body, std::integer_sequence<int, B...>) {
  if (blocks < 1 || blocks > kNarrow) return body(std::integral_constant<int, 0>());
  ((blocks == B + 1 ? body(std::integral_constant<int, B + 1>()) : void()), ...);
}
template <typename Body>
void with_blocks(Index blocks, const Body& body) {
  with_blocks(blocks, body, std::make_integer_sequence<int, kNarrow>());
}

/** The weights of the norm, one number per channel. */
struct Affine {
  const float *weight, *bias;
};

/** y, mean and rstd of rows begin … end − 1, which have N blocks each. */
template <int N>
void normalize(const float* x, const Affine& affine, float eps, float* y, float* mean, float* rstd, Index begin,
               Index end, const RowBlocks& blocks) {
  Vec weight[N], bias[N];
  for (int b = 0; b < N; ++b) {
    weight[b] = blocks.load(affine.weight, b);
    bias[b] = blocks.load(affine.bias, b);
  }
  for (Index r = begin; r < end; ++r) {
    Vec row[N], sum = {}, squares = {};
#pragma GCC unroll 8
    for (int b = 0; b < N; ++b) row[b] = blocks.load(x + r * blocks.channels(), b);
#pragma GCC unroll 8
    for (int b = 0; b < N; ++b) sum += b < N - 1 ? row[b] : blocks.once(row[b]);
    const float m = sum_of(sum) / blocks.channels();
#pragma GCC unroll 8
    for (int b = 0; b < N; ++b) {
      row[b] -= m;
      squares += b < N - 1 ? row[b] * row[b] : blocks.once(row[b] * row[b]);
    }
    const float s = 1.0f / std::sqrt(sum_of(squares) / blocks.channels() + eps);
#pragma GCC unroll 8
    for (int b = 0; b < N; ++b) blocks.store(row[b] * s * weight[b] + bias[b], y + r * blocks.channels(), b);
    mean[r] = m;
    rstd[r] = s;
  }
}

/** The same for rows of any length. */
template <>
void normalize<0>(const float* x, const Affine& affine, float eps, float* y, float* mean, float* rstd, Index begin,
                  Index end, const RowBlocks& blocks) {
  const Index channels = blocks.channels();
  for (Index r = begin; r < end; ++r) {
    const float* in = x + r * channels;
    float* out = y + r * channels;
    float sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (Index c = 0; c < channels; ++c) sum += in[c];
    const float m = sum / channels;
#pragma omp simd reduction(+ : squares)
    for (Index c = 0; c < channels; ++c) squares += (in[c] - m) * (in[c] - m);
    const float s = 1.0f / std::sqrt(squares / channels + eps);
#pragma omp simd
    for (Index c = 0; c < channels; ++c) out[c] = (in[c] - m) * s * affine.weight[c] + affine.bias[c];
    mean[r] = m;
    rstd[r] = s;
  }
}

/** The inputs of the gradient. */
struct Saved {
  const float *dy, *x, *mean, *rstd, *weight;
};

/**
 * dx of rows begin … end − 1, which have N blocks each; adds their part of dweight and dbias to
 * `dw` and `db`.
 */
template <int N>
void normalize_grad(const Saved& saved, float* dx, Vec* dw, Vec* db, Index begin, Index end, const RowBlocks& blocks) {
  const Index channels = blocks.channels();
  Vec weight[N];
  for (int b = 0; b < N; ++b) weight[b] = blocks.load(saved.weight, b);
  for (Index r = begin; r < end; ++r) {
    const float m = saved.mean[r], s = saved.rstd[r];
    Vec xhat[N], up[N], shifts = {}, slopes = {};
#pragma GCC unroll 8
    for (int b = 0; b < N; ++b) {
      xhat[b] = (blocks.load(saved.x + r * channels, b) - m) * s;
      up[b] = blocks.load(saved.dy + r * channels, b);
      dw[b] += up[b] * xhat[b];
      db[b] += up[b];
      up[b] *= weight[b];
      shifts += b < N - 1 ? up[b] : blocks.once(up[b]);
      slopes += b < N - 1 ? up[b] * xhat[b] : blocks.once(up[b] * xhat[b]);
    }
    const float shift = sum_of(shifts) / channels, slope = sum_of(slopes) / channels;
#pragma GCC unroll 8
    for (int b = 0; b < N; ++b) blocks.store((up[b] - shift - xhat[b] * slope) * s, dx + r * channels, b);
  }
}

/** The same for rows of any length: two passes over a row, which stays in the cache. */
template <>
void normalize_grad<0>(const Saved& saved, float* dx, Vec* dw, Vec* db, Index begin, Index end,
                       const RowBlocks& blocks) {
  const Index channels = blocks.channels(), last = blocks.count() - 1;
  for (Index r = begin; r < end; ++r) {
    const float *in = saved.x + r * channels, *up = saved.dy + r * channels;
    const float m = saved.mean[r], s = saved.rstd[r];
    Vec shifts = {}, slopes = {};
    for (Index b = 0; b <= last; ++b) {
      const Vec xhat = (blocks.load(in, b) - m) * s, d = blocks.load(up, b);
      dw[b] += d * xhat;
      db[b] += d;
      const Vec g = d * blocks.load(saved.weight, b), own = b < last ? g : blocks.once(g);
      shifts += own;
      slopes += own * xhat;
    }
    const float shift = sum_of(shifts) / channels, slope = sum_of(slopes) / channels;
    float* down = dx + r * channels;
#pragma omp simd
    for (Index c = 0; c < channels; ++c) {
      const float xhat = (in[c] - m) * s;
      down[c] = (up[c] * saved.weight[c] - shift - xhat * slope) * s;
    }
  }
}

}  // namespace

void layer_norm(const float* x, const float* weight, const float* bias, float eps, float* y,
                float* mean, float* rstd, Rows size, const Workers& workers) {
  const RowBlocks blocks(size.channels);
  const Split split(size.rows, size.channels);
  workers.run(split.parts, [&](Index part) {
    with_blocks(blocks.count(), [&](auto n) {
      normalize<n.value>(x, {weight, bias}, eps, y, mean, rstd, split.begin(part), split.end(part), blocks);
    });
  });
}

void layer_norm_grad(const float* dy, const float* x, const float* mean, const float* rstd,
                     const float* weight, float* dx, float* dweight, float* dbias, Rows size,
                     const Workers& workers) {
  const RowBlocks blocks(size.channels);
  const Split split(size.rows, size.channels);
  VectorSums sums(split.parts, 2, blocks);
  workers.run(split.parts, [&](Index part) {
    with_blocks(blocks.count(), [&](auto n) {
      normalize_grad<n.value>({dy, x, mean, rstd, weight}, dx, sums.of(part, 0), sums.of(part, 1), split.begin(part),
                              split.end(part), blocks);
    });
  });
  sums.total(0, dweight);
  sums.total(1, dbias);
}

}  // namespace bcssl
