// Shared by all checks of the kernels: random numbers, threads, and comparisons with an oracle in
// double precision.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "core/kernels.h"

namespace bcssl::check {

/** Runs each task on `count` new threads, which take its parts in turn. */
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

/** A stream of pseudo-random numbers from a seed (a linear congruential generator). */
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
 * Counts a failure if an entry differs from the oracle's by more than `tolerance` times the
 * oracle's largest entry, or if it is NaN. The largest entry is taken as at least 0.01.
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

/** Counts a failure unless both arrays are equal to the last bit. */
inline void expect_same(const std::string& what, const Numbers& a, const Numbers& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    std::printf("%s: depends on the number of threads\n", what.c_str());
    ++failures;
    return;
  }
}

}  // namespace bcssl::check
