// Measures the highest speed of this machine's cores: fused multiply-adds on registers only.
//
//     fma_peak <threads>      prints FLOP/s, all threads together
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif
typedef float Vector __attribute__((vector_size(kBytes)));

// A multiply-add takes about four cycles and two units work side by side, so at least eight
// independent chains are needed to keep the units busy.
constexpr int kChains = 12;
constexpr long kRounds = 1L << 23;

static void work(float seed, float* out) {
  Vector sums[kChains], a, b;
  for (int lane = 0; lane < kBytes / 4; ++lane) a[lane] = seed, b[lane] = 1e-9f;
  for (auto& sum : sums) sum = b;
  for (long round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = sums[i] * a + b;
  }
  for (int i = 1; i < kChains; ++i) sums[0] += sums[i];
  *out = sums[0][0];
}

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  double best = 0;
  for (int attempt = 0; attempt < 5; ++attempt) {
    std::vector<float> results(16 * threads);
    std::vector<std::thread> pool;
    const auto began = std::chrono::steady_clock::now();
    for (int t = 0; t < threads; ++t) pool.emplace_back(work, 0.5f, &results[16 * t]);
    for (auto& thread : pool) thread.join();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
    const double flops = 2.0 * threads * kRounds * kChains * (kBytes / 4) / seconds.count();
    if (flops > best) best = flops;
  }
  std::printf("%.0f\n", best);
}
