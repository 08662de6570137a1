// The kernels of this library: plain C++ on float arrays, no TensorFlow. Every array is dense and row-major.
//
// Sizes: `count` elements; `rows` positions of `channels` values each. Work is cut into parts by its size alone, and
// partial sums are added in the order of the parts, so a result does not depend on the number of threads or on timing.
// A NaN that enters comes out.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

namespace bcssl {

using Index = std::int64_t;

/** Threads that someone else owns. */
class Workers {
 public:
  virtual ~Workers() = default;
  /** Runs task(0) … task(parts − 1), on any thread and in any order, and waits for all. */
  virtual void run(Index parts, const std::function<void(Index)>& task) const = 0;
};

/** The calling thread. */
class Caller : public Workers {
 public:
  void run(Index parts, const std::function<void(Index)>& task) const override {
    for (Index part = 0; part < parts; ++part) task(part);
  }
};

/** A range of units cut into parts of nearly equal length; how many depends on the work alone. */
struct Split {
  Index total, parts;
  Split(Index total, Index work_per_unit)
      : total(total), parts(std::clamp<Index>(total * work_per_unit / 16384, 1, kMostParts)) {
    parts = std::max<Index>(1, std::min(parts, total));
  }
  Index begin(Index part) const { return total * part / parts; }
  Index end(Index part) const { return begin(part + 1); }
  static constexpr Index kMostParts = 32;
};

/** `rows` positions of `channels` values. */
struct Rows {
  Index rows, channels;
};

// ---- gelu.cc

/** y = x · Φ(x). */
void gelu(const float* x, float* y, Index count, const Workers& workers);
/** dx = dy · (Φ(x) + x · φ(x)). */
void gelu_grad(const float* dy, const float* x, float* dx, Index count, const Workers& workers);
/** y = gelu(x + bias): the bias of the linear layer before it, for free. */
void bias_gelu(const float* x, const float* bias, float* y, Rows size, const Workers& workers);
void bias_gelu_grad(const float* dy, const float* x, const float* bias, float* dx, float* dbias, Rows size,
                    const Workers& workers);

// ---- layer_norm.cc

/** Each row: y = (x − mean) · rstd · weight + bias; also gives mean and rstd, one per row. */
void layer_norm(const float* x, const float* weight, const float* bias, float eps, float* y,
                float* mean, float* rstd, Rows size, const Workers& workers);
void layer_norm_grad(const float* dy, const float* x, const float* mean, const float* rstd,
                     const float* weight, float* dx, float* dweight, float* dbias, Rows size,
                     const Workers& workers);

// ---- batch_norm.cc

/** y = x · scale + shift, one of each per channel: a BatchNorm in evaluation. */
void affine(const float* x, const float* scale, const float* shift, float* y, Rows size, const Workers& workers);

/** BatchNorm's running mean and unbiased variance, moved by `momentum` of the way to a batch's. */
struct Running {
  const float *mean, *variance;
  float momentum;
  float *new_mean, *new_variance;
};
/** Each channel's mean and rstd over all rows. */
void batch_moments(const float* x, float eps, const Running& running, float* mean, float* rstd, Rows size,
                   const Workers& workers);
/** As above, and y = (x − mean) · rstd · weight + bias. */
void batch_norm(const float* x, const float* weight, const float* bias, float eps, const Running& running, float* y,
                float* mean, float* rstd, Rows size, const Workers& workers);
void batch_norm_grad(const float* dy, const float* x, const float* mean, const float* rstd,
                     const float* weight, float* dx, float* dweight, float* dbias, Rows size,
                     const Workers& workers);

// ---- residual.cc

/** The end of a residual branch. `bias` and `gamma` have one number per channel, `keep` one per image. */
struct Ending {
  const float *bias, *gamma, *keep;
  Index images;
};
/** y = x + keep · gamma · (branch + bias). */
void scaled_residual(const float* x, const float* branch, const Ending& ending, float* y, Rows size,
                     const Workers& workers);
/** dbranch = keep · gamma · dy; dbias is its sum over rows; dgamma = Σ keep · (branch + bias) · dy. (dx is dy itself.) */
void scaled_residual_grad(const float* dy, const float* branch, const Ending& ending, float* dbranch,
                          float* dbias, float* dgamma, Rows size, const Workers& workers);

// ---- linear.cc

/** A matrix [rows, in] times weights [in, out]. */
struct Linear {
  Index rows, in, out;
};
/** y = x · weight + bias; no bias: null. */
void linear(const float* x, const float* weight, const float* bias, float* y, const Linear& size,
            const Workers& workers);
void linear_grad_input(const float* dy, const float* weight, float* dx, const Linear& size, const Workers& workers);
/** dbias may be null. */
void linear_grad_weight(const float* dy, const float* x, float* dweight, float* dbias, const Linear& size,
                        const Workers& workers);

// ---- pointwise.cc

/** A BatchNorm in training: what the batch had, and its weights, one number per channel. */
struct BatchNormalized {
  const float *mean, *rstd, *weight, *bias;
};
/** x + keep · gamma · (gelu(LayerNorm(z) · weight1 + bias1) · weight2 + bias2) of a row z, or BatchNorm(z) if not null. */
struct Pointwise {
  Index channels, hidden;
  const float *norm_weight, *norm_bias;
  float eps;
  const float *weight1, *bias1, *weight2, *bias2;  // [channels, hidden], [hidden], [hidden, channels], [channels]
  const float *gamma, *keep;                       // one per channel, one per image
  Index images;
  const BatchNormalized* batch_norm;
  /** Whether the factors of products are rounded to bf16, where the CPU multiplies those. All else stays as it is. */
  bool bf16;
};
/** Whether this CPU multiplies bf16. */
bool has_bf16();
void pointwise(const float* input, const float* x, const Pointwise& p, float* y, Index rows, const Workers& workers);
/** Those of the BatchNorm are written if there is one. (dx is dy itself.) */
struct PointwiseGrads {
  float *input, *norm_weight, *norm_bias, *weight1, *bias1, *weight2, *bias2, *gamma, *bn_weight, *bn_bias;
};
void pointwise_grad(const float* dy, const float* input, const Pointwise& p, const PointwiseGrads& grads, Index rows,
                    const Workers& workers);

// ---- softmax.cc

/** Row r of a matrix gets row r mod `rows` of the bias; with no rows, there is none. */
struct Bias {
  const float* values;
  Index rows;
};
/** Each row: y = softmax(x + bias). */
void softmax(const float* x, const Bias& bias, float* y, Rows size, const Workers& workers);
/** dx = y · (dy − Σ dy · y); dbias adds up the rows that have the same bias. */
void softmax_grad(const float* dy, const float* y, float* dx, float* dbias, Index bias_rows, Rows size,
                  const Workers& workers);

// ---- depthwise.cc

/** Feature maps [images, height, width, channels]. */
struct Maps {
  Index images, height, width, channels;
};
/** Kernels [height, width, channels] of odd height and width, with half of each in zeros around the map. */
struct Kernel {
  Index height, width;
  Index stride;  // 1 or 2
};

/** Maps are those of the input; the output's have height and width divided by the stride, rounded up. No bias: null. */
void depthwise(const float* x, const float* weight, const float* bias, float* y, const Maps& maps,
               const Kernel& kernel, const Workers& workers);
/** `plus` is added to the gradient: that of another path to the same input, or null. */
void depthwise_grad_input(const float* dy, const float* weight, const float* plus, float* dx, const Maps& maps,
                          const Kernel& kernel, const Workers& workers);
void depthwise_grad_weight(const float* dy, const float* x, float* dweight, float* dbias, const Maps& maps,
                           const Kernel& kernel, const Workers& workers);

// ---- patches.cc

/** Patches of side × side positions, as rows [side · side · channels] of a matrix; what fills no patch is left out. */
void patches(const float* x, float* matrix, const Maps& maps, Index side, const Workers& workers);
void patches_grad(const float* dmatrix, float* dx, const Maps& maps, Index side, const Workers& workers);

// ---- roi_align.cc

/** How regions of maps are cut out, as small maps of size × size cells. */
struct RoiAlign {
  Index count;     // regions of all images
  Index size;
  Index sampling;  // samples a side in a cell; 0: as many as it has pixels, rounded up
  bool aligned;    // whether pixel centres lie at halves
  double scale;    // map pixels per image pixel
};
/** Regions [count, 5]: the image's number, left, top, right, bottom; all finite. y: [count, size, size, channels]. */
void roi_align(const float* x, const float* regions, float* y, const Maps& maps, const RoiAlign& roi,
               const Workers& workers);
void roi_align_grad(const float* dy, const float* regions, float* dx, const Maps& maps, const RoiAlign& roi,
                    const Workers& workers);

// ---- optimizer.cc: one call over all tensors of a network

/** What one weight of a network, or its gradient, is made of. */
struct Span {
  const float* in;
  float* out;
  Index count;
};

/** squares[i] = ‖in_i‖²; nothing is written to the spans. */
void squared_norms(const std::vector<Span>& tensors, float* squares, const Workers& workers);

/** AdamW's numbers for one weight at its own step t. */
struct AdamWFactors {
  float keep;       // 1 − lr · weight decay
  float beta1, new1;  // first ← beta1 · first + new1 · g
  float beta2, new2;  // second ← beta2 · second + new2 · g²
  float rms_scale;  // 1 / √(1 − beta2^t)
  float eps;
  float step;   // lr / (1 − beta1^t)
  float scale;  // of the gradient g: what clipping leaves of it
};
/** The moments are moved in place. */
void adamw(const std::vector<Span>& weights, const std::vector<const float*>& grads, const std::vector<float*>& first,
           const std::vector<float*>& second, const AdamWFactors* factors, const Workers& workers);

/** out = momentum · in + fresh · source. */
void moving_average(const std::vector<Span>& averages, const std::vector<const float*>& sources,
                    float momentum, float fresh, const Workers& workers);

}  // namespace bcssl
