// Forward pass of the fused block; the mathematics is in pointwise.h.
#include "pointwise/pointwise.h"

#include "kernels/gelu.h"

namespace bcssl {
namespace {

/** The second layer's weights of some units, times layer scale: [units, channels]. */
template <typename T>
Packed<T> second_layer(const Pointwise& p, Units units, const Workers& workers) {
  Packed<T> packed(units.count(), p.channels);
  const float* weight = p.weight2 + units.begin * p.channels;
  packed.fill([&](Index j, Index c) { return weight[j * p.channels + c] * p.gamma[c]; }, workers);
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

/** The forward pass; T is the element type of its matrix products (float or bf16 pairs). */
template <typename T>
class Forward {
 public:
  Forward(const float* input, const float* x, const Pointwise& p, float* y, Index rows)
      : input_(input), x_(x), p_(p), y_(y), C_(p.channels), H_(p.hidden), normalization_(p), bias1_(folded_bias(p)),
        tiles_{rows, tile_rows(C_)}, wide_(spread(C_)), narrow_(spread(std::min(kUnitChunk, padded(H_)))) {}

  void run(const Workers& workers) const { are_few(tiles_.rows, p_) ? share_units(workers) : share_rows(workers); }

 private:
  /** The weights of some units as right factors. */
  struct Layers {
    Layers(const Pointwise& p, Units units, const Workers& workers)
        : first(first_layer<T>(p, units, workers)), second(second_layer<T>(p, units, workers)) {}
    Packed<T> first, second;
  };

  /** Divides the rows among the threads. */
  void share_rows(const Workers& workers) const {
    const Layers layers(p_, {0, H_}, workers);
    Split split(tiles_.rows, C_ * H_ / 4);
    split.parts = std::min(split.parts, std::max<Index>(4, 4 * tiles_.rows / C_));  // as each part reads all weights
    workers.run(split.parts, [&](Index part) {
      const Index tile = tiles_.height;
      Memory memory(Factor<T>::size(tile, wide_) + Factor<T>::size(tile, narrow_) + tile * wide_);
      const Factor<T> xhat(memory, tile, wide_), h(memory, tile, narrow_);
      const Result branch{memory.take(tile, wide_), wide_};
      for (Index r = split.begin(part); r < split.end(part); r += tile) {
        const Index rows = std::min(tile, split.end(part) - r);
        begin_rows(xhat, r, rows);
        for (Index j = 0; j < H_; j += kUnitChunk) {
          add(layers, j, xhat, h, chunk_of(j / kUnitChunk, H_), rows, branch, j > 0);
        }
        for (Index i = 0; i < rows; ++i) finish_row(r + i, branch.data + i * wide_);
      }
    });
  }

  /** Divides the hidden units among the threads. */
  void share_units(const Workers& workers) const {
    const Index even = (tiles_.rows + 1) / 2 * 2;
    const auto kept = vectors(Factor<T>::size(even, wide_) / kLanes);
    Memory memory(kept);
    const Factor<T> xhat(memory, even, wide_);
    const SharedRows branch(tiles_.rows, C_);
    workers.run(tiles_.count(), [&](Index tile) {
      const Index begin = tiles_.begin(tile);
      begin_rows(xhat.from(begin), begin, tiles_.end(tile) - begin);
    });
    workers.run(kShares, [&](Index index) {
      Memory memory(Factor<T>::size(tiles_.height, narrow_));
      const Factor<T> h(memory, tiles_.height, narrow_);
      const Share share(index, H_);
      for (Index chunk = share.begin; chunk < share.end; ++chunk) {
        const Units units = chunk_of(chunk, H_);
        const Layers layers(p_, units, Caller());
        for (Index tile = 0; tile < tiles_.count(); ++tile) {
          const Index begin = tiles_.begin(tile), rows = tiles_.end(tile) - begin;
          add(layers, 0, xhat.from(begin), h, units, rows, branch.from(index, begin), chunk > share.begin);
        }
      }
    });
    workers.run(tiles_.count(), [&](Index tile) {
      for (Index r = tiles_.begin(tile); r < tiles_.end(tile); ++r) finish_row(r, branch.total(r));
    });
  }

  /** Normalises rows from `begin` on. */
  void begin_rows(const Factor<T>& xhat, Index begin, Index rows) const {
    for (Index r = 0; r < rows; ++r) normalization_.apply(input_ + (begin + r) * C_, xhat.row(r));
    xhat.round_by_row(rows, padded(C_));
  }

  /** Adds to `branch` what some hidden units give; they begin at `column` of `layers`. */
  void add(const Layers& layers, Index column, const Factor<T>& xhat, const Factor<T>& h, Units units, Index rows,
           const Result& branch, bool add) const {
    const Index columns = padded(units.count());
    multiply(xhat.left(), layers.first.from(0, column), h.result(), rows, columns, C_, false);
    activate(h.result(), bias1_.data() + units.begin, rows, columns);
    h.round_by_row(rows, columns);
    multiply(h.left(), layers.second.from(column, 0), branch, rows, padded(C_), units.count(), add);
  }

  /** Writes a row of the result. */
  void finish_row(Index row, const float* branch) const {
    const float keep = p_.keep[row / rows_per_image(p_, tiles_.rows)];
    const float* from = x_ + row * C_;
    float* to = y_ + row * C_;
#pragma omp simd
    for (Index c = 0; c < C_; ++c) to[c] = from[c] + keep * (branch[c] + p_.bias2[c] * p_.gamma[c]);
  }

  const float *input_, *x_;
  const Pointwise& p_;
  float* y_;
  Index C_, H_;
  Normalization normalization_;
  std::vector<float> bias1_;
  Tiles tiles_;
  Index wide_, narrow_;  // lengths of rows with all channels, and with a chunk of units
};

}  // namespace

bool has_bf16() { return kHasBf16; }

void pointwise(const float* input, const float* x, const Pointwise& p, float* y, Index rows, const Workers& workers) {
  if (p.bf16) {
    Forward<Pair>(input, x, p, y, rows).run(workers);
  } else {
    Forward<float>(input, x, p, y, rows).run(workers);
  }
}

}  // namespace bcssl
