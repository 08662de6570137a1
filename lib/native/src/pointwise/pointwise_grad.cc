// Backward pass of the fused block; the mathematics is in pointwise.h.
#include "pointwise/pointwise.h"

#include "core/column_sums.h"
#include "kernels/gelu.h"

namespace bcssl {
namespace {

/**
 * The first layer's weights of some units, times LayerNorm's weight, transposed: [units, channels].
 */
template <typename T>
Packed<T> first_layer_transposed(const Pointwise& p, Units units, const Workers& workers) {
  Packed<T> packed(units.count(), p.channels);
  const float* weight = p.weight1 + units.begin;
  packed.fill_by_column([&](Index j, Index c) { return p.norm_weight[c] * weight[c * p.hidden + j]; }, workers);
  return packed;
}

/** The second layer's weights of some units, times layer scale, transposed: [channels, units]. */
template <typename T>
Packed<T> second_layer_transposed(const Pointwise& p, Units units, const Workers& workers) {
  Packed<T> packed(p.channels, units.count());
  const float* weight = p.weight2 + units.begin * p.channels;
  packed.fill_by_column([&](Index c, Index j) { return weight[j * p.channels + c] * p.gamma[c]; }, workers);
  return packed;
}

/** h ← gelu(h + bias) and dh ← dh · gelu'(h + bias); adds all rows of the new dh to `dbias`. */
void activate_grad(const Result& hidden, const Result& grad, const float* bias, float* dbias, Index rows,
                   Index columns) {
  for (Index r = 0; r < rows; ++r) {
    float *h = hidden.data + r * hidden.stride, *dh = grad.data + r * grad.stride;
#pragma omp simd
    for (Index j = 0; j < columns; ++j) {
      const float z = h[j] + bias[j], e = gauss(z), cdf = normal_cdf(z, e);
      const float d = dh[j] * gelu_slope(z, cdf, e);
      h[j] = z * cdf;
      dh[j] = d;
      dbias[j] += d;
    }
  }
}

/** A tile of rows with all channels. */
template <typename T>
struct WideRows {
  WideRows(Memory& memory, Index rows, Index channels)
      : xhat(memory, rows, spread(channels)), up(memory, rows, spread(channels)), rstd(memory.take(1, padded(rows))) {}
  static Index size(Index rows, Index channels) { return 2 * Factor<T>::size(rows, spread(channels)) + padded(rows); }
  Factor<T> xhat, up;  // [rows, channels]; up = keep · dy
  float* rstd;         // one per row
};

/** A tile of rows with a chunk of hidden units: activations and their gradients. */
template <typename T>
struct HiddenRows {
  HiddenRows(Memory& memory, Index rows, Index hidden)
      : h(memory, rows, stride(hidden)), dh(memory, rows, stride(hidden)) {}
  static Index size(Index rows, Index hidden) { return 2 * Factor<T>::size(rows, stride(hidden)); }
  static Index stride(Index hidden) { return spread(std::min(kUnitChunk, padded(hidden))); }
  Factor<T> h, dh;
};

/** Numbers that all bands' sums together may have: beyond 16 MiB, writing and adding them takes longest. */
constexpr Index kMostSums = Index{1} << 22;

/**
 * The largest number of bands: their sums take less memory than the hidden activations would, which
 * are not kept, and at most kMostSums if there are more than eight.
 */
Index most_bands(Index rows, Index channels, Index hidden) {
  const Index fit = std::max<Index>(8, kMostSums / std::max<Index>(1, 2 * channels * hidden));
  return std::min(fit, std::clamp<Index>(rows / channels, 4, Split::kMostParts));
}

/** Gradients of the weights of some units: for each part, the sum over the rows it has seen. */
class WeightSums {
 public:
  WeightSums(Index parts, Index channels, Index units)
      : units(spread(units)), channels(spread(channels)), first_size_(channels * this->units),
        size_(padded(first_size_ + units * this->channels)), values_(vectors(parts * size_ / kLanes)) {}
  /** [channels, units]: Σ xhatᵀ · dh. */
  float* first(Index part) const { return reinterpret_cast<float*>(values_.get()) + part * size_; }
  /** [units, channels]: Σ hᵀ · up. */
  float* second(Index part) const { return first(part) + first_size_; }
  void clear(Index part) const { std::fill(first(part), first(part) + size_, 0.0f); }

  const Index units, channels;  // lengths of rows

 private:
  Index first_size_, size_;
  std::unique_ptr<Vec[]> values_;
};

/**
 * The backward pass; T is the element type of its matrix products (float or bf16 pairs).
 *
 * Where threads divide the rows into bands, each band keeps sums as large as all weights. Where
 * threads divide the hidden units, each part keeps sums as large as the weights of one chunk.
 */
template <typename T>
class Backward {
 public:
  Backward(const float* dy, const float* input, const Pointwise& p, const PointwiseGrads& grads, Index rows)
      : dy_(dy), input_(input), p_(p), grads_(grads), C_(p.channels), H_(p.hidden), normalization_(p),
        bias1_(folded_bias(p)), tiles_{rows, tile_rows(C_)}, few_(are_few(rows, p)),
        bands_(few_ ? 1 : std::clamp<Index>(rows / kTileRows, 1, most_bands(rows, C_, H_))),
        finished_(few_ ? kUnitChunk : kPanel), sums_(few_ ? kShares : bands_, C_, few_ ? kUnitChunk : H_),
        by_unit_(bands_, 1, H_), by_row_(few_ ? tiles_.count() : bands_, 3, C_),
        by_weight_((H_ + finished_ - 1) / finished_, 3, C_) {}

  void run(const Workers& workers) {
    few_ ? share_units(workers) : share_rows(workers);
    finish_channels();
    if (p_.batch_norm != nullptr) back_through_batch_norm(workers);
  }

 private:
  enum RowSum { kUp, kBatchNormWeight, kBatchNormBias };  // sums over rows, one per channel
  enum WeightSum { kGamma, kNormWeight, kNormBias };      // sums over the weights of units, one per channel

  /** The weights of the units from `begin` on, as right factors. */
  struct Layers {
    Layers(const Pointwise& p, Units units, const Workers& workers)
        : begin(units.begin), first(first_layer<T>(p, units, workers)),
          first_transposed(first_layer_transposed<T>(p, units, workers)),
          second_transposed(second_layer_transposed<T>(p, units, workers)) {}
    Index begin;
    Packed<T> first, first_transposed, second_transposed;
  };

  /** A tile of rows, and where the gradient of its xhat goes. */
  struct Tile {
    Factor<T> xhat, up;
    Index rows;
    Result dxhat;
  };

  /** Divides the rows among the threads. */
  void share_rows(const Workers& workers) {
    const Layers layers(p_, {0, H_}, workers);
    workers.run(bands_, [&](Index band) { add_band(layers, band); });
    workers.run((H_ + finished_ - 1) / finished_, [&](Index part) {
      const Units units{part * finished_, std::min(H_, (part + 1) * finished_)};
      finish_units(units, units.begin, 0, part);
    });
  }

  /** Works on the rows of one band. */
  void add_band(const Layers& layers, Index band) {
    const Index height = tiles_.height, begin = tiles_.rows * band / bands_, end = tiles_.rows * (band + 1) / bands_;
    Memory memory(WideRows<T>::size(height, C_) + HiddenRows<T>::size(height, H_) + height * spread(C_));
    const WideRows<T> wide(memory, height, C_);
    const HiddenRows<T> hidden(memory, height, H_);
    const Result dxhat{memory.take(height, spread(C_)), spread(C_)};
    if (begin == end) sums_.clear(band);
    for (Index r = begin; r < end; r += height) {
      const Tile tile{wide.xhat, wide.up, std::min(height, end - r), dxhat};
      begin_rows(wide, 0, r, tile.rows, band);
      for (Index j = 0; j < H_; j += kUnitChunk) {
        add(layers, chunk_of(j / kUnitChunk, H_), tile, hidden, band, r > begin, j > 0);
      }
      for (Index i = 0; i < tile.rows; ++i) finish_row(r + i, dxhat.data + i * dxhat.stride, wide, i, band);
    }
  }

  /** Divides the hidden units among the threads. */
  void share_units(const Workers& workers) {
    const Index even = (tiles_.rows + 1) / 2 * 2;
    const auto kept = vectors(WideRows<T>::size(even, C_) / kLanes);
    Memory memory(kept);
    const WideRows<T> wide(memory, even, C_);
    const SharedRows dxhat(tiles_.rows, C_);
    workers.run(tiles_.count(), [&](Index tile) {
      const Index begin = tiles_.begin(tile);
      begin_rows(wide, begin, begin, tiles_.end(tile) - begin, tile);
    });
    workers.run(kShares, [&](Index share) { add_share(wide, dxhat, share); });
    workers.run(tiles_.count(), [&](Index tile) {
      for (Index r = tiles_.begin(tile); r < tiles_.end(tile); ++r) finish_row(r, dxhat.total(r), wide, r, tile);
    });
  }

  /** Works on one part of the hidden units. */
  void add_share(const WideRows<T>& wide, const SharedRows& dxhat, Index index) {
    Memory memory(HiddenRows<T>::size(tiles_.height, H_));
    const HiddenRows<T> hidden(memory, tiles_.height, H_);
    const Share share(index, H_);
    for (Index chunk = share.begin; chunk < share.end; ++chunk) {
      const Units units = chunk_of(chunk, H_);
      const Layers layers(p_, units, Caller());
      for (Index t = 0; t < tiles_.count(); ++t) {
        const Index begin = tiles_.begin(t), rows = tiles_.end(t) - begin;
        const Tile tile{wide.xhat.from(begin), wide.up.from(begin), rows, dxhat.from(index, begin)};
        add(layers, units, tile, hidden, index, t > 0, chunk > share.begin);
      }
      finish_units(units, 0, index, chunk);
    }
  }

  /** Prepares input rows from `begin` on as rows of `wide` from `to` on, an even number. */
  void begin_rows(const WideRows<T>& wide, Index to, Index begin, Index rows, Index part) {
    float* sum = by_row_.of(part, kUp);
    for (Index r = 0; r < rows; ++r) {
      wide.rstd[to + r] = normalization_.apply(input_ + (begin + r) * C_, wide.xhat.row(to + r));
      take_gradient(begin + r, wide.up.row(to + r), sum);
    }
    for (const Factor<T>* whole : {&wide.xhat, &wide.up}) whole->from(to).round(rows, padded(C_));
  }

  /** up = keep · dy of a row, padded with zeros; adds it to `sum`. */
  void take_gradient(Index row, float* up, float* sum) const {
    const float keep = p_.keep[row / rows_per_image(p_, tiles_.rows)];
    const float* dy = dy_ + row * C_;
#pragma omp simd
    for (Index c = 0; c < C_; ++c) {
      up[c] = keep * dy[c];
      sum[c] += up[c];
    }
    for (Index c = C_; c < padded(C_); ++c) up[c] = 0;
  }

  /**
   * Adds what a tile of rows gives to the weights' gradients of some units, and what these units
   * give to the gradient of the rows. Without `to_units` and `to_rows`, respectively, the sums
   * start here.
   */
  void add(const Layers& layers, Units units, const Tile& tile, const HiddenRows<T>& hidden, Index part, bool to_units,
           bool to_rows) {
    const Factor<T>&xhat = tile.xhat, &up = tile.up, &h = hidden.h, &dh = hidden.dh;
    const Index rows = tile.rows, count = units.count(), columns = padded(count), at = units.begin - layers.begin;
    multiply(xhat.left(), layers.first.from(0, at), h.result(), rows, columns, C_, false);
    multiply(up.left(), layers.second_transposed.from(0, at), dh.result(), rows, columns, C_, false);
    activate_grad(h.result(), dh.result(), bias1_.data() + units.begin, by_unit_.of(few_ ? 0 : part, 0) + units.begin,
                  rows, columns);
    h.round_by_column(rows, columns);
    dh.round(rows, columns);
    multiply(dh.left(), layers.first_transposed.from(at, 0), tile.dxhat, rows, padded(C_), count, to_rows);
    multiply(xhat.transposed(), dh.right(), {sums_.first(part) + at, sums_.units}, C_, columns, rows, to_units);
    multiply(h.transposed(), up.right(), {sums_.second(part) + at * sums_.channels, sums_.channels}, count, padded(C_),
             rows, to_units);
  }

  /**
   * The gradient of one row through LayerNorm, and its part of BatchNorm's sums; `at` is the row's
   * place in `wide`.
   */
  void finish_row(Index row, const float* dxhat, const WideRows<T>& wide, Index at, Index part) {
    const float* in = input_ + row * C_;
    float* dz = grads_.input + row * C_;
    normalization_.back(dxhat, wide.xhat.row(at), wide.rstd[at], dz);
    if (p_.batch_norm == nullptr) return;
    const float *mean = p_.batch_norm->mean, *rstd = p_.batch_norm->rstd;
    float *dweight = by_row_.of(part, kBatchNormWeight), *dbias = by_row_.of(part, kBatchNormBias);
#pragma omp simd
    for (Index c = 0; c < C_; ++c) {
      dweight[c] += dz[c] * (in[c] - mean[c]) * rstd[c];
      dbias[c] += dz[c];
    }
  }

  /**
   * Finishes the gradients of some units' weights, whose sums are at `column` of all bands, or of
   * part `share`.
   */
  void finish_units(Units units, Index column, Index share, Index part) {
    by_unit_.total(0, units.begin, units.end, grads_.bias1);
    for (Index c = 0; c < C_; ++c) {
      const Index at = c * sums_.units + column;
      for (Index band = 1; band < bands_; ++band) add_to(sums_.first(0) + at, sums_.first(band) + at, units.count());
      finish_first_layer(c, units, sums_.first(share) + at, part);
    }
    for (Index j = 0; j < units.count(); ++j) {
      const Index at = (column + j) * sums_.channels;
      for (Index band = 1; band < bands_; ++band) add_to(sums_.second(0) + at, sums_.second(band) + at, C_);
      finish_second_layer(units.begin + j, sums_.second(share) + at, by_weight_.of(part, kGamma));
    }
  }

  /** sum += more */
  static void add_to(float* sum, const float* more, Index count) {
#pragma omp simd
    for (Index i = 0; i < count; ++i) sum[i] += more[i];
  }

  /** The gradients of the first layer and of LayerNorm, for one channel. */
  void finish_first_layer(Index c, Units units, const float* sum, Index part) {
    const float *weight = p_.weight1 + c * H_ + units.begin, *dbias1 = grads_.bias1 + units.begin;
    const float norm_weight = p_.norm_weight[c], norm_bias = p_.norm_bias[c];
    float *out = grads_.weight1 + c * H_ + units.begin, dweight = 0, dbias = 0;
#pragma omp simd reduction(+ : dweight, dbias)
    for (Index j = 0; j < units.count(); ++j) {
      dweight += weight[j] * sum[j];
      dbias += weight[j] * dbias1[j];
      out[j] = norm_weight * sum[j] + norm_bias * dbias1[j];
    }
    by_weight_.of(part, kNormWeight)[c] = dweight;
    by_weight_.of(part, kNormBias)[c] = dbias;
  }

  /** The gradients of the second layer and of layer scale, for one hidden unit. */
  void finish_second_layer(Index unit, const float* sum, float* dgamma) {
    const float* weight = p_.weight2 + unit * C_;
    float* out = grads_.weight2 + unit * C_;
#pragma omp simd
    for (Index c = 0; c < C_; ++c) {
      dgamma[c] += sum[c] * weight[c];
      out[c] = sum[c] * p_.gamma[c];
    }
  }

  /** Adds up the gradients that have one number per channel. */
  void finish_channels() {
    by_row_.total(kUp, grads_.bias2);  // so far without layer scale
    by_weight_.total(kGamma, grads_.gamma);
    by_weight_.total(kNormWeight, grads_.norm_weight);
    by_weight_.total(kNormBias, grads_.norm_bias);
    for (Index c = 0; c < C_; ++c) {
      grads_.gamma[c] += p_.bias2[c] * grads_.bias2[c];
      grads_.bias2[c] *= p_.gamma[c];
    }
  }

  /** Turns the gradient of BatchNorm's output into that of its input, in place. */
  void back_through_batch_norm(const Workers& workers) {
    const BatchNormalized& bn = *p_.batch_norm;
    by_row_.total(kBatchNormWeight, grads_.bn_weight);
    by_row_.total(kBatchNormBias, grads_.bn_bias);
    const float share = 1.0f / tiles_.rows;
    const Split split(tiles_.rows, C_);
    workers.run(split.parts, [&](Index part) {
      for (Index r = split.begin(part); r < split.end(part); ++r) {
        const float* in = input_ + r * C_;
        float* d = grads_.input + r * C_;
#pragma omp simd
        for (Index c = 0; c < C_; ++c) {
          const float xhat = (in[c] - bn.mean[c]) * bn.rstd[c];
          d[c] = (d[c] - grads_.bn_bias[c] * share - xhat * grads_.bn_weight[c] * share) * bn.rstd[c] * bn.weight[c];
        }
      }
    });
  }

  const float *dy_, *input_;
  const Pointwise& p_;
  const PointwiseGrads& grads_;
  Index C_, H_;
  Normalization normalization_;
  std::vector<float> bias1_;
  Tiles tiles_;
  bool few_;
  Index bands_, finished_;  // parts of the rows; units whose gradients are finished at a time
  WeightSums sums_;
  ColumnSums by_unit_, by_row_, by_weight_;
};

}  // namespace

void pointwise_grad(const float* dy, const float* input, const Pointwise& p, const PointwiseGrads& grads, Index rows,
                    const Workers& workers) {
  if (p.bf16) {
    Backward<Pair>(dy, input, p, grads, rows).run(workers);
  } else {
    Backward<float>(dy, input, p, grads, rows).run(workers);
  }
}

}  // namespace bcssl
