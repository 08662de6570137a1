// Measures the highest speed of this machine's cores: multiply-adds on registers only.
//
//     peak <threads> fp32|bf16      prints FLOP/s, all threads together; 0 without the instructions
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#if defined(__AVX512BF16__) || defined(__AMX_BF16__)
#include <immintrin.h>
#endif
#if defined(__AMX_BF16__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#define HAS_TILES 1
#endif

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

/** What a thread does, and how many operations that is. */
struct Work {
  void (*run)(float seed, float* out);
  double flops;
};

static void fused(float seed, float* out) {
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

#if defined(__AVX512BF16__)
static void pairs(float, float* out) {
  __m512 sums[kChains];
  __m512bh a;
  std::memset(&a, 0, sizeof a);
  for (auto& sum : sums) sum = _mm512_set1_ps(1e-9f);
  for (long round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) {
      sums[i] = _mm512_dpbf16_ps(sums[i], a, a);
      asm volatile("" : "+v"(sums[i]));  // else the compiler may see that nothing changes
    }
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm512_add_ps(sums[0], sums[i]);
  *out = _mm512_cvtss_f32(sums[0]);
}
#endif

#ifdef HAS_TILES
constexpr long kTileRounds = 1L << 19;

/** Four chains of 16 × 16 sums, each of 32 products. */
static void tiles(float, float* out) {
  struct alignas(64) {
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t bytes[16] = {};
    std::uint8_t rows[16] = {};
  } sizes;
  for (int tile = 0; tile < 8; ++tile) sizes.bytes[tile] = 64, sizes.rows[tile] = 16;
  asm volatile("" : : "r"(&sizes) : "memory");  // GCC's intrinsic owns up to reading eight bytes only
  _tile_loadconfig(&sizes);
  alignas(64) static thread_local std::uint8_t zeros[16 * 64] = {};
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, zeros, 64);
  _tile_loadd(5, zeros, 64);
  _tile_loadd(6, zeros, 64);
  _tile_loadd(7, zeros, 64);
  for (long round = 0; round < kTileRounds; ++round) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
  *out = 0;
}
#endif

/** The fastest way that this machine has; without one, `run` is null. */
static Work work_of(const char* precision) {
  if (std::strcmp(precision, "fp32") == 0) return {fused, 2.0 * kRounds * kChains * (kBytes / 4)};
#ifdef HAS_TILES
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // of Linux's arch_prctl
  if (syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0) return {tiles, 2.0 * kTileRounds * 4 * 16 * 16 * 32};
#endif
#if defined(__AVX512BF16__)
  return {pairs, 2.0 * kRounds * kChains * 32};
#else
  return {nullptr, 0};
#endif
}

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  const Work work = work_of(argc > 2 ? argv[2] : "fp32");
  double best = 0;
  for (int attempt = 0; attempt < 5 && work.run != nullptr; ++attempt) {
    std::vector<float> results(16 * threads);
    std::vector<std::thread> pool;
    const auto began = std::chrono::steady_clock::now();
    for (int t = 0; t < threads; ++t) pool.emplace_back(work.run, 0.5f, &results[16 * t]);
    for (auto& thread : pool) thread.join();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
    const double flops = threads * work.flops / seconds.count();
    if (flops > best) best = flops;
  }
  std::printf("%.0f\n", best);
}
