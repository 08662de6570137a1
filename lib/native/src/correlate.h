// The inner loop that a depthwise convolution and both of its gradients come down to.
#pragma once

#include <utility>

#include "vec.h"

namespace bcssl {

/** Sums in registers: enough to hide the latency of the multiply-add, few enough to leave room for its operands. */
constexpr int kSums = kRegisters == 32 ? 14 : 12;

/** Rows of inputs and as many of factors. */
struct Runs {
  const Vec* inputs;
  const Index* input_rows;  // where each begins
  Index input_step;
  const Vec* factors;
  Index factor_row, factor_step;
  Index rows, length;
};

/** sums[t] += Σ over rows r and i < length of factor(r, i) · input(r, i), the input taken t · Apart vectors further on. */
template <int T, int Apart>
inline __attribute__((always_inline)) void correlate(const Runs& runs, Vec (&sums)[T]) {
  const auto [inputs, input_rows, input_step, factors, factor_row, factor_step, rows, length] = runs;
  for (Index r = 0; r < rows; ++r) {
    const Vec* in = inputs + input_rows[r];
    const Vec* factor = factors + r * factor_row;
    for (Index i = 0; i < length; ++i, in += input_step, factor += factor_step) {
      const Vec f = *factor;
#pragma GCC unroll 16
      for (int t = 0; t < T; ++t) sums[t] += f * in[t * Apart];
    }
  }
}

/** T neighbouring outputs, `step` floats apart. */
template <int T, int Apart>
void write_outputs(const Runs& runs, const Vec& start, float* out, Index step) {
  Vec sums[T];
#pragma GCC unroll 16
  for (int t = 0; t < T; ++t) {
    sums[t] = start;
    __builtin_prefetch(out + t * step, 1);
  }
  correlate<T, Apart>(runs, sums);
#pragma GCC unroll 16
  for (int t = 0; t < T; ++t) std::memcpy(out + t * step, &sums[t], sizeof(Vec));
}

/** Adds to T neighbouring taps. */
template <int T>
void add_to_taps(const Runs& runs, Vec* taps) {
  Vec sums[T];
#pragma GCC unroll 16
  for (int t = 0; t < T; ++t) sums[t] = taps[t];
  correlate<T, 1>(runs, sums);
#pragma GCC unroll 16
  for (int t = 0; t < T; ++t) taps[t] = sums[t];
}

using WriteOutputs = void (*)(const Runs&, const Vec&, float*, Index);
using AddToTaps = void (*)(const Runs&, Vec*);

template <int Apart, int... T>
WriteOutputs write_outputs(Index count, std::integer_sequence<int, T...>) {
  static constexpr WriteOutputs all[] = {write_outputs<T + 1, Apart>...};
  return all[count - 1];
}

template <int... T>
AddToTaps add_to_taps(Index count, std::integer_sequence<int, T...>) {
  static constexpr AddToTaps all[] = {add_to_taps<T + 1>...};
  return all[count - 1];
}

constexpr auto kCounts = std::make_integer_sequence<int, kSums>();

/** The loop for 1 … kSums outputs whose inputs are 1 or 2 apart. */
inline WriteOutputs write_outputs(Index count, Index apart) {
  return apart == 1 ? write_outputs<1>(count, kCounts) : write_outputs<2>(count, kCounts);
}
/** The loop for 1 … kSums taps. */
inline AddToTaps add_to_taps(Index count) { return add_to_taps(count, kCounts); }

}  // namespace bcssl
