// Products of small matrices that lie in the cache. A tile of the result stays in registers while
// its sums run.
//
// Matrices are row-major; rows are padded with zeros to whole vectors. The right factor is used in
// panels of kPanel columns; in a packed factor the rows of a panel follow each other. Factors
// consist of floats, or of Pairs: two bf16 numbers that are neighbours along the depth. Sums are
// floats.
#pragma once

#include <utility>

#include "pointwise/format.h"
#include "pointwise/tile_unit.h"

namespace bcssl {

/**
 * The size of the largest tile: its sums, one row of a panel and one broadcast number fill the
 * registers.
 */
constexpr int kTileRows = kRegisters == 32 ? 12 : 6, kTileVectors = 2;
constexpr Index kPanel = kTileVectors * kLanes;

/** Columns rounded up to whole vectors. */
constexpr Index padded(Index columns) { return (columns + kLanes - 1) / kLanes * kLanes; }

/**
 * A left factor [rows, depth]: element (m, k) is at m · stride + k, or at k · stride + m if it is
 * stored transposed.
 */
template <typename T>
struct Left {
  const T* data;
  Index stride;
  bool transposed;
};

/**
 * A right factor [depth, columns] in panels: panel p begins at p · panel, and its row k is k · step
 * further on.
 */
template <typename T>
struct Right {
  const T* data;
  Index panel, step;
};

/** A right factor that is not packed. */
template <typename T>
Right<T> in_place(const T* data, Index stride) { return {data, kPanel, stride}; }

/** Where a product is written. */
struct Result {
  float* data;
  Index stride;
};

/**
 * Computes a tile c of M rows and N vectors as a sum over `depth`, added to what c holds if `add`.
 * Prefetches the tile at `next`, whose address the CPU cannot predict.
 */
template <typename T, int M, int N, bool Transposed>
void multiply_tile(const T* a, Index a_stride, const T* b, Index b_step, Index depth, float* c, Index c_stride,
                   bool add, const float* next) {
  constexpr int kThird = 3;  // rows per base address (x, x + stride, x + 2 · stride), so that few registers hold addresses
  Vec sums[M][N];
#pragma GCC unroll 12
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) {
      sums[m][n] = Vec{};
      if (add) std::memcpy(&sums[m][n], c + m * c_stride + n * kLanes, sizeof(Vec));
    }
  }
  if (add) {
#pragma GCC unroll 12
    for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
      for (int n = 0; n < N; ++n) __builtin_prefetch(next + m * c_stride + n * kLanes, 1);
    }
  }
  const T* base[(M + kThird - 1) / kThird];
#pragma GCC unroll 4
  for (int i = 0; i * kThird < M; ++i) base[i] = a + (Transposed ? i * kThird : i * kThird * a_stride);
  for (Index k = 0; k < depth; ++k) {
    typename Format<T>::Vector row[N];
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) std::memcpy(&row[n], b + n * kLanes, sizeof row[n]);
    b += b_step;
#pragma GCC unroll 12
    for (int m = 0; m < M; ++m) {
      const T factor = base[m / kThird][Transposed ? m % kThird : m % kThird * a_stride];
#pragma GCC unroll 2
      for (int n = 0; n < N; ++n) Format<T>::add_product(sums[m][n], factor, row[n]);
    }
#pragma GCC unroll 4
    for (int i = 0; i * kThird < M; ++i) base[i] += Transposed ? a_stride : 1;
  }
#pragma GCC unroll 12
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) std::memcpy(c + m * c_stride + n * kLanes, &sums[m][n], sizeof(Vec));
  }
}

template <typename T>
using MultiplyTile = void (*)(const T*, Index, const T*, Index, Index, float*, Index, bool, const float*);

template <typename T, int N, bool Transposed, int... M>
MultiplyTile<T> tile_of(Index rows, std::integer_sequence<int, M...>) {
  static constexpr MultiplyTile<T> all[] = {multiply_tile<T, M + 1, N, Transposed>...};
  return all[rows - 1];
}

/** The instance of `multiply_tile` for 1 … kTileRows rows and 1 or 2 vectors. */
template <typename T>
MultiplyTile<T> tile_of(Index rows, Index vectors, bool transposed) {
  constexpr auto sizes = std::make_integer_sequence<int, kTileRows>();
  if (vectors == 1) return transposed ? tile_of<T, 1, true>(rows, sizes) : tile_of<T, 1, false>(rows, sizes);
  return transposed ? tile_of<T, 2, true>(rows, sizes) : tile_of<T, 2, false>(rows, sizes);
}

/** The product of `multiply` by vectors; `depth` is a number of elements of T. */
template <typename T>
void multiply_by_vectors(const Left<T>& a, const Right<T>& b, const Result& c, Index rows, Index columns, Index depth,
                         bool add) {
  const Index tiles = (rows + kTileRows - 1) / kTileRows, vectors = columns / kLanes;
  for (Index t = 0; t < tiles; ++t) {
    const Index begin = rows * t / tiles, height = rows * (t + 1) / tiles - begin;
    const T* left = a.data + begin * (a.transposed ? 1 : a.stride);
    for (Index v = 0; v < vectors; v += kTileVectors) {
      const MultiplyTile<T> tile = tile_of<T>(height, std::min<Index>(kTileVectors, vectors - v), a.transposed);
      float* to = c.data + begin * c.stride + v * kLanes;
      const float* next = v + kTileVectors < vectors ? to + kTileVectors * kLanes : c.data + (begin + height) * c.stride;
      tile(left, a.stride, b.data + v / kTileVectors * b.panel, b.step, depth, to, c.stride, add, next);
    }
  }
}

#ifdef BCSSL_TILE_UNIT

/** The largest depth, in Pairs, at which the tile unit takes a left factor that is stored transposed. */
constexpr Index kDeepest = 256;

/** The product of `multiply` in the tile unit; rows and `depth`, in Pairs, are multiples of kTileSide. */
inline void multiply_in_tiles(const Left<Pair>& a, const Right<Pair>& b, const Result& c, Index rows, Index columns,
                              Index depth, bool add) {
  static_assert(kPanel == 2 * kTileSide && kLanes == kTileSide);
  const TileUnit unit;
  const Index vectors = columns / kLanes;
  const auto block = [&](const Pair* left, Index stride, Index m, Index v) {
    const bool two = m + kTileSide < rows, wide = v + 1 < vectors;
    const auto multiply = two ? wide ? multiply_tiles<2, 2> : multiply_tiles<2, 1>
                              : wide ? multiply_tiles<1, 2> : multiply_tiles<1, 1>;
    multiply(left, stride, b.data + v / kTileVectors * b.panel, b.step, depth, c.data + m * c.stride + v * kLanes,
             c.stride, add);
  };
  if (!a.transposed) {  // panel by panel: a panel stays in the first cache, and all panels are read once
    for (Index v = 0; v < vectors; v += kTileVectors) {
      for (Index m = 0; m < rows; m += 2 * kTileSide) block(a.data + m * a.stride, a.stride, m, v);
    }
    return;
  }
  for (Index m = 0; m < rows; m += 2 * kTileSide) {
    alignas(64) Pair copy[2 * kTileSide * kDeepest];
    for (Index i = 0; i < 2 && m + i * kTileSide < rows; ++i) {
      for (Index k = 0; k < depth; k += kTileSide) {
        transpose_tile(a.data + k * a.stride + m + i * kTileSide, a.stride, copy + i * kTileSide * depth + k, depth);
      }
    }
    for (Index v = 0; v < vectors; v += kTileVectors) block(copy, depth, m, v);
  }
}

#endif

/**
 * c = a · b, or c += a · b if `add`: `rows` × `columns` (whole vectors), each the sum of `depth`
 * products. What fills no whole tiles of the tile unit is left to vectors.
 */
template <typename T>
void multiply(const Left<T>& a, const Right<T>& b, const Result& c, Index rows, Index columns, Index depth, bool add) {
  const Index deep = packed<T>(depth);
#ifdef BCSSL_TILE_UNIT
  if constexpr (std::is_same_v<T, Pair>) {
    const Index high = rows / kTileSide * kTileSide, done = deep / kTileSide * kTileSide;
    if (high > 0 && done > 0 && (!a.transposed || done <= kDeepest) && may_use_tiles()) {
      multiply_in_tiles(a, b, c, high, columns, done, add);
      if (done < deep) {
        const Left<T> rest{a.data + done * (a.transposed ? a.stride : 1), a.stride, a.transposed};
        multiply_by_vectors(rest, {b.data + done * b.step, b.panel, b.step}, c, high, columns, deep - done, true);
      }
      if (high < rows) {
        const Left<T> below{a.data + high * (a.transposed ? 1 : a.stride), a.stride, a.transposed};
        multiply_by_vectors(below, b, {c.data + high * c.stride, c.stride}, rows - high, columns, deep, add);
      }
      return;
    }
  }
#endif
  multiply_by_vectors(a, b, c, rows, columns, deep, add);
}

/**
 * The rows of a product, cut into tiles for threads to share. Each tile reads the whole right factor, so
 * a tile has many rows; but there are some tiles for each thread.
 */
struct RowTiles {
  /** @param cost Of a row. */
  RowTiles(Index rows, Index cost)
      : rows(rows), height(std::clamp<Index>((rows / 8 + kStep - 1) / kStep * kStep, kStep, kMost)),
        split((rows + height - 1) / height, height * cost) {}

  /** Calls visit(first row, number of rows) for the tiles of a part. */
  template <typename Visit>
  void for_each(Index part, const Visit& visit) const {
    for (Index tile = split.begin(part); tile < split.end(part); ++tile) {
      visit(tile * height, std::min(height, rows - tile * height));
    }
  }

  static constexpr Index kStep = 48, kMost = 192;  // whole tiles of 12 rows, and of 16
  Index rows, height;
  Split split;
};

/** A right factor [depth, columns] in packed panels, padded with zeros. */
template <typename T>
class Packed {
 public:
  Packed(Index depth, Index columns)
      : depth_(depth), columns_(columns), panels_((columns + kPanel - 1) / kPanel),
        data_(vectors(panels_ * packed<T>(depth) * kTileVectors)) {}

  /** Fills in element(k, n) for all k and n. For sources whose neighbours along n lie together. */
  template <typename Element>
  void fill(const Element& element, const Workers& workers) {
    fill_by_rows(workers, [&](Index k, Index rows, Index n, Index columns, Block block) {
      for (Index i = 0; i < rows; ++i) {
        for (Index m = 0; m < columns; ++m) block[i][m] = element(k + i, n + m);
      }
    });
  }

  /** The same from rows: row_of(k) points to the numbers of row k, or is null for zeros. */
  template <typename RowOf>
  void fill_rows(const RowOf& row_of, const Workers& workers) {
    fill_by_rows(workers, [&](Index k, Index rows, Index n, Index columns, Block block) {
      for (Index i = 0; i < rows; ++i) {
        const float* row = row_of(k + i);
        if (row == nullptr) {
          std::fill(block[i], block[i] + columns, 0.0f);
        } else {
          std::copy(row + n, row + n + columns, block[i]);
        }
      }
    });
  }

  /** The same as `fill` for sources whose neighbours along k lie together. */
  template <typename Element>
  void fill_by_column(const Element& element, const Workers& workers) {
    const Split split(panels_, kPanel * depth_);
    workers.run(split.parts, [&](Index part) {
      for (Index p = split.begin(part); p < split.end(part); ++p) {
        for (Index k = 0; k < depth_; k += kDeep) {
          pack_block(k, p, [&](Index k, Index rows, Index n, Index columns, Block block) {
            for (Index m = 0; m < columns; ++m) {
              for (Index i = 0; i < rows; ++i) block[i][m] = element(k + i, n + m);
            }
          });
        }
      }
    });
  }

  /** The factor from row `depth`, the first of a T, and from panel `column / kPanel` on. */
  Right<T> from(Index depth, Index column) const {
    return {data() + column / kPanel * panel() + packed<T>(depth) * kPanel, panel(), kPanel};
  }

 private:
  static constexpr Index kDeep = 16;
  using Block = float (*)[kPanel];

  /** Packs block after block along the rows, so that the source is read in the order of its memory. */
  template <typename FillBlock>
  void fill_by_rows(const Workers& workers, const FillBlock& fill_block) {
    const Split split((depth_ + kDeep - 1) / kDeep, kDeep * columns_);
    workers.run(split.parts, [&](Index part) {
      for (Index b = split.begin(part); b < split.end(part); ++b) {
        for (Index p = 0; p < panels_; ++p) pack_block(b * kDeep, p, fill_block);
      }
    });
  }

  /**
   * Packs the rows from k on in panel p. `fill_block` writes the elements from row k and column n on,
   * as far as there are any, to a block.
   */
  template <typename FillBlock>
  void pack_block(Index k, Index p, const FillBlock& fill_block) {
    const Index rows = std::min(kDeep, depth_ - k), columns = std::min(kPanel, columns_ - p * kPanel);
    alignas(sizeof(Vec)) float block[kDeep][kPanel];
    if (rows < kDeep || columns < kPanel) std::fill(block[0], block[0] + kDeep * kPanel, 0.0f);
    fill_block(k, rows, p * kPanel, columns, block);
    store_block(block, rows, data() + p * panel() + packed<T>(k) * kPanel);
  }

  static void store_block(Block block, Index rows, T* to) {
    for (Index i = 0; i < rows; i += Format<T>::kNumbers, to += kPanel) {
      if constexpr (std::is_same_v<T, float>) {
        std::memcpy(to, block[i], sizeof block[i]);
      } else {
        for (Index n = 0; n < kPanel; n += kLanes) {
          Vec first, second;
          std::memcpy(&first, block[i] + n, sizeof first);
          std::memcpy(&second, block[i + 1] + n, sizeof second);
          Format<T>::pack(first, second, to + n);
        }
      }
    }
  }

  Index panel() const { return packed<T>(depth_) * kPanel; }
  T* data() const { return reinterpret_cast<T*>(data_.get()); }

  Index depth_, columns_, panels_;
  std::unique_ptr<Vec[]> data_;
};

}  // namespace bcssl
