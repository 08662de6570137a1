// Attention of tokens within groups, and its gradient. Queries, keys and values are read where the
// linear layer before wrote them. The scores of a block of queries stay in the cache: they are
// never written to memory, and the gradient computes them again.
#include "core/exponential.h"
#include "core/rows.h"
#include "pointwise/product.h"

namespace bcssl {
namespace {

/** A matrix whose rows begin `stride` numbers apart. */
template <typename Number>
struct Matrix {
  Number* data;
  Index stride;
  Number* row(Index r) const { return data + r * stride; }
  Matrix from(Index r) const { return {row(r), stride}; }
  Left<float> left() const { return {data, stride, false}; }
  Left<float> transposed() const { return {data, stride, true}; }
  Right<float> right() const { return in_place<float>(data, stride); }
};
using In = Matrix<const float>;
using Out = Matrix<float>;

inline Vec load_whole(const float* from) {
  Vec v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
inline void store_whole(const Vec& v, float* to) { std::memcpy(to, &v, sizeof v); }

/** Rows of `filled` numbers that are padded with zeros to whole vectors. */
struct Padding {
  Index filled, vectors, stride;
  explicit Padding(Index filled)
      : filled(filled), vectors((filled + kLanes - 1) / kLanes), stride(vectors * kLanes) {}

  /** A vector of a row that is not padded; the last one with zeros. */
  Vec load(const float* row, Index vector) const {
    const float* from = row + vector * kLanes;
    return whole(vector) ? load_whole(from) : load_first(from, static_cast<int>(filled - vector * kLanes));
  }
  void store(const Vec& v, float* row, Index vector) const {
    float* to = row + vector * kLanes;
    whole(vector) ? store_whole(v, to) : store_first(v, to, static_cast<int>(filled - vector * kLanes));
  }

 private:
  bool whole(Index vector) const { return (vector + 1) * kLanes <= filled; }
};

/** Copies rows, times `scale`, and pads them. */
void pad_rows(const In& from, const Out& to, Index rows, const Padding& row, float scale) {
  for (Index r = 0; r < rows; ++r) {
    for (Index v = 0; v < row.vectors; ++v) {
      store_whole(row.load(from.row(r), v) * scale, to.row(r) + v * kLanes);
    }
  }
}

/** Copies padded rows without their padding, row r times scales[r] if there are any. */
void take_rows(const In& from, const Out& to, Index rows, const Padding& row, const float* scales = nullptr) {
  for (Index r = 0; r < rows; ++r) {
    const float scale = scales == nullptr ? 1.0f : scales[r];
    for (Index v = 0; v < row.vectors; ++v) {
      row.store(load_whole(from.row(r) + v * kLanes) * scale, to.row(r), v);
    }
  }
}

/** Numbers that `pack_transpose` writes. */
Index packed_size(const Padding& rows, Index depth) { return (rows.stride + kPanel - 1) / kPanel * kPanel * depth; }

typedef float Four __attribute__((vector_size(4 * sizeof(float))));
typedef std::int32_t Order __attribute__((vector_size(4 * sizeof(std::int32_t))));
constexpr Order kFirst = {0, 4, 1, 5}, kLast = {2, 6, 3, 7};  // takes numbers from two vectors in turn

/** Writes the transpose of 4 rows of 4 numbers, times `scale`, to rows kPanel apart. */
inline void transpose_four(const In& from, Index column, float* to, float scale) {
  Four row[4];
  for (int r = 0; r < 4; ++r) {
    std::memcpy(&row[r], from.row(r) + column, sizeof(Four));
    row[r] *= scale;
  }
  const Four even[2] = {__builtin_shuffle(row[0], row[2], kFirst), __builtin_shuffle(row[0], row[2], kLast)};
  const Four odd[2] = {__builtin_shuffle(row[1], row[3], kFirst), __builtin_shuffle(row[1], row[3], kLast)};
  for (int half = 0; half < 2; ++half) {
    const Four first = __builtin_shuffle(even[half], odd[half], kFirst);
    const Four second = __builtin_shuffle(even[half], odd[half], kLast);
    std::memcpy(to + 2 * half * kPanel, &first, sizeof first);
    std::memcpy(to + (2 * half + 1) * kPanel, &second, sizeof second);
  }
}

/** Packs the transpose of rows of `depth` numbers, times `scale`, as the right factor of a product. */
Right<float> pack_transpose(const In& from, float* to, const Padding& rows, Index depth, float scale) {
  const Index panel = kPanel * depth, quads = depth / 4 * 4;
  for (Index r = 0; r < rows.stride; r += 4) {
    float* block = to + r / kPanel * panel + r % kPanel;
    const Index height = std::clamp<Index>(rows.filled - r, 0, 4);
    if (height == 4) {
      for (Index k = 0; k < quads; k += 4) transpose_four(from.from(r), k, block + k * kPanel, scale);
    }
    for (Index k = height == 4 ? quads : 0; k < depth; ++k) {
      for (Index n = 0; n < 4; ++n) block[k * kPanel + n] = n < height ? from.row(r + n)[k] * scale : 0.0f;
    }
  }
  return {to, panel, kPanel};
}

inline float largest_of(const Vec& v) {
  float lanes[kLanes], most = -HUGE_VALF;
  store_whole(v, lanes);
#pragma omp simd reduction(max : most)
  for (int lane = 0; lane < kLanes; ++lane) most = lanes[lane] > most ? lanes[lane] : most;
  return most;
}

/**
 * A token whose score is this far below the largest gets no share, in place of one below 1e-30:
 * products with it would be subnormal numbers, which take CPUs a hundred times as long.
 */
constexpr float kNoShare = -70.0f;

/**
 * Turns each row of scores with its bias into e^(score − the largest), whose share of their sum is
 * the softmax; gives one over each sum.
 */
void exponentials(const Out& scores, const In& bias, Index rows, float* scales) {
  for (Index r = 0; r < rows; ++r) {
    float* row = scores.row(r);
    Vec most = Vec{} - HUGE_VALF;
    for (Index at = 0; at < scores.stride; at += kLanes) {
      const Vec x = load_whole(row + at) + load_whole(bias.row(r) + at);
      store_whole(x, row + at);
      most = x > most ? x : most;  // false for NaN, which the sum will hold
    }
    const float top = largest_of(most);
    for (Index at = 0; at < scores.stride; at += kLanes) store_whole(load_whole(row + at) - top, row + at);
  }
#pragma omp simd
  for (Index i = 0; i < rows * scores.stride; ++i) {
    const float x = scores.data[i], e = exp_below_zero(x);
    scores.data[i] = x < kNoShare ? 0.0f : e;
  }
  for (Index r = 0; r < rows; ++r) {
    Vec sum = {};
    for (Index at = 0; at < scores.stride; at += kLanes) sum += load_whole(scores.row(r) + at);
    scales[r] = 1.0f / sum_of(sum);
  }
}

/**
 * From e^… and the gradients of the probabilities, computes the probabilities (in place of e^…) and
 * the gradients of the scores (in place of the gradients); adds the latter to `sums` if there are
 * any.
 */
void softmax_gradients(const Out& exps, const Out& grads, const float* scales, const Out& sums, Index rows) {
  for (Index r = 0; r < rows; ++r) {
    float *p = exps.row(r), *d = grads.row(r);
    Vec dots = {};
    for (Index at = 0; at < exps.stride; at += kLanes) {
      const Vec share = load_whole(p + at) * scales[r];
      store_whole(share, p + at);
      dots += share * load_whole(d + at);
    }
    const float dot = sum_of(dots);
    for (Index at = 0; at < exps.stride; at += kLanes) {
      const Vec grad = load_whole(p + at) * (load_whole(d + at) - dot);
      store_whole(grad, d + at);
      if (sums.data != nullptr) store_whole(load_whole(sums.row(r) + at) + grad, sums.row(r) + at);
    }
  }
}

/** Slices of the calling thread's working memory, whole vectors each. */
class Slices {
 public:
  explicit Slices(Index numbers) : next_(reinterpret_cast<float*>(scratch(numbers / kLanes + kMost))) {}
  float* take(Index numbers) {
    float* slice = next_;
    next_ += Padding(numbers).stride;
    return slice;
  }

 private:
  static constexpr Index kMost = 16;  // slices, each of which may end with a part of a vector
  float* next_;
};

/** The sizes of one head's matrices, and where they lie. */
struct Sizes {
  explicit Sizes(const Heads& heads)
      : heads(heads), keys(heads.tokens), row(heads.channels), width(heads.heads * heads.channels),
        block(std::min(heads.tokens, std::max<Index>(2 * kTileRows, kBlock / keys.stride / kTileRows * kTileRows))),
        scale(1.0f / std::sqrt(static_cast<float>(heads.channels))) {}

  /** Queries (0), keys (1) or values (2) of a head of a group, or a head of an output (0, with `parts` 1). */
  template <typename Number>
  Matrix<Number> of(Number* all, Index group, Index head, Index part, Index parts = 3) const {
    const Index stride = parts * width;
    return {all + group * heads.tokens * stride + part * width + head * heads.channels, stride};
  }
  Index work() const { return heads.tokens * (heads.tokens * (kExpWork + row.stride / 8) + row.stride); }

  static constexpr Index kBlock = 8192;  // scores that are worked on together: 32 kilobytes
  const Heads& heads;
  const Padding keys, row;
  Index width;  // numbers in a token's queries of all heads
  Index block;  // queries that are worked on together
  float scale;
};

/** The biases in padded rows. Scores of padding get −∞, also where there is no bias. */
class Biases {
 public:
  Biases(const float* bias, const Sizes& s, const Workers& workers)
      : s_(s), step_(bias == nullptr ? 0 : s.keys.stride),
        rows_(vectors((bias == nullptr ? 1 : s.heads.biases * s.heads.heads * s.heads.tokens) * s.keys.vectors)) {
    const Padding& keys = s.keys;
    const Index rows = bias == nullptr ? 1 : s.heads.biases * s.heads.heads * keys.filled;
    const Split split(rows, keys.vectors);
    workers.run(split.parts, [&](Index part) {
      for (Index r = split.begin(part); r < split.end(part); ++r) {
        float* to = data() + r * keys.stride;
        if (bias == nullptr) std::fill(to, to + keys.filled, 0.0f);
        else std::copy(bias + r * keys.filled, bias + (r + 1) * keys.filled, to);
        std::fill(to + keys.filled, to + keys.stride, -HUGE_VALF);
      }
    });
  }
  In of(Index group, Index head) const {
    const Heads& h = s_.heads;
    return {data() + (step_ == 0 ? 0 : (group % h.biases * h.heads + head) * h.tokens * step_), step_};
  }

 private:
  float* data() const { return reinterpret_cast<float*>(rows_.get()); }
  const Sizes& s_;
  Index step_;
  std::unique_ptr<Vec[]> rows_;
};

/** Queries, keys and values, or their gradients. */
template <typename Number>
struct Triple {
  Matrix<Number> q, k, v;
};

/** One head of one group. */
void attend(const Sizes& s, const Triple<const float>& x, const In& bias, const Out& y) {
  const Index tokens = s.heads.tokens, channels = s.heads.channels;
  const Index keys_size = packed_size(s.keys, channels);
  Slices memory(keys_size + (tokens + s.block) * s.row.stride + s.block * (s.keys.stride + 1));
  const Right<float> keys = pack_transpose(x.k, memory.take(keys_size), s.keys, channels, s.scale);
  const Out values{memory.take(tokens * s.row.stride), s.row.stride};
  pad_rows(x.v, values, tokens, s.row, 1.0f);
  const Out scores{memory.take(s.block * s.keys.stride), s.keys.stride};
  const Out mixed{memory.take(s.block * s.row.stride), s.row.stride};
  float* scales = memory.take(s.block);
  for (Index i = 0; i < tokens; i += s.block) {
    const Index rows = std::min(s.block, tokens - i);
    multiply(x.q.from(i).left(), keys, {scores.data, scores.stride}, rows, scores.stride, channels, false);
    exponentials(scores, bias.from(i), rows, scales);
    multiply(scores.left(), values.right(), {mixed.data, mixed.stride}, rows, mixed.stride, tokens, false);
    take_rows({mixed.data, mixed.stride}, y.from(i), rows, s.row, scales);
  }
}

/** The gradients of one head of one group; adds those of the bias to `sums` if there are any. */
void attend_grad(const Sizes& s, const In& dy, const Triple<const float>& x, const In& bias, const Triple<float>& dx,
                 const Out& sums) {
  const Index tokens = s.heads.tokens, channels = s.heads.channels, stride = s.row.stride;
  const Index packed = packed_size(s.keys, channels), padded = tokens * stride;
  Slices memory(2 * packed + 5 * padded + s.block * (2 * s.keys.stride + stride + 1));
  const Right<float> keys = pack_transpose(x.k, memory.take(packed), s.keys, channels, s.scale);
  const Right<float> values = pack_transpose(x.v, memory.take(packed), s.keys, channels, 1.0f);
  const auto rows_of = [&] { return Out{memory.take(padded), stride}; };
  const Out queries = rows_of(), key_rows = rows_of(), up = rows_of(), dk = rows_of(), dv = rows_of();
  pad_rows(x.q, queries, tokens, s.row, s.scale);
  pad_rows(x.k, key_rows, tokens, s.row, s.scale);
  pad_rows(dy, up, tokens, s.row, 1.0f);
  const Out scores{memory.take(s.block * s.keys.stride), s.keys.stride};
  const Out grads{memory.take(s.block * s.keys.stride), s.keys.stride};
  const Out dq{memory.take(s.block * stride), stride};
  float* scales = memory.take(s.block);
  for (Index i = 0; i < tokens; i += s.block) {
    const Index rows = std::min(s.block, tokens - i);
    multiply(x.q.from(i).left(), keys, {scores.data, scores.stride}, rows, scores.stride, channels, false);
    exponentials(scores, bias.from(i), rows, scales);
    multiply(dy.from(i).left(), values, {grads.data, grads.stride}, rows, grads.stride, channels, false);
    softmax_gradients(scores, grads, scales, sums.from(i), rows);
    multiply(scores.transposed(), up.from(i).right(), {dv.data, stride}, tokens, stride, rows, i > 0);
    multiply(grads.transposed(), queries.from(i).right(), {dk.data, stride}, tokens, stride, rows, i > 0);
    multiply(grads.left(), key_rows.right(), {dq.data, stride}, rows, stride, tokens, false);
    take_rows({dq.data, stride}, dx.q.from(i), rows, s.row);
  }
  take_rows({dk.data, stride}, dx.k, tokens, s.row);
  take_rows({dv.data, stride}, dx.v, tokens, s.row);
}

/** The arrays of a call, for one head of one group after another. */
struct Job {
  const Sizes& s;
  const Biases& biases;
  const float *qkv, *dy;
  float* out;  // y, or the gradient of qkv

  void forward(Index group, Index head) const {
    const auto x = [&](Index part) { return s.of(qkv, group, head, part); };
    attend(s, {x(0), x(1), x(2)}, biases.of(group, head), s.of(out, group, head, 0, 1));
  }
  void backward(Index group, Index head, const Out& sums) const {
    const auto x = [&](Index part) { return s.of(qkv, group, head, part); };
    const auto dx = [&](Index part) { return s.of(out, group, head, part); };
    const In up = s.of(dy, group, head, 0, 1);
    attend_grad(s, up, {x(0), x(1), x(2)}, biases.of(group, head), {dx(0), dx(1), dx(2)}, sums);
  }
  /** Runs `one(group, head)` for all heads of all groups. */
  template <typename One>
  void run(const Workers& workers, const One& one) const {
    const Split split(s.heads.groups * s.heads.heads, s.work());
    workers.run(split.parts, [&](Index part) {
      for (Index i = split.begin(part); i < split.end(part); ++i) one(i / s.heads.heads, i % s.heads.heads);
    });
  }
};

/**
 * Runs the gradients of all groups and adds up those of each bias. The groups of one bias are cut
 * into pieces, each with sums of its own; together the sums are no larger than qkv, or than dbias.
 */
void backward_with_bias(const Job& job, float* dbias, const Workers& workers) {
  const Sizes& s = job.s;
  const auto& [groups, tokens, heads, channels, biases] = s.heads;
  const Index repeats = groups / biases, stride = s.keys.stride, size = heads * tokens * stride;
  const Index wanted = (Split(groups, heads * s.work()).parts + biases - 1) / biases;
  const Index most = std::min(repeats, 3 * channels * repeats / stride);
  const Index pieces = std::clamp<Index>(wanted, 1, std::max<Index>(1, most));
  const auto memory = vectors(biases * pieces * size / kLanes);
  float* all = reinterpret_cast<float*>(memory.get());
  workers.run(biases * pieces, [&](Index part) {
    const Index entry = part / pieces, piece = part % pieces;
    float* own = all + part * size;
    std::fill(own, own + size, 0.0f);
    for (Index r = repeats * piece / pieces; r < repeats * (piece + 1) / pieces; ++r) {
      for (Index head = 0; head < heads; ++head) {
        job.backward(r * biases + entry, head, {own + head * tokens * stride, stride});
      }
    }
  });
  const Index rows = heads * tokens;
  const Split split(biases * rows, pieces * stride);
  workers.run(split.parts, [&](Index part) {
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float* from = all + r / rows * pieces * size + r % rows * stride;
      float* to = dbias + r * tokens;
      std::copy(from, from + tokens, to);
      for (Index piece = 1; piece < pieces; ++piece) {
        from += size;
#pragma omp simd
        for (Index j = 0; j < tokens; ++j) to[j] += from[j];
      }
    }
  });
}

}  // namespace

void attention(const float* qkv, const float* bias, float* y, const Heads& heads, const Workers& workers) {
  if (heads.groups * heads.tokens == 0) return;
  const Sizes sizes(heads);
  const Biases biases(bias, sizes, workers);
  const Job job{sizes, biases, qkv, nullptr, y};
  job.run(workers, [&](Index group, Index head) { job.forward(group, head); });
}

void attention_grad(const float* dy, const float* qkv, const float* bias, float* dqkv, float* dbias,
                    const Heads& heads, const Workers& workers) {
  const Index scores = heads.heads * heads.tokens * heads.tokens;
  if (bias != nullptr && heads.groups == 0) std::fill(dbias, dbias + heads.biases * scores, 0.0f);
  if (heads.groups * heads.tokens == 0) return;
  const Sizes sizes(heads);
  const Biases biases(bias, sizes, workers);
  const Job job{sizes, biases, qkv, dy, dqkv};
  if (bias != nullptr) return backward_with_bias(job, dbias, workers);
  job.run(workers, [&](Index group, Index head) { job.backward(group, head, {nullptr, 0}); });
}

}  // namespace bcssl
