// e^x in branch-free C++, which the compiler turns into vector instructions of any width.
#pragma once

#include <cstdint>
#include <cstring>

namespace bcssl {

/** About how many multiply-adds one exponential costs: the work of an element, for Split. */
constexpr std::int64_t kExpWork = 2;

/** Adding it to a float rounds that to an integer, which the low bits then hold. */
constexpr float kRound = 12582912.0f;  // 1.5 · 2^23

/** 2^f · 2^n for f in ±1/2, where the result is a normal number; `shifted` is n + kRound. */
inline float power_of_two(float f, float shifted) {
  // 2^f: least-squares fit of relative error 2e-9, before rounding
  float p = 1.5337562476902501e-4f;
  p = p * f + 1.3399860363285624e-3f;
  p = p * f + 9.618519534078464e-3f;
  p = p * f + 5.5503289975173654e-2f;
  p = p * f + 2.4022646608716672e-1f;
  p = p * f + 6.931472056005101e-1f;
  p = p * f + 1.0f;
  std::int32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = static_cast<std::int32_t>((static_cast<std::uint32_t>(bits) << 23) + (127u << 23));
  float scale;  // 2^n
  std::memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

/**
 * Below this exponent `exp_below_zero` stays constant: e^−87 is about the smallest normal number.
 */
constexpr float kSmallestExponent = -87.0f;

/** e^x for x ≤ 0, with a relative error below 2e-7. NaN gives NaN. */
inline float exp_below_zero(float x) {
  constexpr float kLog2E = 1.44269504088896340736f;
  constexpr float kLn2High = 0.693145751953125f, kLn2Low = 1.42860682030941723212e-6f;  // n · kLn2High is exact
  x = x < kSmallestExponent ? kSmallestExponent : x;  // false for NaN
  const float shifted = x * kLog2E + kRound;
  const float n = shifted - kRound;
  const float f = (x - n * kLn2High - n * kLn2Low) * kLog2E;  // in ±1/2: e^x = 2^n · 2^f
  return power_of_two(f, shifted);
}

}  // namespace bcssl
