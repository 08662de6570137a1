// The inner loop of a depthwise convolution and of both of its gradients: sums of products of
// inputs and factors.
#pragma once

#include <utility>

#include "core/vec.h"

namespace bcssl {

/**
 * The number of sums in registers: enough to hide the latency of multiply-adds, few enough to leave
 * room for operands.
 */
constexpr int kSums = kRegisters == 32 ? 16 : 12;

/**
 * What a sum runs over: `rows` rows of `length` factors, and for each row of factors one or more
 * rows of inputs.
 */
struct Runs {
  const Vec* inputs;
  const Index* input_rows;  // where each input row begins: those of the first row of factors, then of the second, …
  Index input_step;
  const Vec* factors;
  Index factor_row, factor_step;
  Index rows, length;
};

/**
 * For t < T and q < Q: sums[q · T + t] += Σ over r < rows and i < length of factor(r, i) · input(r,
 * q, i), where the input is taken t · Apart vectors further on.
 */
template <int T, int Q, int Apart>
inline __attribute__((always_inline)) void correlate(const Runs& runs, Vec (&sums)[T * Q]) {
  const auto [inputs, input_rows, input_step, factors, factor_row, factor_step, rows, length] = runs;
  for (Index r = 0; r < rows; ++r) {
    const Vec* in[Q];
    for (int q = 0; q < Q; ++q) in[q] = inputs + input_rows[r * Q + q];
    const Vec* factor = factors + r * factor_row;
    Index i = 0;
    if constexpr (Apart == 1) {
      // Two factors at a time, so that each input is read once for both.
      for (; input_step == 1 && i + 1 < length; i += 2) {
        const Vec first = factor[i * factor_step], second = factor[(i + 1) * factor_step];
#pragma GCC unroll 16
        for (int q = 0; q < Q; ++q) {
#pragma GCC unroll 32
          for (int t = 0; t <= T; ++t) {
            const Vec input = in[q][i + t];
            if (t > 0) sums[q * T + t - 1] += second * input;
            if (t < T) sums[q * T + t] += first * input;
          }
        }
      }
    }
    for (; i < length; ++i) {
      const Vec f = factor[i * factor_step];
#pragma GCC unroll 16
      for (int q = 0; q < Q; ++q) {
#pragma GCC unroll 16
        for (int t = 0; t < T; ++t) sums[q * T + t] += f * in[q][i * input_step + t * Apart];
      }
    }
  }
}

/**
 * What is added to the outputs: one number per channel, or a map of the outputs' size. At least one
 * is null.
 */
struct Addend {
  const float *bias, *map;
};

/**
 * The first values of the sums of neighbouring outputs: `step` floats apart; at step 0 all have the
 * same.
 */
struct Start {
  const float* data;
  Index step;
  Vec at(Index t) const {
    Vec v;
    std::memcpy(&v, data + t * step, sizeof v);
    return v;
  }
};

/** Computes and writes T neighbouring outputs, `step` floats apart. */
template <int T, int Apart>
void write_outputs(const Runs& runs, const Start& start, float* out, Index step) {
  Vec sums[T];
#pragma GCC unroll 16
  for (int t = 0; t < T; ++t) {
    sums[t] = start.at(t);
    __builtin_prefetch(out + t * step, 1);
  }
  correlate<T, 1, Apart>(runs, sums);
#pragma GCC unroll 16
  for (int t = 0; t < T; ++t) std::memcpy(out + t * step, &sums[t], sizeof(Vec));
}

/**
 * Computes and writes all W outputs of a row that is as wide as its inputs. Leaves out each product
 * with a zero outside the map, which for a kernel as wide as the map is half of all. The middle one
 * of the `runs.length` taps is at the output.
 */
template <int W>
void write_row(const Runs& runs, const Start& start, float* out, Index step) {
  const auto [inputs, input_rows, input_step, factors, factor_row, factor_step, rows, length] = runs;
  const Index pad = length / 2;
  Vec sums[W];
#pragma GCC unroll 16
  for (int t = 0; t < W; ++t) {
    sums[t] = start.at(t);
    __builtin_prefetch(out + t * step, 1);
  }
  for (Index r = 0; r < rows; ++r) {
    const Vec* in = inputs + input_rows[r];
    const Vec* middle = factors + r * factor_row + pad;
#pragma GCC unroll 32
    for (int d = 1 - W; d < W; ++d) {
      if (d < -pad || d > pad) continue;
      const Vec f = middle[d];
#pragma GCC unroll 16
      for (int t = 0; t < W; ++t) {
        if (t + d >= 0 && t + d < W) sums[t] += f * in[t + d];
      }
    }
  }
#pragma GCC unroll 16
  for (int t = 0; t < W; ++t) std::memcpy(out + t * step, &sums[t], sizeof(Vec));
}

/**
 * Adds to the sums of T neighbouring taps in each of Q kernel rows, which are `row` vectors apart.
 */
template <int T, int Q>
void add_to_taps(const Runs& runs, Vec* taps, Index row) {
  Vec sums[T * Q];
#pragma GCC unroll 16
  for (int i = 0; i < T * Q; ++i) sums[i] = taps[i / T * row + i % T];
  correlate<T, Q, 1>(runs, sums);
#pragma GCC unroll 16
  for (int i = 0; i < T * Q; ++i) taps[i / T * row + i % T] = sums[i];
}

/** For rows of at most this many positions, `add_row` adds to all taps of a kernel row at once. */
constexpr Index kShortRow = (kSums + 1) / 2;

/**
 * Adds to the sums of all `runs.length` taps of one kernel row, for maps as wide as their outputs,
 * as `write_row` does.
 */
template <int W>
void add_row(const Runs& runs, Vec* taps, Index) {
  const auto [inputs, input_rows, input_step, factors, factor_row, factor_step, rows, length] = runs;
  const Index pad = length / 2;
  Vec sums[2 * W - 1];
#pragma GCC unroll 16
  for (int d = 1 - W; d < W; ++d) sums[d + W - 1] = d >= -pad && d <= pad ? taps[pad + d] : Vec{};
  for (Index r = 0; r < rows; ++r) {
    const Vec* in = inputs + input_rows[r];
    const Vec* factor = factors + r * factor_row;
#pragma GCC unroll 16
    for (int d = 1 - W; d < W; ++d) {
      if (d < -pad || d > pad) continue;
#pragma GCC unroll 16
      for (int t = 0; t < W; ++t) {
        if (t + d >= 0 && t + d < W) sums[d + W - 1] += factor[t] * in[t + d];
      }
    }
  }
#pragma GCC unroll 16
  for (int d = 1 - W; d < W; ++d) {
    if (d >= -pad && d <= pad) taps[pad + d] = sums[d + W - 1];
  }
}

using WriteOutputs = void (*)(const Runs&, const Start&, float*, Index);
using AddToTaps = void (*)(const Runs&, Vec*, Index);

template <int Apart, int... T>
WriteOutputs write_outputs(Index count, std::integer_sequence<int, T...>) {
  static constexpr WriteOutputs all[] = {write_outputs<T + 1, Apart>...};
  return all[count - 1];
}

template <int Q, int... T>
AddToTaps add_to_taps(Index count, std::integer_sequence<int, T...>) {
  static constexpr AddToTaps all[] = {add_to_taps<T + 1, Q>...};
  return all[count - 1];
}

constexpr auto kCounts = std::make_integer_sequence<int, kSums>();

template <int... T>
WriteOutputs write_row(Index width, std::integer_sequence<int, T...>) {
  static constexpr WriteOutputs all[] = {write_row<T + 1>...};
  return all[width - 1];
}

/** The instance of `write_row` for rows of 1 … kSums positions. */
inline WriteOutputs write_row(Index width) { return write_row(width, kCounts); }

template <int... T>
AddToTaps add_row(Index width, std::integer_sequence<int, T...>) {
  static constexpr AddToTaps all[] = {add_row<T + 1>...};
  return all[width - 1];
}

/** The instance of `add_row` for rows of 1 … kShortRow positions. */
inline AddToTaps add_row(Index width) { return add_row(width, std::make_integer_sequence<int, kShortRow>()); }

/** The instance of `write_outputs` for 1 … kSums outputs whose inputs are 1 or 2 apart. */
inline WriteOutputs write_outputs(Index count, Index apart) {
  return apart == 1 ? write_outputs<1>(count, kCounts) : write_outputs<2>(count, kCounts);
}

/**
 * The number of kernel rows that are summed together, so that narrow kernels, too, have enough sums
 * to hide latency.
 */
constexpr Index kMostRows = 3;
inline Index rows_for(Index taps) { return std::clamp<Index>(kSums / taps, 1, kMostRows); }

/** The instance of `add_to_taps` for 1 … kSums taps of 1 … rows_for(taps) kernel rows. */
inline AddToTaps add_to_taps(Index taps, Index rows) {
  if (rows == 3) return add_to_taps<3>(taps, std::make_integer_sequence<int, kSums / 3>());
  if (rows == 2) return add_to_taps<2>(taps, std::make_integer_sequence<int, kSums / 2>());
  return add_to_taps<1>(taps, kCounts);
}

}  // namespace bcssl
