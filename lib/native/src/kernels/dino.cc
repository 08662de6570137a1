// DINO's loss over tens of thousands of prototypes. A row of logits is read from memory once for
// its sum and once for its gradient; the student's softmax and log-softmax are never stored.
#include "kernels/dino.h"

#include <cmath>
#include <limits>

#include "core/exponential.h"

namespace bcssl {
namespace {

/**
 * Columns that are worked on together, so that they stay in the first cache. Sums over chunks are
 * in double.
 */
constexpr Index kPrototypeChunk = 1024;

template <class Visit>
void for_each_chunk(Index begin, Index end, Visit visit) {
  for (Index first = begin; first < end; first += kPrototypeChunk) visit(first, std::min(kPrototypeChunk, end - first));
}

/** The largest logit of a row. A NaN is passed over here; it shows in the sums that follow. */
float row_max(const float* products, const float* scales, Index count) {
  float top = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : top)
  for (Index k = 0; k < count; ++k) {
    const float logit = products[k] * scales[k];
    top = logit > top ? logit : top;
  }
  return top;
}

/** Computes one row of the teacher's probabilities q, and returns its entropy. */
double teach_row(const float* products, const float* scales, const Teaching& teaching, float* q, Index count) {
  const float sharpness = 1 / teaching.temp;
  float top = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : top)
  for (Index k = 0; k < count; ++k) {
    const float x = (products[k] * scales[k] - teaching.center[k]) * sharpness;
    q[k] = x;
    top = x > top ? x : top;
  }
  double sum = 0, weighted = 0;
  for_each_chunk(0, count, [&](Index first, Index length) {
    float part = 0, weighted_part = 0;
    float* row = q + first;
#pragma omp simd reduction(+ : part, weighted_part)
    for (Index k = 0; k < length; ++k) {
      const float below = row[k] - top;
      const float x = below < kSmallestExponent ? kSmallestExponent : below;
      const float e = exp_below_zero(x);
      row[k] = e;
      part += e;
      weighted_part += e * x;
    }
    sum += part;
    weighted += weighted_part;
  });
  const float factor = static_cast<float>(1 / sum);
#pragma omp simd
  for (Index k = 0; k < count; ++k) q[k] *= factor;
  return std::log(sum) - weighted / sum;  // −Σ q log q
}

/**
 * Returns the sum of a student row's cross-entropies with the teacher rows of its image, except its
 * own view's.
 */
double student_row(const float* products, const float* scales, const float* q, float sharpness, Index view,
                   Index image, const Pairs& pairs, float* lse, float* mass) {
  const Index count = pairs.prototypes;
  const float top = row_max(products, scales, count);
  double sum = 0, dot = 0, weight = 0;
  float x[kPrototypeChunk];
  for_each_chunk(0, count, [&](Index first, Index length) {
    float part = 0;
#pragma omp simd reduction(+ : part)
    for (Index k = 0; k < length; ++k) {
      x[k] = (products[first + k] * scales[first + k] - top) * sharpness;
      part += exp_below_zero(x[k]);
    }
    sum += part;
    for (Index t = 0; t < pairs.teachers; ++t) {
      if (t == view) continue;
      const float* target = q + (t * pairs.images + image) * count + first;
      float dot_part = 0, weight_part = 0;
#pragma omp simd reduction(+ : dot_part, weight_part)
      for (Index k = 0; k < length; ++k) {
        dot_part += target[k] * x[k];
        weight_part += target[k];
      }
      dot += dot_part;
      weight += weight_part;
    }
  });
  *lse = static_cast<float>(top * sharpness + std::log(sum));
  *mass = static_cast<float>(weight);
  return std::log(sum) * weight - dot;
}

/**
 * out = the sum of the teacher rows of an image, except that of `view`, for columns from `first`
 * on.
 */
void sum_targets(const float* q, Index view, Index image, const Pairs& pairs, Index first, Index length, float* out) {
  std::fill(out, out + length, 0.0f);
  for (Index t = 0; t < pairs.teachers; ++t) {
    if (t == view) continue;
    const float* row = q + (t * pairs.images + image) * pairs.prototypes + first;
#pragma omp simd
    for (Index k = 0; k < length; ++k) out[k] += row[k];
  }
}

}  // namespace

void prototype_scales(const float* v, const float* g, float* norms, float* scales, Rows size, const Workers& workers) {
  const auto [dims, count] = size;
  const Split split(count, dims);
  workers.run(split.parts, [&](Index part) {
    const Index begin = split.begin(part), end = split.end(part);
    std::fill(norms + begin, norms + end, 0.0f);
    for (Index d = 0; d < dims; ++d) {
      const float* row = v + d * count;
#pragma omp simd
      for (Index k = begin; k < end; ++k) norms[k] += row[k] * row[k];
    }
#pragma omp simd
    for (Index k = begin; k < end; ++k) {
      const float norm = std::sqrt(norms[k]);
      norms[k] = norm < 1e-12f ? 1e-12f : norm;  // false for NaN
      scales[k] = g[k] / norms[k];
    }
  });
}

void prototype_grad(const PrototypeGrad& in, float* out, float* dg, Rows size, const Workers& workers) {
  const auto [dims, count] = size;
  const Split split(count, dims);
  workers.run(split.parts, [&](Index part) {
    for_each_chunk(split.begin(part), split.end(part), [&](Index first, Index length) {
      float factors[kPrototypeChunk];
#pragma omp simd
      for (Index k = 0; k < length; ++k) {
        const float norm = in.norms[first + k], u = in.u[first + k];
        dg[first + k] = u / norm;
        factors[k] = u * in.scales[first + k] / norm / norm;
      }
      for (Index d = 0; d < dims; ++d) {
        const Index at = d * count + first;
#pragma omp simd
        for (Index k = 0; k < length; ++k) out[at + k] = in.dv[at + k] - in.v[at + k] * factors[k];
      }
    });
  });
}

void dino_teacher(const float* products, const float* scales, const Teaching& teaching, float* q, float* entropy,
                  float* next_center, Rows size, const Workers& workers) {
  const auto [rows, count] = size;
  std::vector<double> entropies(rows);
  const Split by_row(rows, count * kExpWork);
  workers.run(by_row.parts, [&](Index part) {
    for (Index r = by_row.begin(part); r < by_row.end(part); ++r) {
      entropies[r] = teach_row(products + r * count, scales, teaching, q + r * count, count);
    }
  });
  double sum = 0;
  for (const double row : entropies) sum += row;
  *entropy = static_cast<float>(sum / rows);
  const Split by_column(count, rows);
  workers.run(by_column.parts, [&](Index part) {
    const Index begin = by_column.begin(part), end = by_column.end(part);
    std::fill(next_center + begin, next_center + end, 0.0f);
    for (Index r = 0; r < rows; ++r) {
      const float* row = products + r * count;
#pragma omp simd
      for (Index k = begin; k < end; ++k) next_center[k] += row[k] * scales[k];
    }
    const float fresh = (1 - teaching.momentum) / rows;
#pragma omp simd
    for (Index k = begin; k < end; ++k) {
      next_center[k] = teaching.momentum * teaching.center[k] + fresh * next_center[k];
    }
  });
}

void dino_loss(const float* products, const float* scales, const float* q, float temp, float* loss,
               const RowSums<float>& sums, const Pairs& pairs, const Workers& workers) {
  const Index rows = pairs.students * pairs.images;
  std::vector<double> shares(rows);
  const Split split(rows, pairs.prototypes * kExpWork);
  workers.run(split.parts, [&](Index part) {
    for (Index i = split.begin(part); i < split.end(part); ++i) {  // image by image, so that its targets stay in the cache
      const Index view = i % pairs.students, image = i / pairs.students;
      const Index row = view * pairs.images + image;
      shares[row] = student_row(products + row * pairs.prototypes, scales, q, 1 / temp, view, image, pairs,
                                sums.lse + row, sums.mass + row);
    }
  });
  double sum = 0;
  for (const double share : shares) sum += share;
  *loss = static_cast<float>(sum / pairs.count());
}

void dino_loss_grad(float dloss, const float* products, const float* scales, const float* q, float temp,
                    const RowSums<const float>& sums, float* dproducts, float* u, const Pairs& pairs, const Workers& workers) {
  const float sharpness = 1 / temp;
  const float factor = dloss * sharpness / static_cast<float>(pairs.count());
  const Split split(pairs.prototypes, pairs.students * pairs.images * kExpWork);
  workers.run(split.parts, [&](Index part) {
    for_each_chunk(split.begin(part), split.end(part), [&](Index first, Index length) {
      float shared[kPrototypeChunk];  // targets of the views that the teacher does not see
      float own[kPrototypeChunk];     // targets of one view that it does see
      float* sum = u + first;
      const float* scale = scales + first;
      std::fill(sum, sum + length, 0.0f);
      for (Index image = 0; image < pairs.images; ++image) {
        sum_targets(q, pairs.teachers, image, pairs, first, length, shared);
        for (Index view = 0; view < pairs.students; ++view) {
          if (view < pairs.teachers) sum_targets(q, view, image, pairs, first, length, own);
          const float* target = view < pairs.teachers ? own : shared;
          const Index row = view * pairs.images + image, at = row * pairs.prototypes + first;
          const float *x = products + at, lse = sums.lse[row], mass = sums.mass[row];
          float* dx = dproducts + at;
#pragma omp simd
          for (Index k = 0; k < length; ++k) {
            const float below = x[k] * scale[k] * sharpness - lse;
            const float p = exp_below_zero(below > 0 ? 0 : below);
            const float dlogit = factor * (mass * p - target[k]);
            sum[k] += dlogit * x[k];
            dx[k] = dlogit * scale[k];
          }
        }
      }
    });
  });
}

}  // namespace bcssl
