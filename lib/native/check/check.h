// The common part of all checks: random numbers, workers, and a comparison with an oracle in double
// precision.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "core/kernels.h"

namespace bcssl::check {

/** Workers of so many threads; 1 runs everything on the calling thread. */
class Threads : public Workers {
 public:
  explicit Threads(Index count) : count_(count) {}
  void run(Index parts, const std::function<void(Index)>& task) const override {
    std::vector<std::thread> threads;
    for (Index t = 0; t < count_; ++t) {
      threads.emplace_back([&, t] {
        for (Index part = t; part < parts; part += count_) task(part);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

 private:
  Index count_;
};

/** The stream of numbers that a seed gives (a linear congruential generator). */
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2654435761u + 1) {}
  /** Uniform in [−1, 1). */
  float next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(static_cast<std::int32_t>(state_ >> 32)) / 2147483648.0f;
  }
  /** Exactly `count` random numbers on the heap, so that a sanitiser sees a read beyond them. */
  std::vector<float> numbers(Index count) {
    std::vector<float> all(count);
    for (float& x : all) x = next();
    return all;
  }

 private:
  std::uint64_t state_;
};

using Numbers = std::vector<float>;
using Exact = std::vector<double>;

inline int failures = 0;

/**
 * Fails where an entry is further than `tolerance` times the largest (at least 0.01) from its
 * oracle; NaN fails.
 */
inline void expect_close(const std::string& what, const Numbers& actual, const Exact& expected, double tolerance) {
  double scale = 0.01, worst = 0;
  for (const double e : expected) scale = std::max(scale, std::fabs(e));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double error = std::fabs(actual[i] - expected[i]) / scale;
    if (!(error <= worst)) worst = error;
  }
  if (worst <= tolerance) return;
  std::printf("%s: off by %.2g of the largest\n", what.c_str(), worst);
  ++failures;
}

/** Fails unless both are the same to the last bit. */
inline void expect_same(const std::string& what, const Numbers& a, const Numbers& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    std::printf("%s: depends on the number of threads\n", what.c_str());
    ++failures;
    return;
  }
}

}  // namespace bcssl::check
