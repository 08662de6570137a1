// The part of a ConvNeXt block that works on each pixel by itself, in one pass: [BatchNorm,] LayerNorm, two linear layers
// with GELU between them, layer scale, stochastic depth and the addition.
//
// A tile of rows goes through all of it a chunk of hidden units at a time, so the hidden activations, four times as wide
// as the maps, never leave the cache; the way back computes them again. What is linear is folded into the layer next to
// it: LayerNorm's weight and bias into the first, layer scale into the second. Their gradients then come from sums that
// the weights' gradients need anyway, not from passes over rows.
#include <cmath>

#include "column_sums.h"
#include "factor.h"
#include "gelu.h"
#include "rows.h"

namespace bcssl {
namespace {

/** Hidden units at a time. */
constexpr Index kChunk = 128;
static_assert(kChunk % kPanel == 0);

/** Rows of a tile: with many channels more, as each tile reads all weights and adds to all their gradients. */
Index tile_rows(Index channels) { return channels < 512 ? 96 : 192; }

/** BatchNorm's, then LayerNorm's normalisation of single rows, without LayerNorm's weight and bias. */
class Normalization {
 public:
  explicit Normalization(const Pointwise& p)
      : p_(p), count_(padded(p.channels) / kLanes), scale_(vectors(count_)), shift_(vectors(count_)) {
    for (Index c = 0; c < count_ * kLanes; ++c) {
      const bool real = c < p.channels;
      const float scale = !real ? 0 : p.batch_norm == nullptr ? 1 : p.batch_norm->rstd[c] * p.batch_norm->weight[c];
      scale_[c / kLanes][c % kLanes] = scale;
      shift_[c / kLanes][c % kLanes] =
          real && p.batch_norm != nullptr ? p.batch_norm->bias[c] - p.batch_norm->mean[c] * scale : 0;
      if (c / kLanes == count_ - 1) last_[c % kLanes] = real ? 1 : 0;
    }
  }

  /** xhat = (z − mean) · rstd of a row z; returns rstd. `xhat` is filled up with zeros. */
  float apply(const float* row, float* xhat) const {
    Vec sum = {}, squares = {};
    for (Index b = 0; b < count_; ++b) {
      const Vec z = load(row, b) * scale_[b] + shift_[b];
      sum += z;
      std::memcpy(xhat + b * kLanes, &z, sizeof z);
    }
    const float mean = sum_of(sum) / p_.channels;
    for (Index b = 0; b < count_; ++b) {
      Vec z;
      std::memcpy(&z, xhat + b * kLanes, sizeof z);
      z -= mean;
      if (b == count_ - 1) z *= last_;
      squares += z * z;
      std::memcpy(xhat + b * kLanes, &z, sizeof z);
    }
    const float rstd = 1.0f / std::sqrt(sum_of(squares) / p_.channels + p_.eps);
    for (Index c = 0; c < count_ * kLanes; ++c) xhat[c] *= rstd;
    return rstd;
  }

  /** The way back through LayerNorm: dz = (dxhat − mean(dxhat) − xhat · mean(dxhat · xhat)) · rstd. */
  void back(const float* dxhat, const float* xhat, float rstd, float* dz) const {
    Vec shifts = {}, slopes = {};
    for (Index b = 0; b < count_; ++b) {
      Vec d, x;
      std::memcpy(&d, dxhat + b * kLanes, sizeof d);
      std::memcpy(&x, xhat + b * kLanes, sizeof x);
      shifts += d;
      slopes += d * x;
    }
    const float shift = sum_of(shifts) / p_.channels, slope = sum_of(slopes) / p_.channels;
#pragma omp simd
    for (Index c = 0; c < p_.channels; ++c) dz[c] = (dxhat[c] - shift - xhat[c] * slope) * rstd;
  }

 private:
  Vec load(const float* row, Index block) const {
    Vec v = {};
    const Index filled = std::min<Index>(kLanes, p_.channels - block * kLanes);
    if (filled == kLanes) {
      std::memcpy(&v, row + block * kLanes, sizeof v);
    } else {
      std::memcpy(&v, row + block * kLanes, filled * sizeof(float));
    }
    return v;
  }

  const Pointwise& p_;
  Index count_;
  std::unique_ptr<Vec[]> scale_, shift_;
  Vec last_{};  // 0 beyond the last channel
};

/** The first layer's bias with LayerNorm's folded in, filled up with zeros. */
std::vector<float> folded_bias(const Pointwise& p) {
  std::vector<float> bias(padded(p.hidden));
  std::copy(p.bias1, p.bias1 + p.hidden, bias.begin());
  for (Index c = 0; c < p.channels; ++c) {
    if (p.norm_bias[c] == 0) continue;
    for (Index j = 0; j < p.hidden; ++j) bias[j] += p.norm_bias[c] * p.weight1[c * p.hidden + j];
  }
  return bias;
}

/** The first layer, LayerNorm's weight folded in: [channels, hidden]. */
template <typename T>
Packed<T> first_layer(const Pointwise& p, const Workers& workers) {
  Packed<T> packed(p.channels, p.hidden);
  packed.fill([&](Index c, Index j) { return p.norm_weight[c] * p.weight1[c * p.hidden + j]; }, workers);
  return packed;
}

template <typename T>
Packed<T> first_layer_transposed(const Pointwise& p, const Workers& workers) {
  Packed<T> packed(p.hidden, p.channels);
  packed.fill([&](Index j, Index c) { return p.norm_weight[c] * p.weight1[c * p.hidden + j]; }, workers);
  return packed;
}

/** The second layer, layer scale folded in: [hidden, channels]. */
template <typename T>
Packed<T> second_layer(const Pointwise& p, const Workers& workers) {
  Packed<T> packed(p.hidden, p.channels);
  packed.fill([&](Index j, Index c) { return p.weight2[j * p.channels + c] * p.gamma[c]; }, workers);
  return packed;
}

template <typename T>
Packed<T> second_layer_transposed(const Pointwise& p, const Workers& workers) {
  Packed<T> packed(p.channels, p.hidden);
  packed.fill([&](Index c, Index j) { return p.weight2[j * p.channels + c] * p.gamma[c]; }, workers);
  return packed;
}

/** h ← gelu(h + bias) for a chunk of hidden units. */
void activate(const Result& hidden, const float* bias, Index rows, Index columns) {
  for (Index r = 0; r < rows; ++r) {
    float* h = hidden.data + r * hidden.stride;
#pragma omp simd
    for (Index j = 0; j < columns; ++j) {
      const float z = h[j] + bias[j];
      h[j] = z * normal_cdf(z, gauss(z));
    }
  }
}

/** h ← gelu(h + bias), dh ← dh · gelu'(h + bias), of which `dbias` is the sum over all rows so far. */
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

Index rows_per_image(const Pointwise& p, Index rows) { return std::max<Index>(1, rows / std::max<Index>(1, p.images)); }

/** The way back, its products of T: what all parts share, and what each adds up. */
template <typename T>
class Backward {
 public:
  Backward(const float* dy, const float* input, const Pointwise& p, Index rows, const Workers& workers)
      : dy_(dy), input_(input), p_(p), rows_(rows), C_(p.channels), H_(p.hidden), normalization_(p),
        bias1_(folded_bias(p)), first_(first_layer<T>(p, workers)), first_t_(first_layer_transposed<T>(p, workers)),
        second_t_(second_layer_transposed<T>(p, workers)),
        // Each part has sums as large as the weights; all together they stay below the activations that are not kept.
        parts_(std::clamp<Index>(rows / kTileRows, 1, std::clamp<Index>(rows / C_, 4, Split::kMostParts))),
        large_(padded(C_ * padded(H_) + H_ * padded(C_))),
        sums_(vectors(parts_ * large_ / kLanes)), units_(parts_, 1, H_), channels_(parts_, 3, C_) {}

  void run(const PointwiseGrads& grads, const Workers& workers) {
    workers.run(parts_, [&](Index part) { add_part(part, grads.input); });
    units_.total(0, grads.bias1);
    channels_.total(kUp, grads.bias2);
    workers.run((C_ + kLanes - 1) / kLanes, [&](Index block) { finish_second_layer(block, grads); });
    workers.run(std::min(C_, Split::kMostParts), [&](Index part) {
      const Index parts = std::min(C_, Split::kMostParts);
      for (Index c = C_ * part / parts; c < C_ * (part + 1) / parts; ++c) finish_first_layer(c, grads);
    });
    if (p_.batch_norm != nullptr) back_through_batch_norm(grads, workers);
  }

 private:
  enum Kind { kUp, kBatchNormWeight, kBatchNormBias };  // of sums over rows, one for each channel

  /** [channels, hidden]: Σ xhatᵀ · dh. */
  float* first_sums(Index part) const { return reinterpret_cast<float*>(sums_.get()) + part * large_; }
  /** [hidden, channels]: Σ gᵀ · (keep · dy). */
  float* second_sums(Index part) const { return first_sums(part) + C_ * padded(H_); }

  void add_part(Index part, float* dinput) {
    const Index tile = tile_rows(C_), wide = spread(C_), chunk = spread(std::min(kChunk, padded(H_)));
    using F = Factor<T>;
    Memory memory(2 * F::size(tile, wide) + 2 * F::size(tile, chunk) + tile * (wide + kLanes));
    const Tile t{F(memory, tile, wide), F(memory, tile, wide), F(memory, tile, chunk), F(memory, tile, chunk),
                 {memory.take(tile, wide), wide}, memory.take(tile, 1)};
    const Index begin = rows_ * part / parts_, end = rows_ * (part + 1) / parts_;
    if (begin == end) std::fill(first_sums(part), first_sums(part) + large_, 0.0f);
    for (Index r = begin; r < end; r += tile) {
      add_tile(t, part, r, std::min(tile, end - r), r > begin, dinput);
    }
  }

  struct Tile {
    Factor<T> xhat, up;  // [rows, channels]; up = keep · dy
    Factor<T> h, dh;     // [rows, hidden units of a chunk]
    Result dxhat;        // [rows, channels]
    float* rstd;
  };

  void add_tile(const Tile& t, Index part, Index begin, Index rows, bool add, float* dinput) {
    const Index wide = padded(C_), all = padded(H_);
    for (Index r = 0; r < rows; ++r) {
      t.rstd[r] = normalization_.apply(input_ + (begin + r) * C_, t.xhat.row(r));
      take_gradient(begin + r, t.up.row(r), channels_.of(part, kUp));
    }
    for (const Factor<T>* whole : {&t.xhat, &t.up}) whole->round(rows, wide);
    for (Index j = 0; j < all; j += kChunk) {
      const Index columns = std::min(kChunk, all - j), units = std::min(kChunk, H_ - j);
      multiply(t.xhat.left(), first_.from(0, j), t.h.result(), rows, columns, C_, false);
      multiply(t.up.left(), second_t_.from(0, j), t.dh.result(), rows, columns, C_, false);
      activate_grad(t.h.result(), t.dh.result(), bias1_.data() + j, units_.of(part, 0) + j, rows, columns);
      t.h.round_by_column(rows, columns);
      t.dh.round(rows, columns);
      multiply(t.dh.left(), first_t_.from(j, 0), t.dxhat, rows, wide, units, j > 0);
      multiply(t.xhat.transposed(), t.dh.right(), {first_sums(part) + j, all}, C_, columns, rows, add);
      multiply(t.h.transposed(), t.up.right(), {second_sums(part) + j * wide, wide}, units, wide, rows, add);
    }
    for (Index r = 0; r < rows; ++r) {
      float* dz = dinput + (begin + r) * C_;
      normalization_.back(t.dxhat.data + r * t.dxhat.stride, t.xhat.row(r), t.rstd[r], dz);
      if (p_.batch_norm != nullptr) {
        add_to_batch_norm(dz, input_ + (begin + r) * C_, channels_.of(part, kBatchNormWeight),
                          channels_.of(part, kBatchNormBias));
      }
    }
  }

  /** up = keep · dy of a row, filled up with zeros; `sum` adds them up. */
  void take_gradient(Index row, float* up, float* sum) const {
    const float keep = p_.keep[row / rows_per_image(p_, rows_)];
    const float* dy = dy_ + row * C_;
#pragma omp simd
    for (Index c = 0; c < C_; ++c) {
      up[c] = keep * dy[c];
      sum[c] += up[c];
    }
    for (Index c = C_; c < padded(C_); ++c) up[c] = 0;
  }

  void add_to_batch_norm(const float* dz, const float* row, float* dweight, float* dbias) const {
    const float *mean = p_.batch_norm->mean, *rstd = p_.batch_norm->rstd;
#pragma omp simd
    for (Index c = 0; c < C_; ++c) {
      dweight[c] += dz[c] * (row[c] - mean[c]) * rstd[c];
      dbias[c] += dz[c];
    }
  }

  /** Second layer and layer scale, of a block of channels. */
  void finish_second_layer(Index block, const PointwiseGrads& grads) const {
    const Index first = block * kLanes, filled = std::min<Index>(kLanes, C_ - first);
    Vec dgamma = {};
    for (Index j = 0; j < H_; ++j) {
      Vec total = {}, weight = {}, gamma = {};
      for (Index part = 0; part < parts_; ++part) {
        Vec sum;
        std::memcpy(&sum, second_sums(part) + j * padded(C_) + first, sizeof sum);
        total += sum;
      }
      std::memcpy(&weight, p_.weight2 + j * C_ + first, filled * sizeof(float));
      std::memcpy(&gamma, p_.gamma + first, filled * sizeof(float));
      dgamma += total * weight;
      total *= gamma;
      std::memcpy(grads.weight2 + j * C_ + first, &total, filled * sizeof(float));
    }
    for (Index c = first; c < first + filled; ++c) {
      const float up = grads.bias2[c];  // so far without layer scale
      grads.bias2[c] = p_.gamma[c] * up;
      grads.gamma[c] = dgamma[c - first] + p_.bias2[c] * up;
    }
  }

  /** First layer and LayerNorm, of a channel. */
  void finish_first_layer(Index c, const PointwiseGrads& grads) {
    float dweight = 0, dbias = 0;
    const float *weight = p_.weight1 + c * H_, norm_weight = p_.norm_weight[c], norm_bias = p_.norm_bias[c];
    float* out = grads.weight1 + c * H_;
    for (Index part = 1; part < parts_; ++part) {
      float *to = first_sums(0) + c * padded(H_), *from = first_sums(part) + c * padded(H_);
#pragma omp simd
      for (Index j = 0; j < H_; ++j) to[j] += from[j];
    }
    const float* sum = first_sums(0) + c * padded(H_);
#pragma omp simd reduction(+ : dweight, dbias)
    for (Index j = 0; j < H_; ++j) {
      const float db1 = grads.bias1[j];
      dweight += weight[j] * sum[j];
      dbias += weight[j] * db1;
      out[j] = norm_weight * sum[j] + norm_bias * db1;
    }
    grads.norm_weight[c] = dweight;
    grads.norm_bias[c] = dbias;
  }

  void back_through_batch_norm(const PointwiseGrads& grads, const Workers& workers) {
    const BatchNormalized& bn = *p_.batch_norm;
    channels_.total(kBatchNormWeight, grads.bn_weight);
    channels_.total(kBatchNormBias, grads.bn_bias);
    const float share = 1.0f / rows_;
    const Split split(rows_, C_);
    workers.run(split.parts, [&](Index part) {
      for (Index r = split.begin(part); r < split.end(part); ++r) {
        const float* in = input_ + r * C_;
        float* d = grads.input + r * C_;
#pragma omp simd
        for (Index c = 0; c < C_; ++c) {
          const float xhat = (in[c] - bn.mean[c]) * bn.rstd[c];
          d[c] = (d[c] - grads.bn_bias[c] * share - xhat * grads.bn_weight[c] * share) * bn.rstd[c] * bn.weight[c];
        }
      }
    });
  }

  const float *dy_, *input_;
  const Pointwise& p_;
  Index rows_, C_, H_;
  Normalization normalization_;
  std::vector<float> bias1_;
  Packed<T> first_, first_t_, second_t_;
  Index parts_, large_;
  std::unique_ptr<Vec[]> sums_;
  ColumnSums units_, channels_;  // over rows
};

template <typename T>
void forward(const float* input, const float* x, const Pointwise& p, float* y, Index rows, const Workers& workers) {
  const Index C = p.channels, H = p.hidden;
  const Normalization normalization(p);
  const std::vector<float> bias1 = folded_bias(p);
  const Packed<T> first = first_layer<T>(p, workers), second = second_layer<T>(p, workers);
  const Index tile = tile_rows(C), wide = spread(C), chunk = spread(std::min(kChunk, padded(H)));
  const Split split(rows, C * H / 4);
  workers.run(split.parts, [&](Index part) {
    Memory memory(Factor<T>::size(tile, wide) + Factor<T>::size(tile, chunk) + tile * wide);
    const Factor<T> xhat(memory, tile, wide), h(memory, tile, chunk);
    const Result out{memory.take(tile, wide), wide};
    const Index end = split.end(part);
    for (Index begin = split.begin(part); begin < end; begin += tile) {
      const Index height = std::min(tile, end - begin);
      for (Index r = 0; r < height; ++r) normalization.apply(input + (begin + r) * C, xhat.row(r));
      xhat.round_by_row(height, padded(C));
      for (Index j = 0; j < padded(H); j += kChunk) {
        const Index columns = std::min(kChunk, padded(H) - j), units = std::min(kChunk, H - j);
        multiply(xhat.left(), first.from(0, j), h.result(), height, columns, C, false);
        activate(h.result(), bias1.data() + j, height, columns);
        h.round_by_row(height, columns);
        multiply(h.left(), second.from(j, 0), out, height, padded(C), units, j > 0);
      }
      for (Index r = 0; r < height; ++r) {
        const float keep = p.keep[(begin + r) / rows_per_image(p, rows)];
        const float *from = x + (begin + r) * C, *branch = out.data + r * wide;
        float* to = y + (begin + r) * C;
#pragma omp simd
        for (Index c = 0; c < C; ++c) to[c] = from[c] + keep * (branch[c] + p.bias2[c] * p.gamma[c]);
      }
    }
  });
}

}  // namespace

bool has_bf16() { return kHasBf16; }

void pointwise(const float* input, const float* x, const Pointwise& p, float* y, Index rows, const Workers& workers) {
  (p.bf16 ? forward<Pair> : forward<float>)(input, x, p, y, rows, workers);
}

void pointwise_grad(const float* dy, const float* input, const Pointwise& p, const PointwiseGrads& grads, Index rows,
                    const Workers& workers) {
  if (p.bf16) {
    Backward<Pair>(dy, input, p, rows, workers).run(grads, workers);
  } else {
    Backward<float>(dy, input, p, rows, workers).run(grads, workers);
  }
}

}  // namespace bcssl
