// Products of bf16 matrices in the CPU's tile unit (AMX), where there is one. Its registers hold
// matrices of 16 rows of 64 bytes: a left factor of 16 rows and 16 Pairs, a right factor of 16 Pairs
// and 16 columns, 16 × 16 sums. One instruction multiplies two of them.
#pragma once

#include "pointwise/format.h"

#if defined(__AMX_BF16__) && defined(__linux__)

#define BCSSL_TILE_UNIT 1

#include <sys/syscall.h>
#include <unistd.h>

namespace bcssl {

/** Rows, columns and Pairs of a tile. */
constexpr Index kTileSide = 16;

/** Whether the kernel lets this process use the tile unit: it must be asked once. */
inline bool may_use_tiles() {
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // of Linux's arch_prctl
  static const bool may = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return may;
}

/** While one exists, this thread's tile registers are ready, and all have the full size. */
class TileUnit {
 public:
  TileUnit() {
    struct alignas(64) {
      std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
      std::uint16_t bytes[16] = {};
      std::uint8_t rows[16] = {};
    } sizes;
    for (int tile = 0; tile < 8; ++tile) {
      sizes.bytes[tile] = kTileSide * sizeof(Pair);
      sizes.rows[tile] = kTileSide;
    }
    asm volatile("" : : "r"(&sizes) : "memory");  // GCC's intrinsic owns up to reading eight bytes only
    _tile_loadconfig(&sizes);
  }
  ~TileUnit() { _tile_release(); }
  TileUnit(const TileUnit&) = delete;
};

/**
 * Writes M × N tiles of a product to c, or adds them to what c holds if `add`; M and N are 1 or 2.
 * `depth` is a number of Pairs, a multiple of kTileSide. The strides of a and b are in Pairs, that of
 * c in floats.
 */
template <int M, int N>
void multiply_tiles(const Pair* a, Index a_stride, const Pair* b, Index b_step, Index depth, float* c, Index c_stride,
                    bool add) {
  constexpr Index kBytes = sizeof(float);
  float *c1 = c + kTileSide, *c2 = c + kTileSide * c_stride, *c3 = c2 + kTileSide;
  if (add) {
    _tile_loadd(0, c, c_stride * kBytes);
    if (N == 2) _tile_loadd(1, c1, c_stride * kBytes);
    if (M == 2) _tile_loadd(2, c2, c_stride * kBytes);
    if (M == 2 && N == 2) _tile_loadd(3, c3, c_stride * kBytes);
  } else {
    _tile_zero(0);
    if (N == 2) _tile_zero(1);
    if (M == 2) _tile_zero(2);
    if (M == 2 && N == 2) _tile_zero(3);
  }
  for (Index k = 0; k < depth; k += kTileSide, a += kTileSide, b += kTileSide * b_step) {
    _tile_loadd(4, a, a_stride * kBytes);
    _tile_loadd(6, b, b_step * kBytes);
    _tile_dpbf16ps(0, 4, 6);
    if (N == 2) {
      _tile_loadd(7, b + kTileSide, b_step * kBytes);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (M == 2) {
      _tile_loadd(5, a + kTileSide * a_stride, a_stride * kBytes);
      _tile_dpbf16ps(2, 5, 6);
      if (N == 2) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, c, c_stride * kBytes);
  if (N == 2) _tile_stored(1, c1, c_stride * kBytes);
  if (M == 2) _tile_stored(2, c2, c_stride * kBytes);
  if (M == 2 && N == 2) _tile_stored(3, c3, c_stride * kBytes);
}

/** to[m][k] = from[k][m] for kTileSide rows and columns of Pairs. */
inline void transpose_tile(const Pair* from, Index from_stride, Pair* to, Index to_stride) {
  using Row = Format<Pair>::Vector;
  Row rows[kTileSide], mixed[kTileSide];
  for (int k = 0; k < kTileSide; ++k) std::memcpy(&rows[k], from + k * from_stride, sizeof(Row));
  // Four rounds: each interleaves rows that are 8 apart, so that after all of them rows and columns
  // have changed places.
  const auto low = [](const Row& x, const Row& y) {
    return __builtin_shuffle(x, y, Row{0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23});
  };
  const auto high = [](const Row& x, const Row& y) {
    return __builtin_shuffle(x, y, Row{8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31});
  };
  for (int round = 0; round < 4; ++round) {
#pragma GCC unroll 8
    for (int i = 0; i < kTileSide / 2; ++i) {
      mixed[2 * i] = low(rows[i], rows[i + 8]);
      mixed[2 * i + 1] = high(rows[i], rows[i + 8]);
    }
    std::memcpy(rows, mixed, sizeof rows);
  }
  for (int m = 0; m < kTileSide; ++m) std::memcpy(to + m * to_stride, &rows[m], sizeof(Row));
}

}  // namespace bcssl

#endif
