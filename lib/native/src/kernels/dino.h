// DINO's last layer and loss, before and after matrix products that TensorFlow does. Plain C++ on
// float arrays, like kernels.h.
//
// There are K prototypes of D dimensions, the columns of v; T teacher views, V student views, B
// images. A row of products holds ⟨z, v_k⟩ for a unit vector z and all k. The logit of prototype k
// is that times scale_k = g_k / ‖v_k‖.
#pragma once

#include "core/kernels.h"

namespace bcssl {

// ---- l2_normalize.cc

/** Each row: y = x / length with length = max(‖x‖, 1e-12). */
void l2_normalize(const float* x, float* y, float* lengths, Rows size, const Workers& workers);
/** dx = (dy − y · ⟨dy, y⟩) / length. */
void l2_normalize_grad(const float* dy, const float* y, const float* lengths, float* dx, Rows size,
                       const Workers& workers);

// ---- dino.cc

/** norms[k] = max(‖v_k‖, 1e-12) and scales[k] = g[k] / norms[k]; `size` is D rows of K. */
void prototype_scales(const float* v, const float* g, float* norms, float* scales, Rows size, const Workers& workers);

/**
 * The inputs of `prototype_grad`: `dv` is the product's gradient of v (D rows of K), `u` the sums
 * of `dino_loss_grad`.
 */
struct PrototypeGrad {
  const float *dv, *v, *u, *norms, *scales;
};
/**
 * The gradients of v, dv − v · u · scales / norms² (no logit depends on the length of v), and of g,
 * u / norms.
 */
void prototype_grad(const PrototypeGrad& in, float* out, float* dg, Rows size, const Workers& workers);

/** The constants of the teacher's distribution. */
struct Teaching {
  const float* center;  // [K]
  float temp, momentum;
};
/**
 * Each row: q = softmax((logits − center) / temp). Also the mean of the rows' entropies, in nats,
 * and momentum · center + (1 − momentum) · the mean of the rows of logits.
 */
void dino_teacher(const float* products, const float* scales, const Teaching& teaching, float* q, float* entropy,
                  float* next_center, Rows size, const Workers& workers);

/**
 * The sizes of the loss. Student rows are V · B, all images of a view together; teacher rows are T
 * · B likewise.
 */
struct Pairs {
  Index teachers, students, images, prototypes;
  /** The number of cross-entropies. */
  Index count() const { return images * (teachers * students - teachers); }
};
/** Results of `dino_loss` that its gradient needs again, one number per student row. */
template <class Float>
struct RowSums {
  Float* lse;   // log Σ exp(logit / temp)
  Float* mass;  // Σ q over all teacher rows it is paired with: their number, except for rounding
};
/**
 * The mean of the cross-entropies −Σ q · log softmax(logits / temp) over all pairs of distinct
 * views of an image.
 */
void dino_loss(const float* products, const float* scales, const float* q, float temp, float* loss,
               const RowSums<float>& sums, const Pairs& pairs, const Workers& workers);
/** dproducts = dloss · ∂loss/∂products; u[k] = Σ over rows of products · ∂loss/∂logits. */
void dino_loss_grad(float dloss, const float* products, const float* scales, const float* q, float temp,
                    const RowSums<const float>& sums, float* dproducts, float* u, const Pairs& pairs, const Workers& workers);

}  // namespace bcssl
