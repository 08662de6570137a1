// The exact GELU of one number in branch-free C++, which the compiler turns into vector
// instructions of any width.
#pragma once

#include <cmath>

#include "core/exponential.h"

namespace bcssl {

/**
 * e^(−x²/2), with a relative error below 1e-6; it stays constant from the smallest normal number
 * on.
 */
inline float gauss(float x) {
  constexpr float kHalfLog2E = -0.72134752044448170368f;
  float y = x * x * kHalfLog2E;   // e^(−x²/2) = 2^y
  y = y < -126.0f ? -126.0f : y;  // false for NaN, which therefore stays
  const float shifted = y + kRound;
  const float f = y - (shifted - kRound);  // in ±1/2
  return power_of_two(f, shifted);
}

/**
 * Φ(x), the normal distribution function, given e = e^(−x²/2).
 *
 * The upper tail is Q(a) = e · t · P(t) with t = 1 / (1 + 0.3 a); the polynomial P was fitted by
 * least squares to a relative error of 1e-7 on 0 ≤ a ≤ 12. Unlike 1 + erf, this loses no digits far
 * below zero.
 */
inline float normal_cdf(float x, float e) {
  const float t = 1.0f / (1.0f + 0.3f * std::fabs(x));
  float p = 0.037058488857104215f;
  p = p * t - 0.1629392356324064f;
  p = p * t + 0.21620060996663015f;
  p = p * t - 0.06273024918929244f;
  p = p * t + 0.13335077346404928f;
  p = p * t + 0.09845666087832289f;
  p = p * t + 0.1209892016690302f;
  p = p * t + 0.1196137655907434f;
  const float tail = p * t * e;
  return x < 0.0f ? tail : 1.0f - tail;
}

/** d gelu / dx = Φ(x) + x · φ(x), given Φ(x) and e^(−x²/2). */
inline float gelu_slope(float x, float cdf, float e) {
  constexpr float kInvSqrtTwoPi = 0.39894228040143267794f;
  return cdf + x * e * kInvSqrtTwoPi;
}

}  // namespace bcssl
