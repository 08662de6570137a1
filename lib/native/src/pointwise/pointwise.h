// The part of a ConvNeXt block that works on each pixel by itself, in one pass: [BatchNorm,]
// LayerNorm, two linear layers with GELU between them, layer scale, stochastic depth and the
// addition. This file has what forward and backward share.
//
// A tile of rows and a chunk of hidden units are worked on at a time, so the hidden activations,
// four times as wide as the maps, never leave the cache; the backward pass computes them again.
// Linear factors are folded into the weights next to them: LayerNorm's weight and bias into the
// first layer, layer scale into the second. Their gradients then come from sums that the gradients
// of the weights need anyway, not from passes over rows.
//
// Work is divided in one of two ways. Usually threads divide the rows: each goes through all
// weights, tile by tile. Where there are few rows compared with the weights, on the last maps of a
// network, threads divide the hidden units: each goes through all rows with its part of the
// weights, chunk by chunk.
#pragma once

#include <cmath>

#include "pointwise/factor.h"
#include "core/rows.h"

namespace bcssl {

/** Hidden units that are worked on at a time. */
constexpr Index kUnitChunk = 128;
static_assert(kUnitChunk % kPanel == 0);

/** The number of parts that the hidden units are divided into where rows are few. */
constexpr Index kShares = 4;

/** Whether rows are few, so that threads divide the hidden units. */
inline bool are_few(Index rows, const Pointwise& p) { return rows < 8 * p.channels && p.hidden >= kShares * kUnitChunk; }

/**
 * Rows of a tile; more for many channels, since each tile reads all weights and adds to all their
 * gradients.
 */
inline Index tile_rows(Index channels) { return channels < 512 ? 96 : 192; }

/**
 * Normalises single rows: BatchNorm, if there is one, then LayerNorm without its weight and bias.
 */
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

  /** xhat = (z − mean) · rstd for a row z after BatchNorm, padded with zeros. Returns rstd. */
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

  /**
   * The gradient through LayerNorm: dz = (dxhat − mean(dxhat) − xhat · mean(dxhat · xhat)) · rstd.
   */
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

/** The first layer's bias plus what LayerNorm's bias gives there, padded with zeros. */
inline std::vector<float> folded_bias(const Pointwise& p) {
  std::vector<float> bias(padded(p.hidden));
  std::copy(p.bias1, p.bias1 + p.hidden, bias.begin());
  for (Index c = 0; c < p.channels; ++c) {
    if (p.norm_bias[c] == 0) continue;
    for (Index j = 0; j < p.hidden; ++j) bias[j] += p.norm_bias[c] * p.weight1[c * p.hidden + j];
  }
  return bias;
}

/** A range of hidden units. */
struct Units {
  Index begin, end;
  Index count() const { return end - begin; }
};

/** The units of a chunk. */
inline Units chunk_of(Index index, Index hidden) { return {index * kUnitChunk, std::min(hidden, (index + 1) * kUnitChunk)}; }

/** The chunks of one part of the hidden units. */
struct Share {
  Index begin, end;
  Share(Index index, Index hidden) {
    const Index chunks = (hidden + kUnitChunk - 1) / kUnitChunk;
    begin = chunks * index / kShares;
    end = chunks * (index + 1) / kShares;
  }
};

/**
 * One copy of some rows for each part of the hidden units, to add to without waiting for others.
 */
class SharedRows {
 public:
  SharedRows(Index rows, Index channels)
      : rows_(rows), stride_(spread(channels)), values_(vectors(kShares * rows * stride_ / kLanes)) {}
  Result from(Index share, Index row) const {
    return {reinterpret_cast<float*>(values_.get()) + (share * rows_ + row) * stride_, stride_};
  }
  /** The sum of a row over all parts. */
  const float* total(Index row) const {
    float* total = from(0, row).data;
    for (Index share = 1; share < kShares; ++share) {
      const float* part = from(share, row).data;
#pragma omp simd
      for (Index c = 0; c < stride_; ++c) total[c] += part[c];
    }
    return total;
  }

 private:
  Index rows_, stride_;
  std::unique_ptr<Vec[]> values_;
};

/** Cuts rows into tiles. */
struct Tiles {
  Index rows, height;
  Index count() const { return (rows + height - 1) / height; }
  Index begin(Index tile) const { return tile * height; }
  Index end(Index tile) const { return std::min(rows, (tile + 1) * height); }
};

/** The first layer's weights of some units, times LayerNorm's weight: [channels, units]. */
template <typename T>
Packed<T> first_layer(const Pointwise& p, Units units, const Workers& workers) {
  Packed<T> packed(p.channels, units.count());
  const float* weight = p.weight1 + units.begin;
  packed.fill([&](Index c, Index j) { return p.norm_weight[c] * weight[c * p.hidden + j]; }, workers);
  return packed;
}

/** Pixels of an image's map. */
inline Index rows_per_image(const Pointwise& p, Index rows) {
  return std::max<Index>(1, rows / std::max<Index>(1, p.images));
}

}  // namespace bcssl
