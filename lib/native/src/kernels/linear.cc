// A linear layer with its bias, and its gradients. TensorFlow's product is as fast for large
// matrices, but takes a tenth of a millisecond to start, which is longer than the whole layer of a
// small network. With bf16, the factors of the products are rounded on the way into the cache.
#include "core/column_sums.h"
#include "pointwise/product.h"

namespace bcssl {
namespace {

constexpr Index kTile = 8 * kTileRows;  // rows that are worked on together
constexpr Index kDeep = 4 * kTile;      // rows whose products are summed up before the sums are written

/**
 * Columns that are worked on together: whole panels of `depth` rows, of a quarter of a megabyte
 * (second cache).
 */
Index chunk_of(Index depth) {
  const Index fit = (Index{1} << 16) / std::max<Index>(1, depth);
  return std::max<Index>(1, fit / kPanel) * kPanel;
}

/** Copies a tile without its padding to y, and adds a bias, which may be null. */
void write(const float* tile, Index stride, const float* bias, float* y, Index y_stride, Index rows, Index columns) {
  for (Index r = 0; r < rows; ++r, tile += stride, y += y_stride) {
    if (bias == nullptr) {
      std::copy(tile, tile + columns, y);
      continue;
    }
#pragma omp simd
    for (Index n = 0; n < columns; ++n) y[n] = tile[n] + bias[n];
  }
}

/** y = x · right (+ bias): `rows` × `out` numbers, each the sum of `depth` products. */
void product(const float* x, const Packed<float>& right, const float* bias, float* y, Index rows, Index depth,
             Index out, const Workers& workers) {
  const Index chunk = std::min(chunk_of(depth), padded(out));
  const RowTiles tiles(rows, 1 + depth * out / 8);
  workers.run(tiles.split.parts, [&](Index part) {
    float* tile = reinterpret_cast<float*>(scratch(tiles.height * chunk / kLanes));
    for (Index c = 0; c < out; c += chunk) {
      const Index columns = std::min(chunk, padded(out) - c), filled = std::min(chunk, out - c);
      tiles.for_each(part, [&](Index r, Index height) {
        multiply({x + r * depth, depth, false}, right.from(0, c), {tile, columns}, height, columns, depth, false);
        write(tile, columns, bias == nullptr ? nullptr : bias + c, y + r * out + c, out, height, filled);
      });
    }
  });
}

/** Some numbers of a row from `column` on, with zeros beyond the row's end. */
Vec load_part(const float* row, Index column, Index columns) {
  Vec v{};
  if (column + kLanes <= columns) {
    std::memcpy(&v, row + column, sizeof v);
  } else if (column < columns) {
    std::memcpy(&v, row + column, (columns - column) * sizeof(float));
  }
  return v;
}

/** Rounds rows of x to Pairs along the columns, padded with zeros to whole vectors. */
template <typename T>
void round_by_row(const float* x, Index x_stride, T* to, Index stride, Index rows, Index columns) {
  for (Index r = 0; r < rows; ++r, x += x_stride, to += stride) {
    for (Index c = 0; c < columns; c += kLanes) {
      const auto rounded = Format<T>::round(load_part(x, c, columns));
      std::memcpy(to + c / 2, &rounded, sizeof rounded);
    }
  }
}

/** Rounds rows of x to Pairs of neighbouring rows, padded with zeros to whole vectors. */
template <typename T>
void round_by_column(const float* x, Index x_stride, T* to, Index stride, Index rows, Index columns) {
  for (Index r = 0; r < rows; r += 2, x += 2 * x_stride, to += stride) {
    for (Index c = 0; c < columns; c += kLanes) {
      const Vec second = r + 1 < rows ? load_part(x + x_stride, c, columns) : Vec{};
      Format<T>::pack(load_part(x, c, columns), second, to + c);
    }
  }
}

/** As `product`, in bf16: a tile of rows is rounded once and multiplied with all chunks of columns. */
template <typename T>
void rounded_product(const float* x, const Packed<T>& right, const float* bias, float* y, Index rows, Index depth,
                     Index out, const Workers& workers) {
  const Index chunk = std::min(2 * chunk_of(depth), padded(out)), stride = padded(depth) / 2 + kLanes;
  const RowTiles tiles(rows, 1 + depth * out / 16);
  workers.run(tiles.split.parts, [&](Index part) {
    float* tile = reinterpret_cast<float*>(scratch(tiles.height * (chunk + stride) / kLanes + 1));
    T* left = reinterpret_cast<T*>(tile + tiles.height * chunk);
    tiles.for_each(part, [&](Index r, Index height) {
      round_by_row(x + r * depth, depth, left, stride, height, depth);
      for (Index c = 0; c < out; c += chunk) {
        const Index columns = std::min(chunk, padded(out) - c), filled = std::min(chunk, out - c);
        multiply<T>({left, stride, false}, right.from(0, c), {tile, columns}, height, columns, depth, false);
        write(tile, columns, bias == nullptr ? nullptr : bias + c, y + r * out + c, out, height, filled);
      }
    });
  });
}

/**
 * Copies some columns of dy into a tile, pads its rows with zeros to the stride, and adds the rows
 * to `sums`.
 */
void take(const float* dy, Index dy_stride, float* tile, Index stride, float* sums, Index rows, Index columns) {
  for (Index r = 0; r < rows; ++r, dy += dy_stride, tile += stride) {
#pragma omp simd
    for (Index n = 0; n < columns; ++n) {
      tile[n] = dy[n];
      sums[n] += dy[n];
    }
    std::fill(tile + columns, tile + stride, 0.0f);
  }
}

/**
 * Up to so many rows, the weights are far larger than the matrix that they are multiplied with:
 * they are used where they lie, without packing them.
 */
constexpr Index kFew = 64;

/** y = x · leftᵀ (+ bias) for few rows, computed as (left · xᵀ)ᵀ; `left` is [out, depth]. */
void product_of_few(const float* x, const Left<float>& left, const float* bias, float* y, Index rows, Index depth,
                    Index out, const Workers& workers) {
  Packed<float> right(depth, rows);
  right.fill_by_column([x, depth](Index k, Index r) { return x[r * depth + k]; }, workers);
  const Index wide = padded(rows);
  const Split split((out + kTile - 1) / kTile, kTile * (1 + depth * wide / 8));
  workers.run(split.parts, [&](Index part) {
    float* tile = reinterpret_cast<float*>(scratch(kTile * wide / kLanes));
    for (Index m = split.begin(part) * kTile; m < std::min(out, split.end(part) * kTile); m += kTile) {
      const Index height = std::min(kTile, out - m);
      const float* begin = left.data + m * (left.transposed ? 1 : left.stride);
      multiply({begin, left.stride, left.transposed}, right.from(0, 0), {tile, wide}, height, wide, depth, false);
      for (Index r = 0; r < rows; ++r) {
        for (Index i = 0; i < height; ++i) {
          y[r * out + m + i] = tile[i * wide + r] + (bias == nullptr ? 0 : bias[m + i]);
        }
      }
    }
  });
}

/**
 * dweight and dbias for few rows: each thread computes tiles of dweight from all rows, so there are
 * no partial sums.
 */
void grad_weight_of_few(const float* dy, const float* x, float* dweight, float* dbias, const Linear& size,
                        const Workers& workers) {
  const Index rows = size.rows, in = size.in, out = size.out, wide = padded(out);
  const auto memory = vectors(rows * wide / kLanes);
  float* up = reinterpret_cast<float*>(memory.get());
  ColumnSums bias(1, 1, out);
  take(dy, out, up, wide, bias.of(0, 0), rows, out);
  if (dbias != nullptr) bias.total(0, dbias);
  const Split split((in + kTileRows - 1) / kTileRows, kTileRows * (1 + rows * wide / 8));
  workers.run(split.parts, [&](Index part) {
    for (Index m = split.begin(part) * kTileRows; m < std::min(in, split.end(part) * kTileRows); m += kTileRows) {
      const Index height = std::min<Index>(kTileRows, in - m);
      float *to = dweight + m * out, *tile = wide == out ? to : reinterpret_cast<float*>(scratch(kTileRows * wide / kLanes));
      multiply({x + m, in, true}, in_place(up, wide), {tile, wide}, height, wide, rows, false);
      if (tile != to) write(tile, wide, nullptr, to, out, height, out);
    }
  });
}

/** Packs the right factor, by `pack`, in the precision of the product, and multiplies x with it. */
template <typename Pack>
void packed_product(const Pack& pack, const float* x, const float* bias, float* y, Index rows, Index depth, Index out,
                    bool bf16, const Workers& workers) {
  if constexpr (kHasBf16) {
    if (bf16) {
      Packed<Pair> right(depth, out);
      pack(right);
      return rounded_product(x, right, bias, y, rows, depth, out, workers);
    }
  }
  Packed<float> right(depth, out);
  pack(right);
  product(x, right, bias, y, rows, depth, out, workers);
}

/** Work on a weight's gradient, and its sums: each part of the rows keeps sums as large as the weights. */
struct WeightSums {
  WeightSums(const Linear& size, Index cost)
      : in(size.in), out(size.out), wide(padded(size.out)), parts(parts_of(size, cost)),
        memory(vectors(parts * in * wide / kLanes)), bias(parts, 1, out) {}

  float* of(Index part) const { return reinterpret_cast<float*>(memory.get()) + part * in * wide; }

  /** Adds up all parts. */
  void total(float* dweight, float* dbias, const Workers& workers) {
    if (dbias != nullptr) bias.total(0, dbias);
    const Split rows_of(in, parts * out);
    workers.run(rows_of.parts, [&](Index part) {
      for (Index k = rows_of.begin(part); k < rows_of.end(part); ++k) {
        float* to = dweight + k * out;
        std::copy(of(0) + k * wide, of(0) + k * wide + out, to);
        for (Index p = 1; p < parts; ++p) {
          const float* from = of(p) + k * wide;
#pragma omp simd
          for (Index n = 0; n < out; ++n) to[n] += from[n];
        }
      }
    });
  }

  Index in, out, wide, parts;
  std::unique_ptr<Vec[]> memory;
  ColumnSums bias;

 private:
  /** So few parts that their sums are at most a quarter of the inputs. */
  static Index parts_of(const Linear& size, Index cost) {
    const Index numbers = size.rows * (size.in + size.out), weights = std::max<Index>(1, size.in * size.out);
    return std::min(Split(size.rows, cost).parts, std::clamp<Index>(numbers / weights / 4, 4, Split::kMostParts));
  }
};

/** Sums of one part in fp32: the tile's rows of x are used where they lie. */
void add_part(const float* dy, const float* x, WeightSums& sums, Index part, Index begin, Index end, float) {
  const Index in = sums.in, out = sums.out, chunk = std::min(chunk_of(kDeep), sums.wide);
  float* tile = reinterpret_cast<float*>(scratch(kDeep * chunk / kLanes));
  for (Index r = begin; r < end; r += kDeep) {
    const Index height = std::min(kDeep, end - r);
    for (Index c = 0; c < sums.wide; c += chunk) {
      const Index columns = std::min(chunk, sums.wide - c);
      take(dy + r * out + c, out, tile, columns, sums.bias.of(part, 0) + c, height, std::min(chunk, out - c));
      multiply({x + r * in, in, true}, in_place(tile, columns), {sums.of(part) + c, sums.wide}, in, columns, height, r > begin);
    }
  }
}

/** The same in bf16. */
template <typename T>
void add_part(const float* dy, const float* x, WeightSums& sums, Index part, Index begin, Index end, T) {
  const Index in = sums.in, out = sums.out, chunk = std::min(chunk_of(kDeep), sums.wide), stride = padded(in);
  float* tile = reinterpret_cast<float*>(scratch(kDeep * (chunk + chunk / 2 + stride / 2) / kLanes + 1));
  T* up = reinterpret_cast<T*>(tile + kDeep * chunk);
  T* left = up + kDeep / 2 * chunk;
  for (Index r = begin; r < end; r += kDeep) {
    const Index height = std::min(kDeep, end - r);
    round_by_column(x + r * in, in, left, stride, height, in);
    for (Index c = 0; c < sums.wide; c += chunk) {
      const Index columns = std::min(chunk, sums.wide - c);
      take(dy + r * out + c, out, tile, columns, sums.bias.of(part, 0) + c, height, std::min(chunk, out - c));
      round_by_column(tile, columns, up, columns, height, columns);
      multiply<T>({left, stride, true}, in_place(up, columns), {sums.of(part) + c, sums.wide}, in, columns, height, r > begin);
    }
  }
}

/** T is the element type of the product: float, or bf16 pairs. */
template <typename T>
void grad_weight(const float* dy, const float* x, float* dweight, float* dbias, const Linear& size,
                 const Workers& workers) {
  WeightSums sums(size, 1 + size.in * size.out / 8);
  workers.run(sums.parts, [&](Index part) {
    const Index begin = size.rows * part / sums.parts, end = size.rows * (part + 1) / sums.parts;
    if (begin == end) std::fill(sums.of(part), sums.of(part) + size.in * sums.wide, 0.0f);
    add_part(dy, x, sums, part, begin, end, T{});
  });
  sums.total(dweight, dbias, workers);
}

}  // namespace

void linear(const float* x, const float* weight, const float* bias, float* y, const Linear& size, bool bf16,
            const Workers& workers) {
  const auto [rows, in, out] = size;
  if (rows <= kFew) return product_of_few(x, {weight, out, true}, bias, y, rows, in, out, workers);
  const auto element = [weight, out = out](Index k, Index n) { return weight[k * out + n]; };
  packed_product([&](auto& right) { right.fill(element, workers); }, x, bias, y, rows, in, out, bf16, workers);
}

void linear_grad_input(const float* dy, const float* weight, float* dx, const Linear& size, bool bf16,
                       const Workers& workers) {
  const auto [rows, in, out] = size;
  if (rows <= kFew) return product_of_few(dy, {weight, out, false}, nullptr, dx, rows, out, in, workers);
  const auto element = [weight, out = out](Index k, Index n) { return weight[n * out + k]; };
  const auto pack = [&](auto& right) { right.fill_by_column(element, workers); };
  packed_product(pack, dy, nullptr, dx, rows, out, in, bf16, workers);
}

void linear_grad_weight(const float* dy, const float* x, float* dweight, float* dbias, const Linear& size, bool bf16,
                        const Workers& workers) {
  if (size.rows <= kFew) return grad_weight_of_few(dy, x, dweight, dbias, size, workers);
  if constexpr (kHasBf16) {
    if (bf16) return grad_weight<Pair>(dy, x, dweight, dbias, size, workers);
  }
  grad_weight<float>(dy, x, dweight, dbias, size, workers);
}

}  // namespace bcssl
