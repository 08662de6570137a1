// The kernels of this library: plain C++ on float arrays, no TensorFlow. Every array is dense and
// row-major.
//
// Sizes: `count` elements; `rows` positions of `channels` values each. Work is cut into parts by
// its size alone, and partial sums are added in the order of the parts, so a result does not depend
// on the number of threads or on timing. A NaN in the input reaches the output.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

namespace bcssl {

using Index = std::int64_t;

/** Runs the parts of a task; whoever implements it owns the threads. */
class Workers {
 public:
  virtual ~Workers() = default;
  /** Runs task(0) … task(parts − 1), on any thread and in any order, and waits for all. */
  virtual void run(Index parts, const std::function<void(Index)>& task) const = 0;
};

/** Runs all parts on the calling thread. */
class Caller : public Workers {
 public:
  void run(Index parts, const std::function<void(Index)>& task) const override {
    for (Index part = 0; part < parts; ++part) task(part);
  }
};

/**
 * Cuts a range of units into parts of nearly equal length. Their number depends on the work alone:
 * about one part per 16384 multiply-adds, `work_per_unit` of them for each unit.
 */
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

/** The size of a matrix: `rows` positions of `channels` values. */
struct Rows {
  Index rows, channels;
};

// ---- gelu.cc

/** y = x · Φ(x). */
void gelu(const float* x, float* y, Index count, const Workers& workers);
/** dx = dy · (Φ(x) + x · φ(x)). */
void gelu_grad(const float* dy, const float* x, float* dx, Index count, const Workers& workers);
/** y = gelu(x + bias): adds the bias of the linear layer before it in the same pass. */
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

/** y = x · scale + shift, with one scale and one shift per channel: a BatchNorm in evaluation. */
void affine(const float* x, const float* scale, const float* shift, float* y, Rows size, const Workers& workers);

/**
 * BatchNorm's running statistics, one number per channel, and their new values: moved by the part
 * `momentum` of the way to the batch's mean and unbiased variance.
 */
struct Running {
  const float *mean, *variance;
  float momentum;
  float *new_mean, *new_variance;
};
/**
 * Computes the mean and rstd = 1 / √(variance + eps) of each channel over all rows, and moves the
 * running statistics.
 */
void batch_moments(const float* x, float eps, const Running& running, float* mean, float* rstd, Rows size,
                   const Workers& workers);
/** Does what `batch_moments` does, and y = (x − mean) · rstd · weight + bias. */
void batch_norm(const float* x, const float* weight, const float* bias, float eps, const Running& running, float* y,
                float* mean, float* rstd, Rows size, const Workers& workers);
void batch_norm_grad(const float* dy, const float* x, const float* mean, const float* rstd,
                     const float* weight, float* dx, float* dweight, float* dbias, Rows size,
                     const Workers& workers);

// BatchNorm over a batch that several processes share, each with as many rows. In `all`, each
// process has a row of one kind of numbers, then a row of another.

/** The mean of each channel over all rows, then its variance, not the unbiased one. */
void own_moments(const float* x, float* moments, Rows size, const Workers& workers);
/** Does what `batch_moments` does, from the moments of processes with `rows` rows each. */
void moments_of_all(const float* all, Index processes, Index rows, float eps, const Running& running, float* mean,
                    float* rstd, Index channels);
/**
 * What one process knows after its own `batch_norm_grad`, one number per channel, and all processes'
 * dbias and dweight.
 */
struct SharedNorm {
  const float *mean, *rstd, *weight, *dweight, *dbias, *all;
  Index processes;
};
/** The dx of the whole batch, from the dx that this process computed as if it had all rows. */
void batch_norm_grad_of_all(const float* dx, const float* x, const SharedNorm& norm, float* dx_of_all, Rows size,
                            const Workers& workers);

// ---- residual.cc

/**
 * What a residual branch ends with. `bias` and `gamma` have one number per channel, `keep` one per
 * image.
 */
struct Ending {
  const float *bias, *gamma, *keep;
  Index images;
};
/** y = x + keep · gamma · (branch + bias). */
void scaled_residual(const float* x, const float* branch, const Ending& ending, float* y, Rows size,
                     const Workers& workers);
/**
 * dbranch = keep · gamma · dy; dbias is the sum of dbranch over rows; dgamma = Σ keep · (branch +
 * bias) · dy. The gradient of x is dy itself.
 */
void scaled_residual_grad(const float* dy, const float* branch, const Ending& ending, float* dbranch,
                          float* dbias, float* dgamma, Rows size, const Workers& workers);

// ---- linear.cc

/** The sizes of a product: a matrix [rows, in] times weights [in, out]. */
struct Linear {
  Index rows, in, out;
};
/**
 * y = x · weight + bias; `bias` is null if there is none.
 *
 * With bf16 the factors of the product are rounded to bf16, on a CPU that can multiply bf16, and if
 * there are so many rows that it is worth it.
 */
void linear(const float* x, const float* weight, const float* bias, float* y, const Linear& size, bool bf16,
            const Workers& workers);
/** dx = dy · weightᵀ. */
void linear_grad_input(const float* dy, const float* weight, float* dx, const Linear& size, bool bf16,
                       const Workers& workers);
/** dweight = xᵀ · dy; dbias, which may be null, is the sum of dy over rows, never rounded. */
void linear_grad_weight(const float* dy, const float* x, float* dweight, float* dbias, const Linear& size, bool bf16,
                        const Workers& workers);

// ---- pointwise.cc

/**
 * A BatchNorm in training, one number per channel: the statistics of the batch, and the weights.
 */
struct BatchNormalized {
  const float *mean, *rstd, *weight, *bias;
};
/**
 * The part of a ConvNeXt block after its depthwise convolution, for a row z of the convolution's
 * output:
 *
 * y = x + keep · gamma · (gelu(LayerNorm(z) · weight1 + bias1) · weight2 + bias2)
 *
 * With a BatchNorm, BatchNorm(z) takes the place of z.
 */
struct Pointwise {
  Index channels, hidden;
  const float *norm_weight, *norm_bias;
  float eps;
  const float *weight1, *bias1, *weight2, *bias2;  // [channels, hidden], [hidden], [hidden, channels], [channels]
  const float *gamma, *keep;                       // one per channel, one per image
  Index images;
  const BatchNormalized* batch_norm;  // null if there is none
  /**
   * Whether the factors of matrix products are rounded to bf16, on a CPU that can multiply bf16.
   * All else is fp32.
   */
  bool bf16;
};
/** Whether this CPU can multiply bf16. */
bool has_bf16();
void pointwise(const float* input, const float* x, const Pointwise& p, float* y, Index rows, const Workers& workers);
/**
 * Where the gradients go, by the names of the inputs; `input` is the map that enters the norms. The
 * BatchNorm's are written if there is one. The gradient of x is dy itself.
 */
struct PointwiseGrads {
  float *input, *norm_weight, *norm_bias, *weight1, *bias1, *weight2, *bias2, *gamma, *bn_weight, *bn_bias;
};
void pointwise_grad(const float* dy, const float* input, const Pointwise& p, const PointwiseGrads& grads, Index rows,
                    const Workers& workers);

// ---- softmax.cc

/**
 * A bias whose rows repeat: row r of a matrix gets row r mod `rows`. With 0 rows there is no bias.
 */
struct Bias {
  const float* values;
  Index rows;
};
/** Each row: y = softmax(x + bias). */
void softmax(const float* x, const Bias& bias, float* y, Rows size, const Workers& workers);
/**
 * dx = y · (dy − Σ dy · y); dbias is the sum of dx over the rows that had the same row of the bias.
 */
void softmax_grad(const float* dy, const float* y, float* dx, float* dbias, Index bias_rows, Rows size,
                  const Workers& workers);

// ---- attention.cc

/**
 * The size of attention within groups of tokens. A token has queries, then keys, then values: in
 * each `heads` times `channels` numbers, one head after another.
 */
struct Heads {
  Index groups, tokens, heads, channels;
  Index biases;  // of [heads, tokens, tokens] numbers; group g gets entry g mod `biases`
};
/**
 * y [groups, tokens, heads, channels] = softmax(q · kᵀ / √channels + bias) · v of each head; `bias`
 * is null if there is none.
 */
void attention(const float* qkv, const float* bias, float* y, const Heads& heads, const Workers& workers);
/** The gradients of qkv and, if there is one, of the bias. */
void attention_grad(const float* dy, const float* qkv, const float* bias, float* dqkv, float* dbias,
                    const Heads& heads, const Workers& workers);

// ---- depthwise/

/** The size of feature maps [images, height, width, channels]. */
struct Maps {
  Index images, height, width, channels;
};
/**
 * The size of depthwise kernels [height, width, channels]. Height and width are odd; the map has
 * half of them in zeros around it.
 */
struct Kernel {
  Index height, width;
  Index stride;  // 1 or 2
};

/**
 * y = depthwise convolution of x, + bias, which may be null. `maps` is the size of the input; the
 * output has height and width divided by the stride, rounded up.
 */
void depthwise(const float* x, const float* weight, const float* bias, float* y, const Maps& maps,
               const Kernel& kernel, const Workers& workers);
/**
 * dx = gradient of the convolution, + `plus`, the gradient of another path to the same input, which
 * may be null.
 */
void depthwise_grad_input(const float* dy, const float* weight, const float* plus, float* dx, const Maps& maps,
                          const Kernel& kernel, const Workers& workers);
/** The gradients of weight and bias; dbias may be null. */
void depthwise_grad_weight(const float* dy, const float* x, float* dweight, float* dbias, const Maps& maps,
                           const Kernel& kernel, const Workers& workers);

// ---- patches.cc

/**
 * Copies patches of side × side positions that do not overlap into rows [side · side · channels] of
 * a matrix. Positions at the right and bottom that fill no patch are left out.
 */
void patches(const float* x, float* matrix, const Maps& maps, Index side, const Workers& workers);
/** Copies the rows back into maps; positions that filled no patch get 0. */
void patches_grad(const float* dmatrix, float* dx, const Maps& maps, Index side, const Workers& workers);

// ---- conv.cc

/** The sizes of a dense convolution with weights [height, width, channels, out]. */
struct Conv {
  Index height, width, out;
  Index stride, pad_y, pad_x;  // zeros above and left of the map, and as many as needed on the other sides
  Index out_height, out_width;
  bool relu;  // whether negative results become 0
};
/**
 * y = x * weight + bias, whose factors are rounded to bf16 on a CPU that can multiply bf16. `bias` is
 * null if there is none.
 */
void rounded_conv(const float* x, const float* weight, const float* bias, float* y, const Maps& maps, const Conv& conv,
                  const Workers& workers);

// ---- roi_align.cc

/** How RoIAlign cuts regions out of maps, each as a small map of size × size cells. */
struct RoiAlign {
  Index count;     // regions of all images
  Index size;
  Index sampling;  // samples per side of a cell; 0: as many as the cell has pixels, rounded up
  bool aligned;    // whether pixel centres lie at halves
  double scale;    // map pixels per image pixel
};
/**
 * y [count, size, size, channels]: each cell is the mean of bilinear samples. Regions are [count,
 * 5]: the number of the image, left, top, right, bottom, all finite.
 */
void roi_align(const float* x, const float* regions, float* y, const Maps& maps, const RoiAlign& roi,
               const Workers& workers);
/** dx: each sample's gradient goes to the pixels that it was interpolated from. */
void roi_align_grad(const float* dy, const float* regions, float* dx, const Maps& maps, const RoiAlign& roi,
                    const Workers& workers);

// ---- optimizer.cc: one call works on all tensors of a network

/** One tensor of a network: `count` numbers to read, and where to write as many. */
struct Span {
  const float* in;
  float* out;
  Index count;
};

/** squares[i] = Σ in_i²; the spans' outputs are not written. */
void squared_norms(const std::vector<Span>& tensors, float* squares, const Workers& workers);

/** The numbers of an AdamW step for one tensor, which counts its own steps t. */
struct AdamWFactors {
  float keep;       // 1 − lr · weight decay
  float beta1, new1;  // first ← beta1 · first + new1 · g
  float beta2, new2;  // second ← beta2 · second + new2 · g²
  float rms_scale;  // 1 / √(1 − beta2^t)
  float eps;
  float step;   // lr / (1 − beta1^t)
  float scale;  // factor on the gradient g, from clipping
};
/**
 * One AdamW step: out = keep · in − step · first / (rms_scale · √second + eps). The moments `first`
 * and `second` are updated in place.
 */
void adamw(const std::vector<Span>& weights, const std::vector<const float*>& grads, const std::vector<float*>& first,
           const std::vector<float*>& second, const AdamWFactors* factors, const Workers& workers);

/** out = momentum · in + fresh · source. */
void moving_average(const std::vector<Span>& averages, const std::vector<const float*>& sources,
                    float momentum, float fresh, const Workers& workers);

// ---- bf16.cc

/** The upper half of a float's bits. */
using Bf16 = std::uint16_t;

/** Rounds the numbers of all tensors, one tensor after the other, and fills up to `size` with zeros. */
void to_bf16(const std::vector<Span>& tensors, Bf16* out, Index size, const Workers& workers);
/** The mean of `count` parts of `size` numbers, added up in fp32 in the order of the parts and then rounded. */
void mean_of_bf16(const Bf16* parts, Index count, Index size, Bf16* mean, const Workers& workers);
/** Gives the same numbers as floats. */
void from_bf16(const Bf16* in, float* out, Index size, const Workers& workers);

// ---- momentum.cc

/** Whether an update adapts to the lengths of weight and gradient, as in LARS, and by which rule. */
constexpr float kFixed = 0, kLengths = 1, kApex = 2;

/** The numbers of a step of SGD or LARS for one tensor. */
struct MomentumFactors {
  float scale;     // factor on the gradient, from clipping
  float decay;     // factor of the weight that is added to the gradient
  float momentum;  // share of the buffer that is kept
  float inside;    // factor on what is added to the buffer
  float outside;   // factor on the buffer, where it is taken from the weight
  float eta;       // length of a step as a share of the weight's length
  float adapts;    // kFixed, kLengths or kApex
};
/**
 * One step of SGD or LARS: buffer ← momentum · buffer + inside · q · g, out = in − outside · buffer,
 * with g = scale · gradient + decay · in. The buffers are updated in place.
 *
 * With kFixed q is 1; with kLengths it is eta · ‖in‖ / ‖g‖; with kApex it is
 * eta · ‖in‖ / (‖scale · gradient‖ + decay · ‖in‖ + 1e-8). Where a length is 0, q is 1, and by kApex
 * the weight does not decay either.
 */
void momentum(const std::vector<Span>& weights, const std::vector<const float*>& grads,
              const std::vector<float*>& buffers, const MomentumFactors* factors, const Workers& workers);

}  // namespace bcssl
