// The two element types of factors: floats, or pairs of numbers rounded to bf16 (floats without
// their lower 16 bits) that are neighbours along the depth. Some CPUs multiply twice as many bf16
// numbers in the same time.
#pragma once

#include <type_traits>

#include "core/vec.h"

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace bcssl {

/** How numbers of an element type T are multiplied and packed. */
template <typename T>
struct Format;

template <>
struct Format<float> {
  static constexpr Index kNumbers = 1;  // numbers in each T
  using Vector = Vec;
  /** sum += factor · row */
  static void add_product(Vec& sum, float factor, const Vector& row) { sum += factor * row; }
};

#if defined(__AVX512BF16__)

/** Two bf16 numbers, the first in the lower half. */
using Pair = std::uint32_t;

template <>
struct Format<Pair> {
  static constexpr Index kNumbers = 2;
  typedef Pair Vector __attribute__((vector_size(kLanes * sizeof(Pair))));
  typedef std::uint16_t Halves __attribute__((vector_size(kLanes * sizeof(std::uint16_t))));

  /** Rounds to the nearest bf16, ties to even; NaN stays NaN. */
  static Halves round(const Vec& v) {
    return reinterpret_cast<Halves>(_mm512_cvtneps_pbh(reinterpret_cast<__m512>(v)));
  }
  /** Packs two vectors that are neighbours along the depth, lane by lane. */
  static void pack(const Vec& first, const Vec& second, Pair* to) {
    const Vector pairs =
        __builtin_convertvector(round(first), Vector) | __builtin_convertvector(round(second), Vector) << 16;
    std::memcpy(to, &pairs, sizeof pairs);
  }
  static void add_product(Vec& sum, Pair factor, const Vector& row) {
    const auto factors = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(factor)));
    sum = reinterpret_cast<Vec>(
        _mm512_dpbf16_ps(reinterpret_cast<__m512>(sum), factors, reinterpret_cast<__m512bh>(row)));
  }
};

#else

/** This CPU cannot multiply bf16; floats take its place. */
using Pair = float;

#endif

constexpr bool kHasBf16 = !std::is_same_v<Pair, float>;

/** How many elements of type T hold `depth` numbers. */
template <typename T>
constexpr Index packed(Index depth) {
  return (depth + Format<T>::kNumbers - 1) / Format<T>::kNumbers;
}

}  // namespace bcssl
