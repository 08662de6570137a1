// A linear layer with its bias, and its gradients. TensorFlow's product is as fast for large
// matrices, but takes a tenth of a millisecond to start, which is longer than the whole layer of a
// small network.
#include "core/column_sums.h"
#include "pointwise/product.h"

namespace bcssl {
namespace {

constexpr Index kTile = 8 * kTileRows;  // rows that are worked on together

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
  const Split split(rows, 1 + depth * out / 8);
  workers.run(split.parts, [&](Index part) {
    float* tile = reinterpret_cast<float*>(scratch(kTile * chunk / kLanes));
    const Index end = split.end(part);
    for (Index c = 0; c < out; c += chunk) {
      const Index columns = std::min(chunk, padded(out) - c), filled = std::min(chunk, out - c);
      for (Index r = split.begin(part); r < end; r += kTile) {
        const Index height = std::min(kTile, end - r);
        multiply({x + r * depth, depth, false}, right.from(0, c), {tile, columns}, height, columns, depth, false);
        write(tile, columns, bias == nullptr ? nullptr : bias + c, y + r * out + c, out, height, filled);
      }
    }
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

}  // namespace

void linear(const float* x, const float* weight, const float* bias, float* y, const Linear& size,
            const Workers& workers) {
  const auto [rows, in, out] = size;
  if (rows <= kFew) return product_of_few(x, {weight, out, true}, bias, y, rows, in, out, workers);
  Packed<float> right(in, out);
  right.fill([weight, out = out](Index k, Index n) { return weight[k * out + n]; }, workers);
  product(x, right, bias, y, rows, in, out, workers);
}

void linear_grad_input(const float* dy, const float* weight, float* dx, const Linear& size, const Workers& workers) {
  const auto [rows, in, out] = size;
  if (rows <= kFew) return product_of_few(dy, {weight, out, false}, nullptr, dx, rows, out, in, workers);
  Packed<float> right(out, in);
  right.fill_by_column([weight, out = out](Index k, Index n) { return weight[n * out + k]; }, workers);
  product(dy, right, nullptr, dx, rows, out, in, workers);
}

void linear_grad_weight(const float* dy, const float* x, float* dweight, float* dbias, const Linear& size,
                        const Workers& workers) {
  const Index rows = size.rows, in = size.in, out = size.out, wide = padded(out);
  if (rows <= kFew) return grad_weight_of_few(dy, x, dweight, dbias, size, workers);
  constexpr Index kDeep = 4 * kTile;  // rows that are summed up before the sums are written
  const Index chunk = std::min(chunk_of(kDeep), wide);
  // Each part keeps sums as large as the weights; so few parts that these sums are at most a
  // quarter of the inputs.
  const Index numbers = rows * (in + out), weights = std::max<Index>(1, in * out);
  const Index most = std::clamp<Index>(numbers / weights / 4, 4, Split::kMostParts);
  const Split split(rows, 1 + in * out / 8);
  const Index parts = std::min(split.parts, most);
  const auto memory = vectors(parts * in * wide / kLanes);
  float* sums = reinterpret_cast<float*>(memory.get());
  ColumnSums bias(parts, 1, out);
  workers.run(parts, [&](Index part) {
    float* tile = reinterpret_cast<float*>(scratch(kDeep * chunk / kLanes));
    float* own = sums + part * in * wide;
    const Index begin = rows * part / parts, end = rows * (part + 1) / parts;
    if (begin == end) std::fill(own, own + in * wide, 0.0f);
    for (Index r = begin; r < end; r += kDeep) {
      const Index height = std::min(kDeep, end - r);
      for (Index c = 0; c < wide; c += chunk) {
        const Index columns = std::min(chunk, wide - c);
        take(dy + r * out + c, out, tile, columns, bias.of(part, 0) + c, height, std::min(chunk, out - c));
        multiply({x + r * in, in, true}, in_place(tile, columns), {own + c, wide}, in, columns, height, r > begin);
      }
    }
  });
  if (dbias != nullptr) bias.total(0, dbias);
  const Split rows_of(in, parts * out);
  workers.run(rows_of.parts, [&](Index part) {
    for (Index k = rows_of.begin(part); k < rows_of.end(part); ++k) {
      float* to = dweight + k * out;
      std::copy(sums + k * wide, sums + k * wide + out, to);
      for (Index p = 1; p < parts; ++p) {
        const float* from = sums + (p * in + k) * wide;
#pragma omp simd
        for (Index n = 0; n < out; ++n) to[n] += from[n];
      }
    }
  });
}

}  // namespace bcssl
