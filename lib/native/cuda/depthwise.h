// Depthwise convolution and its gradients on an NVIDIA GPU, for kernels of any odd size, at stride 1
// or 2. The same code runs on the CPU, one thread of a block after the other, so that its arithmetic
// of places can be tested where there is no GPU: see depthwise_host.cc.
//
// All three are one computation: for every place and channel of a result,
//
//     Σ over taps: map(place · place_step + tap · tap_step − padding) · factor(tap)
//
// Forward the taps are those of the kernel; for the gradient of the map they are those of the
// mirrored kernel, and the map is that of the output's gradients with zeros between them at stride
// 2; for the gradient of the kernel the places are those of the kernel, and the taps are all places
// of the output, whose gradients are the factors. lib/webgpu/depthwise.ts does the same.
//
// A block of threads computes a tile of places for 32 channels. It reads the part of the map that
// some taps need into its own memory, once, adds up these taps, and goes on with the next.
#pragma once

#ifdef __CUDACC__
#define BCSSL_BOTH __host__ __device__
#else
#define BCSSL_BOTH
#endif

namespace bcssl {
namespace cuda {

enum class Role { kForward, kGradInput, kGradWeight };

/** Channels of a block, neighbouring places of a thread, and threads of a block. */
constexpr int kChannels = 32, kPlaces = 4, kThreads = 256;
/** Positions of the map, with all channels of a block, that its memory holds. */
constexpr int kPositions = 368;
/** Numbers of a block's memory: a thread may read one place too far. */
constexpr int kMemory = (kPositions + kPlaces) * kChannels;

/** What is to be computed, and how it is divided. */
struct Plan {
  Role role;
  int images, channels;
  int height, width;            // of the map that is read
  int rows, columns;            // places of the result
  int taps_down, taps_across;   // taps
  int above, before;            // padding
  int place_step, tap_step;     // how far the map moves from one place, or tap, to the next
  int hole;                     // 2 where there are zeros between the map's numbers, else 1
  int tile_rows, quads;         // places of a block: rows, and groups of four in a row
  int tap_rows, tap_columns;    // taps at a time
  int tiles_across, tiles, channel_blocks;
  int rows_of_taps;             // blocks of rows of taps of an image
  int units, per_part, parts;   // what is added up, and how it is divided among blocks
};

/** The size of the maps and of the kernels of a convolution. */
struct Sizes {
  int images, height, width, channels;
  int kernel_height, kernel_width, stride;
};

inline int ceil_div(int a, int b) { return (a + b - 1) / b; }
inline int at_most(int a, int b) { return a < b ? a : b; }
inline int at_least(int a, int b) { return a > b ? a : b; }

/** Divides the work: as many taps at a time as the memory of a block holds. */
inline void divide(Plan& plan) {
  plan.quads = plan.columns > 16 ? 8 : plan.columns > 8 ? 4 : plan.columns > 4 ? 2 : 1;
  plan.tile_rows = kThreads / kChannels / plan.quads;
  const auto extent = [](int places, int place_step, int taps, int tap_step) {
    return (places - 1) * place_step + (taps - 1) * tap_step + 1;
  };
  const auto positions = [&](int tap_rows, int tap_columns) {
    return extent(plan.tile_rows, plan.place_step, tap_rows, plan.tap_step) *
           extent(plan.quads * kPlaces, plan.place_step, tap_columns, plan.tap_step);
  };
  plan.tap_rows = plan.tap_columns = 1;
  while (plan.tap_columns < plan.taps_across && positions(1, plan.tap_columns + 1) <= kPositions) ++plan.tap_columns;
  while (plan.tap_rows < plan.taps_down && positions(plan.tap_rows + 1, plan.tap_columns) <= kPositions) {
    ++plan.tap_rows;
  }
  plan.tiles_across = ceil_div(plan.columns, plan.quads * kPlaces);
  plan.tiles = ceil_div(plan.rows, plan.tile_rows) * plan.tiles_across;
  plan.channel_blocks = ceil_div(plan.channels, kChannels);
  plan.rows_of_taps = ceil_div(plan.taps_down, plan.tap_rows);
  const bool of_weight = plan.role == Role::kGradWeight;
  plan.units = plan.rows_of_taps * (of_weight ? plan.images : 1);
  const int wanted = of_weight ? ceil_div(2048, plan.tiles * plan.channel_blocks) : 1;
  plan.per_part = ceil_div(plan.units, at_least(1, at_most(plan.units, wanted)));
  plan.parts = at_least(1, ceil_div(plan.units, at_least(1, plan.per_part)));
}

/** Plans one of the three computations. */
inline Plan plan_of(Role role, const Sizes& s) {
  const int out_height = ceil_div(s.height, s.stride), out_width = ceil_div(s.width, s.stride);
  Plan plan{};
  plan.role = role;
  plan.images = s.images;
  plan.channels = s.channels;
  const bool backward = role == Role::kGradInput, of_weight = role == Role::kGradWeight;
  plan.height = backward ? out_height : s.height;
  plan.width = backward ? out_width : s.width;
  plan.rows = of_weight ? s.kernel_height : backward ? s.height : out_height;
  plan.columns = of_weight ? s.kernel_width : backward ? s.width : out_width;
  plan.taps_down = of_weight ? out_height : s.kernel_height;
  plan.taps_across = of_weight ? out_width : s.kernel_width;
  plan.above = s.kernel_height / 2;
  plan.before = s.kernel_width / 2;
  plan.place_step = role == Role::kForward ? s.stride : 1;
  plan.tap_step = of_weight ? s.stride : 1;
  plan.hole = backward ? s.stride : 1;
  divide(plan);
  return plan;
}

/** Numbers that a computation needs beside its result: the parts of a sum. */
inline long long workspace_of(const Plan& plan) {
  return plan.parts == 1 ? 0 : 1LL * plan.parts * plan.rows * plan.columns * plan.channels;
}

/** The sums of a thread, for its neighbouring places. */
struct Sums {
  float value[kPlaces];
};

/** A block of threads: x counts tiles, y groups of channels, z images or parts. */
struct Block {
  int x, y, z;
};

/** A number of the map, or 0 beside it and in its holes. */
BCSSL_BOTH inline float map_value(const Plan& p, const float* map, int image, int row, int column, int channel) {
  if (row < 0 || column < 0 || channel >= p.channels) return 0;
  if (row % p.hole != 0 || column % p.hole != 0) return 0;
  row /= p.hole;
  column /= p.hole;
  if (row >= p.height || column >= p.width) return 0;
  return map[((1LL * image * p.height + row) * p.width + column) * p.channels + channel];
}

/** The factor of a tap. */
BCSSL_BOTH inline float factor_of(const Plan& p, const float* factors, int image, int row, int column, int channel) {
  if (p.role == Role::kGradInput) {
    row = p.taps_down - 1 - row;
    column = p.taps_across - 1 - column;
  }
  const long long line = p.role == Role::kGradWeight ? 1LL * image * p.taps_down + row : row;
  return factors[(line * p.taps_across + column) * p.channels + channel];
}

/** A block of taps of an image. */
struct Taps {
  int image, first_row, first_column, rows, columns;
};

/** Copies what the taps need of the map into the block's memory; every thread copies a share. */
BCSSL_BOTH inline void load_tile(const Plan& p, const Block& block, const Taps& taps, const float* map, float* tile,
                                 int thread) {
  const int top = block.x / p.tiles_across * p.tile_rows, left = block.x % p.tiles_across * p.quads * kPlaces;
  const int wide = (p.quads * kPlaces - 1) * p.place_step + (taps.columns - 1) * p.tap_step + 1;
  const int high = (p.tile_rows - 1) * p.place_step + (taps.rows - 1) * p.tap_step + 1;
  for (int k = thread; k < high * wide * kChannels; k += kThreads) {
    const int place = k / kChannels, channel = block.y * kChannels + k % kChannels;
    const int row = top * p.place_step + taps.first_row * p.tap_step + place / wide - p.above;
    const int column = left * p.place_step + taps.first_column * p.tap_step + place % wide - p.before;
    tile[k] = map_value(p, map, taps.image, row, column, channel);
  }
}

/** Adds the taps to the sums of a thread. */
BCSSL_BOTH inline void add_taps(const Plan& p, const Block& block, const Taps& taps, const float* factors,
                                const float* tile, int thread, Sums& sums) {
  const int c = thread % kChannels, channel = block.y * kChannels + c;
  if (channel >= p.channels) return;
  const int quad = thread / kChannels % p.quads, down = thread / kChannels / p.quads;
  const int wide = (p.quads * kPlaces - 1) * p.place_step + (taps.columns - 1) * p.tap_step + 1;
  const int step = p.place_step * kChannels;
  for (int row = 0; row < taps.rows; ++row) {
    const int line = (down * p.place_step + row * p.tap_step) * wide;
    const float* at = tile + (line + quad * kPlaces * p.place_step) * kChannels + c;
    for (int column = 0; column < taps.columns; ++column) {
      const float f = factor_of(p, factors, taps.image, taps.first_row + row, taps.first_column + column, channel);
      for (int k = 0; k < kPlaces; ++k) sums.value[k] += f * at[k * step];
      at += p.tap_step * kChannels;
    }
  }
}

/**
 * Writes the sums of a thread. `plus` is a bias forward, a map to add for the gradient of the map,
 * or null.
 */
BCSSL_BOTH inline void store(const Plan& p, const Block& block, const float* plus, float* result, int thread,
                             const Sums& sums) {
  const int channel = block.y * kChannels + thread % kChannels;
  const int quad = thread / kChannels % p.quads, down = thread / kChannels / p.quads;
  const int row = block.x / p.tiles_across * p.tile_rows + down;
  if (channel >= p.channels || row >= p.rows) return;
  for (int k = 0; k < kPlaces; ++k) {
    const int column = block.x % p.tiles_across * p.quads * kPlaces + quad * kPlaces + k;
    if (column >= p.columns) return;
    const long long i = ((1LL * block.z * p.rows + row) * p.columns + column) * p.channels + channel;
    const float more = plus == nullptr ? 0 : plus[p.role == Role::kForward ? channel : i];
    result[i] = sums.value[k] + more;
  }
}

/**
 * The work of a block. `threads.each(f)` calls `f(thread, sums)` for each of its threads, and goes on
 * when all have ended.
 */
template <typename Threads>
BCSSL_BOTH void correlate(const Plan& p, const Block& block, const float* map, const float* factors,
                          const float* plus, float* result, float* tile, Threads& threads) {
  const bool of_weight = p.role == Role::kGradWeight;
  const int begin = of_weight ? block.z * p.per_part : 0;
  const int end = begin + p.per_part < p.units ? begin + p.per_part : p.units;
  for (int unit = begin; unit < end; ++unit) {
    Taps taps;
    taps.image = of_weight ? unit / p.rows_of_taps : block.z;
    taps.first_row = unit % p.rows_of_taps * p.tap_rows;
    taps.rows = p.taps_down - taps.first_row < p.tap_rows ? p.taps_down - taps.first_row : p.tap_rows;
    for (taps.first_column = 0; taps.first_column < p.taps_across; taps.first_column += p.tap_columns) {
      const int rest = p.taps_across - taps.first_column;
      taps.columns = rest < p.tap_columns ? rest : p.tap_columns;
      threads.each([&](int thread, Sums&) { load_tile(p, block, taps, map, tile, thread); });
      threads.each([&](int thread, Sums& sums) { add_taps(p, block, taps, factors, tile, thread, sums); });
    }
  }
  threads.each([&](int thread, Sums& sums) { store(p, block, plus, result, thread, sums); });
}

/** Adds up the parts of a sum: number `i` of `[parts, size]`. */
BCSSL_BOTH inline float sum_of_parts(const float* partial, int parts, long long size, long long i) {
  float sum = 0;
  for (int part = 0; part < parts; ++part) sum += partial[part * size + i];
  return sum;
}

/** Parts into which the rows of a matrix are divided to add up its columns, and rows of a part. */
constexpr int kRowsOfPart = 512;

/** The sum of a column over the rows of a part. */
BCSSL_BOTH inline float column_sum(const float* matrix, long long rows, int columns, long long part, int column) {
  const long long begin = part * kRowsOfPart;
  const long long end = begin + kRowsOfPart < rows ? begin + kRowsOfPart : rows;
  float sum = 0;
  for (long long row = begin; row < end; ++row) sum += matrix[row * columns + column];
  return sum;
}

}  // namespace cuda
}  // namespace bcssl
