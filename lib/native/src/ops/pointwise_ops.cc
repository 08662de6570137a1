// Linear layers, the per-pixel part of a ConvNeXt block, and the moments of the BatchNorm before
// it, as TensorFlow operations. The order of inputs and outputs is that of
// lib/native/signatures.ts.
#include "core/op.h"

namespace bcssl {
namespace {

/**
 * Whether x, weight and bias fit each other; gives their sizes. A weight of any shape counts as a
 * matrix [in, out].
 */
bool is_linear(Call& call, int x, int weight, int biases, bcssl::Linear* size) {
  const auto [rows, in] = call.rows(x);
  const Index out = call.rows(weight).channels;
  *size = {rows, in, out};
  if (!call.all_hold({weight}, in * out)) return false;
  return biases == 0 || call.all_hold({weight + 1}, out);
}

/** The shape of input i with another last axis. */
tf::TensorShape with_last_axis(const Call& call, int i, Index size) {
  tf::TensorShape shape = call.shape(i);
  if (shape.dims() > 0) shape.set_dim(shape.dims() - 1, size);
  return shape;
}

/** Whether the factors of products are rounded to bf16. */
struct Rounding {
  bool bf16;
  explicit Rounding(const Constants& constants) : bf16(constants.get<int>("bf16") != 0) {}
};

/** The same, and whether there is a bias: a list of none or one. */
struct LinearConstants : Rounding, ListLength {
  explicit LinearConstants(const Constants& constants) : Rounding(constants), ListLength(constants) {}
};

void Linear(Call& call, const LinearConstants& constants) {
  bcssl::Linear size{};
  if (!is_linear(call, 0, 1, constants.n, &size)) return;
  float* y = call.out(0, with_last_axis(call, 0, size.out));
  if (!call.ok()) return;
  linear(call.in(0), call.in(1), constants.n > 0 ? call.in(2) : nullptr, y, size, constants.bf16, call.workers);
}

void LinearGradInput(Call& call, const Rounding& constants) {
  bcssl::Linear size{};
  if (!is_linear(call, 1, 2, 0, &size) || !call.all_hold({0}, size.rows * size.out)) return;
  float* dx = call.out(0, call.shape(1));
  if (call.ok()) linear_grad_input(call.in(0), call.in(2), dx, size, constants.bf16, call.workers);
}

void LinearGradWeight(Call& call, const LinearConstants& constants) {
  bcssl::Linear size{};
  if (!is_linear(call, 1, 2, constants.n, &size) || !call.all_hold({0}, size.rows * size.out)) return;
  float* dweight = call.out(0, call.shape(2));
  float* dbias = constants.n > 0 ? call.out(1, {size.out}) : nullptr;
  if (call.ok()) linear_grad_weight(call.in(0), call.in(1), dweight, dbias, size, constants.bf16, call.workers);
}

/**
 * The constants of a BatchNorm in training; `momentum` is the part of the way to the batch's
 * statistics.
 */
struct MomentsConstants {
  float eps, momentum;
  explicit MomentsConstants(const Constants& constants)
      : eps(constants.get<float>("eps")), momentum(constants.get<float>("momentum")) {}
};

void BatchMoments(Call& call, const MomentsConstants& constants) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1, 2}, size.channels)) return;
  float* mean = call.out(0, {size.channels});
  float* rstd = call.out(1, {size.channels});
  float* new_mean = call.out(2, {size.channels});
  float* new_variance = call.out(3, {size.channels});
  if (!call.ok()) return;
  const Running running{call.in(1), call.in(2), constants.momentum, new_mean, new_variance};
  batch_moments(call.in(0), constants.eps, running, mean, rstd, size, call.workers);
}

/**
 * The LayerNorm's eps, whether products are in bf16, and whether there is a BatchNorm (lists of no
 * or one tensor).
 */
struct PointwiseConstants {
  float eps;
  bool bf16;
  int n;
  explicit PointwiseConstants(const Constants& constants)
      : eps(constants.get<float>("eps")), bf16(constants.get<int>("bf16") != 0), n(constants.get<int>("N")) {}
};

/**
 * Numbers of the inputs that both operations have. Inputs 0 and 1 are the map and x, or dy and the
 * map.
 */
enum In { kNormWeight = 2, kNormBias, kWeight1, kBias1, kWeight2, kBias2, kGamma, kKeep, kBatchNorm };

/**
 * Whether the inputs fit each other: the same channels everywhere, and a whole number of rows for
 * each image.
 */
bool is_pointwise(Call& call, int batch_norms) {
  const Rows size = call.rows(0);
  const Index hidden = call.count(kBias1), images = call.count(kKeep);
  if (!call.all_hold({1}, call.count(0)) || !call.all_hold({kNormWeight, kNormBias, kBias2, kGamma}, size.channels) ||
      !call.all_hold({kWeight1, kWeight2}, size.channels * hidden)) {
    return false;
  }
  for (int i = 0; i < 4 * batch_norms; ++i) {
    if (!call.all_hold({kBatchNorm + i}, size.channels)) return false;
  }
  if (images > 0 ? size.rows % images == 0 : size.rows == 0) return true;
  return call.fail(std::to_string(size.rows) + " rows are not shared by " + std::to_string(images) + " images");
}

/** The inputs and constants of a call. */
Pointwise pointwise_of(const Call& call, const PointwiseConstants& constants, const BatchNormalized* batch_norm) {
  return {call.rows(0).channels, call.count(kBias1), call.in(kNormWeight), call.in(kNormBias), constants.eps,
          call.in(kWeight1), call.in(kBias1), call.in(kWeight2), call.in(kBias2),
          call.in(kGamma), call.in(kKeep), call.count(kKeep), batch_norm, constants.bf16};
}

/** The inputs of the BatchNorm. */
BatchNormalized batch_norm_of(const Call& call) {
  return {call.in(kBatchNorm), call.in(kBatchNorm + 1), call.in(kBatchNorm + 2), call.in(kBatchNorm + 3)};
}

void Pointwise(Call& call, const PointwiseConstants& constants) {
  if (!is_pointwise(call, constants.n)) return;
  float* y = call.out(0, call.shape(1));
  if (!call.ok()) return;
  BatchNormalized batch_norm{};
  if (constants.n > 0) batch_norm = batch_norm_of(call);
  const auto p = pointwise_of(call, constants, constants.n > 0 ? &batch_norm : nullptr);
  pointwise(call.in(0), call.in(1), p, y, call.rows(0).rows, call.workers);
}

void PointwiseGrad(Call& call, const PointwiseConstants& constants) {
  if (!is_pointwise(call, constants.n)) return;
  const tf::TensorShape channels{call.rows(0).channels}, hidden{call.count(kBias1)};
  PointwiseGrads grads{};
  grads.input = call.out(0, call.shape(1));
  grads.norm_weight = call.out(1, channels);
  grads.norm_bias = call.out(2, channels);
  grads.weight1 = call.out(3, call.shape(kWeight1));
  grads.bias1 = call.out(4, hidden);
  grads.weight2 = call.out(5, call.shape(kWeight2));
  grads.bias2 = call.out(6, channels);
  grads.gamma = call.out(7, channels);
  if (constants.n > 0) {
    grads.bn_weight = call.out(8, channels);
    grads.bn_bias = call.out(9, channels);
  }
  if (!call.ok()) return;
  BatchNormalized batch_norm{};
  if (constants.n > 0) batch_norm = batch_norm_of(call);
  const auto p = pointwise_of(call, constants, constants.n > 0 ? &batch_norm : nullptr);
  pointwise_grad(call.in(0), call.in(1), p, grads, call.rows(0).rows, call.workers);
}

/** Tells whoever loads the library whether this CPU multiplies bf16. */
extern "C" bool bcssl_has_bf16() { return has_bf16(); }

BCSSL_OP(Linear, Linear);
BCSSL_OP(LinearGradInput, LinearGradInput);
BCSSL_OP(LinearGradWeight, LinearGradWeight);
BCSSL_OP(BatchMoments, BatchMoments);
BCSSL_OP(Pointwise, Pointwise);
BCSSL_OP(PointwiseGrad, PointwiseGrad);

}  // namespace
}  // namespace bcssl
