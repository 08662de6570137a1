// DINO's last layer and loss, around matrix products that stay with TensorFlow. Plain C++ on float arrays, as kernels.h.
//
// K prototypes of D dimensions, the columns of v; T teacher views, V student views, B images. A row of products is
// ⟨z, v_k⟩ for a unit vector z; the logit of prototype k is scale_k times it, scale_k = g_k / ‖v_k‖.
#pragma once

#include "core/kernels.h"

namespace bcssl {

// ---- l2_normalize.cc

/** Each row: y = x / length, length = max(‖x‖, 1e-12). */
void l2_normalize(const float* x, float* y, float* lengths, Rows size, const Workers& workers);
/** dx = (dy − y · ⟨dy, y⟩) / length. */
void l2_normalize_grad(const float* dy, const float* y, const float* lengths, float* dx, Rows size,
                       const Workers& workers);

// ---- dino.cc

/** norms[k] = max(‖v_k‖, 1e-12), scales[k] = g[k] / norms[k]; `size` is D rows of K. */
void prototype_scales(const float* v, const float* g, float* norms, float* scales, Rows size, const Workers& workers);

/** Of products · scales, for one gradient of the products `dv` (D rows of K) and the sums u of `dino_loss_grad`. */
struct PrototypeGrad {
  const float *dv, *v, *u, *norms, *scales;
};
/** out = dv − v · u · scales / norms² (the length of v moves no logit); dg = u / norms. */
void prototype_grad(const PrototypeGrad& in, float* out, float* dg, Rows size, const Workers& workers);

/** What the teacher's distribution is made with. */
struct Teaching {
  const float* center;  // [K]
  float temp, momentum;
};
/**
 * Each row: q = softmax((logits − center) / temp). Also the mean of the rows' entropies, in nats, and
 * momentum · center + (1 − momentum) · the mean of the rows of logits.
 */
void dino_teacher(const float* products, const float* scales, const Teaching& teaching, float* q, float* entropy,
                  float* next_center, Rows size, const Workers& workers);

/** Views and images: rows of students are view-major, V · B of them, as are the T · B of teachers. */
struct Pairs {
  Index teachers, students, images, prototypes;
  Index count() const { return images * (teachers * students - teachers); }  // of cross-entropies
};
/** What the gradient needs again, one number for each student row. */
template <class Float>
struct RowSums {
  Float* lse;   // log Σ exp(logit / temp)
  Float* mass;  // of the teacher rows it is paired with: their number, but for rounding
};
/** The mean of the cross-entropies −Σ q · log softmax(logits / temp) over all pairs of distinct views of an image. */
void dino_loss(const float* products, const float* scales, const float* q, float temp, float* loss,
               const RowSums<float>& sums, const Pairs& pairs, const Workers& workers);
/** dproducts = dloss · ∂loss/∂products; u[k] = Σ over rows of products · ∂loss/∂logits. */
void dino_loss_grad(float dloss, const float* products, const float* scales, const float* q, float temp,
                    const RowSums<const float>& sums, float* dproducts, float* u, const Pairs& pairs, const Workers& workers);

}  // namespace bcssl
