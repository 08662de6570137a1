// The layers' kernels as TensorFlow operations. Loading the library registers them.
//
// The order of inputs and outputs is that of lib/native/signatures.ts. Shapes are checked here,
// because a kernel that was given a wrong one would read memory that is not its own.
#include <tuple>

#include "core/op.h"

namespace bcssl {
namespace {

/** A norm's constant. */
struct NormConstants {
  float eps;
  explicit NormConstants(const Constants& constants) : eps(constants.get<float>("eps")) {}
};

/**
 * The constants of a BatchNorm in training; `momentum` is the part of the way to the batch's
 * statistics.
 */
struct BatchNormConstants {
  float eps, momentum;
  explicit BatchNormConstants(const Constants& constants)
      : eps(constants.get<float>("eps")), momentum(constants.get<float>("momentum")) {}
};

void Gelu(Call& call) {
  float* y = call.out(0, call.shape(0));
  if (call.ok()) gelu(call.in(0), y, call.count(0), call.workers);
}

void GeluGrad(Call& call) {
  if (!call.all_hold({1}, call.count(0))) return;
  float* dx = call.out(0, call.shape(0));
  if (call.ok()) gelu_grad(call.in(0), call.in(1), dx, call.count(0), call.workers);
}

void LayerNorm(Call& call, const NormConstants& constants) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1, 2}, size.channels)) return;
  float* y = call.out(0, call.shape(0));
  float* mean = call.out(1, call.last_axis_one(0));
  float* rstd = call.out(2, call.last_axis_one(0));
  if (!call.ok()) return;
  layer_norm(call.in(0), call.in(1), call.in(2), constants.eps, y, mean, rstd, size, call.workers);
}

void Affine(Call& call) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1, 2}, size.channels)) return;
  float* y = call.out(0, call.shape(0));
  if (call.ok()) affine(call.in(0), call.in(1), call.in(2), y, size, call.workers);
}

void BatchNorm(Call& call, const BatchNormConstants& constants) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1, 2, 3, 4}, size.channels)) return;
  float* y = call.out(0, call.shape(0));
  float* mean = call.out(1, {size.channels});
  float* rstd = call.out(2, {size.channels});
  float* new_mean = call.out(3, {size.channels});
  float* new_variance = call.out(4, {size.channels});
  if (!call.ok()) return;
  const Running running{call.in(3), call.in(4), constants.momentum, new_mean, new_variance};
  batch_norm(call.in(0), call.in(1), call.in(2), constants.eps, running, y, mean, rstd, size, call.workers);
}

/** The type of a norm's gradient. */
using NormGrad = decltype(layer_norm_grad);

/** The gradient of a norm; `statistics` is how many means it has. */
void norm_grad(Call& call, NormGrad* function, Index statistics) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1}, call.count(0)) || !call.all_hold({2, 3}, statistics) ||
      !call.all_hold({4}, size.channels)) {
    return;
  }
  float* dx = call.out(0, call.shape(0));
  float* dweight = call.out(1, {size.channels});
  float* dbias = call.out(2, {size.channels});
  if (!call.ok()) return;
  function(call.in(0), call.in(1), call.in(2), call.in(3), call.in(4), dx, dweight, dbias, size, call.workers);
}

void LayerNormGrad(Call& call) { norm_grad(call, layer_norm_grad, call.rows(0).rows); }
void BatchNormGrad(Call& call) { norm_grad(call, batch_norm_grad, call.rows(0).channels); }

void OwnMoments(Call& call) {
  const Rows size = call.rows(0);
  float* moments = call.out(0, {2, size.channels});
  if (call.ok()) own_moments(call.in(0), moments, size, call.workers);
}

/** How many processes have two numbers for each channel in input `all`; fails the call if that is no whole number. */
Index processes_in(Call& call, int all, Index channels) {
  const Index processes = std::max<Index>(1, channels == 0 ? 0 : call.count(all) / (2 * channels));
  return call.all_hold({all}, 2 * channels * processes) ? processes : 0;
}

/** The constants of a BatchNorm whose batch is shared; `rows` are those of one process. */
struct SharedBatchConstants : BatchNormConstants {
  int rows;
  explicit SharedBatchConstants(const Constants& constants)
      : BatchNormConstants(constants), rows(constants.get<int>("rows")) {}
};

void MomentsOfAll(Call& call, const SharedBatchConstants& constants) {
  const Index channels = call.rows(0).channels, processes = processes_in(call, 0, channels);
  if (!call.ok() || !call.all_hold({1, 2}, channels)) return;
  float* mean = call.out(0, {channels});
  float* rstd = call.out(1, {channels});
  float* new_mean = call.out(2, {channels});
  float* new_variance = call.out(3, {channels});
  if (!call.ok()) return;
  const Running running{call.in(1), call.in(2), constants.momentum, new_mean, new_variance};
  moments_of_all(call.in(0), processes, constants.rows, constants.eps, running, mean, rstd, channels);
}

void BatchNormGradOfAll(Call& call) {
  const Rows size = call.rows(0);
  const Index processes = processes_in(call, 7, size.channels);
  if (!call.ok() || !call.all_hold({1}, call.count(0)) || !call.all_hold({2, 3, 4, 5, 6}, size.channels)) return;
  float* dx = call.out(0, call.shape(0));
  if (!call.ok()) return;
  const SharedNorm norm{call.in(2), call.in(3), call.in(4), call.in(5), call.in(6), call.in(7), processes};
  batch_norm_grad_of_all(call.in(0), call.in(1), norm, dx, size, call.workers);
}

void BiasGelu(Call& call) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1}, size.channels)) return;
  float* y = call.out(0, call.shape(0));
  if (call.ok()) bias_gelu(call.in(0), call.in(1), y, size, call.workers);
}

void BiasGeluGrad(Call& call) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1}, call.count(0)) || !call.all_hold({2}, size.channels)) return;
  float* dx = call.out(0, call.shape(0));
  float* dbias = call.out(1, {size.channels});
  if (call.ok()) bias_gelu_grad(call.in(0), call.in(1), call.in(2), dx, dbias, size, call.workers);
}

/**
 * Whether inputs 0 … 4 are x or dy, branch, bias, gamma and keep, and the images share the rows
 * evenly.
 */
bool is_residual(Call& call) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1}, call.count(0)) || !call.all_hold({2, 3}, size.channels)) return false;
  const Index images = call.count(4);
  if (images > 0 ? size.rows % images == 0 : size.rows == 0) return true;
  return call.fail(std::to_string(size.rows) + " rows are not shared by " + std::to_string(images) + " images");
}

/** Inputs 2 to 4 as the ending of a branch. */
Ending ending_of(const Call& call) { return {call.in(2), call.in(3), call.in(4), call.count(4)}; }

void ScaledResidual(Call& call) {
  if (!is_residual(call)) return;
  float* y = call.out(0, call.shape(0));
  if (call.ok()) scaled_residual(call.in(0), call.in(1), ending_of(call), y, call.rows(0), call.workers);
}

/** The output dbranch has the shape of the branch, which may differ from that of dy. */
void ScaledResidualGrad(Call& call) {
  if (!is_residual(call)) return;
  const Rows size = call.rows(0);
  float* dbranch = call.out(0, call.shape(1));
  float* dbias = call.out(1, {size.channels});
  float* dgamma = call.out(2, {size.channels});
  if (!call.ok()) return;
  scaled_residual_grad(call.in(0), call.in(1), ending_of(call), dbranch, dbias, dgamma, size, call.workers);
}

/**
 * The constants of a depthwise convolution: its stride, and whether it has what its list holds (a
 * bias, a map to add).
 */
struct DepthwiseConstants {
  int stride, n;
  explicit DepthwiseConstants(const Constants& constants)
      : stride(constants.get<int>("stride")), n(constants.get<int>("N")) {}
};

/**
 * Whether input `x` is a batch of maps and input `weight` has odd kernels [height, width, channels,
 * 1] for them.
 */
bool is_depthwise(Call& call, int x, int weight, int stride) {
  const tf::TensorShape &maps = call.shape(x), &kernel = call.shape(weight);
  if (maps.dims() == 4 && kernel.dims() == 4 && kernel.dim_size(2) == maps.dim_size(3) &&
      kernel.dim_size(3) == 1 && kernel.dim_size(0) % 2 == 1 && kernel.dim_size(1) % 2 == 1 &&
      (stride == 1 || stride == 2)) {
    return true;
  }
  return call.fail("no depthwise convolution of " + maps.DebugString() + " with " + kernel.DebugString() +
                   " at stride " + std::to_string(stride));
}

/** The size of the maps in input x. */
Maps maps_of(const Call& call, int x) {
  const tf::TensorShape& s = call.shape(x);
  return {s.dim_size(0), s.dim_size(1), s.dim_size(2), s.dim_size(3)};
}

/** The size of the kernels in input `weight`. */
Kernel kernel_of(const Call& call, int weight, int stride) {
  return {call.shape(weight).dim_size(0), call.shape(weight).dim_size(1), stride};
}

/** The shape of the outputs at a stride. */
tf::TensorShape strided(const Maps& m, int stride) {
  return {m.images, (m.height + stride - 1) / stride, (m.width + stride - 1) / stride, m.channels};
}

void Depthwise(Call& call, const DepthwiseConstants& constants) {
  const int stride = constants.stride, biases = constants.n;
  if (!is_depthwise(call, 0, 1, stride)) return;
  const Maps maps = maps_of(call, 0);
  if (biases > 0 && !call.all_hold({2}, maps.channels)) return;
  float* y = call.out(0, strided(maps, stride));
  if (!call.ok()) return;
  const float* bias = biases > 0 ? call.in(2) : nullptr;
  depthwise(call.in(0), call.in(1), bias, y, maps, kernel_of(call, 1, stride), call.workers);
}

/** Whether inputs dy, x, weight belong together. */
bool is_depthwise_grad(Call& call, int stride) {
  return is_depthwise(call, 1, 2, stride) && call.all_hold({0}, strided(maps_of(call, 1), stride).num_elements());
}

void DepthwiseGradInput(Call& call, const DepthwiseConstants& constants) {
  if (!is_depthwise_grad(call, constants.stride)) return;
  if (constants.n > 0 && !call.all_hold({3}, call.count(1))) return;
  float* dx = call.out(0, call.shape(1));
  if (!call.ok()) return;
  const float* plus = constants.n > 0 ? call.in(3) : nullptr;
  depthwise_grad_input(call.in(0), call.in(2), plus, dx, maps_of(call, 1), kernel_of(call, 2, constants.stride),
                       call.workers);
}

void DepthwiseGradWeight(Call& call, const DepthwiseConstants& constants) {
  const int stride = constants.stride, biases = constants.n;
  if (!is_depthwise_grad(call, stride)) return;
  const Maps maps = maps_of(call, 1);
  float* dweight = call.out(0, call.shape(2));
  float* dbias = biases > 0 ? call.out(1, {maps.channels}) : nullptr;
  if (!call.ok()) return;
  depthwise_grad_weight(call.in(0), call.in(1), dweight, dbias, maps, kernel_of(call, 2, stride), call.workers);
}

/** Whether the rows of input 0 are a multiple of the bias's rows; fails the call if not. */
bool is_softmax(Call& call, const Rows& bias) {
  const Rows size = call.rows(0);
  if (bias.channels == size.channels && (bias.rows == 0 || size.rows % bias.rows == 0)) return true;
  return call.fail(call.shape(0).DebugString() + " does not repeat a bias of " + std::to_string(bias.rows) + " rows");
}

void Softmax(Call& call, const ListLength& constants) {
  const Rows size = call.rows(0);
  const Rows bias = constants.n > 0 ? call.rows(1) : Rows{0, size.channels};
  if (!is_softmax(call, bias)) return;
  float* y = call.out(0, call.shape(0));
  if (!call.ok()) return;
  softmax(call.in(0), {bias.rows > 0 ? call.in(1) : nullptr, bias.rows}, y, size, call.workers);
}

void SoftmaxGrad(Call& call, const ListLength& constants) {
  const Rows size = call.rows(0);
  const Rows bias = constants.n > 0 ? call.rows(2) : Rows{0, size.channels};
  if (!call.all_hold({1}, call.count(0)) || !is_softmax(call, bias)) return;
  float* dx = call.out(0, call.shape(0));
  float* dbias = constants.n > 0 ? call.out(1, call.shape(2)) : nullptr;
  if (!call.ok()) return;
  softmax_grad(call.in(0), call.in(1), dx, dbias, bias.rows, size, call.workers);
}

/** The side of the patches. */
struct PatchConstants {
  int size;
  explicit PatchConstants(const Constants& constants) : size(constants.get<int>("size")) {}
};

/** The side of the patches, and the size of the maps that they were cut from. */
struct PatchGradConstants {
  int size, height, width;
  explicit PatchGradConstants(const Constants& constants)
      : size(constants.get<int>("size")), height(constants.get<int>("height")), width(constants.get<int>("width")) {}
};

/** Whether input 0 is a batch of maps, and the patches have a side. */
bool is_patches(Call& call, int side) {
  if (call.shape(0).dims() == 4 && side > 0) return true;
  return call.fail("no patches of side " + std::to_string(side) + " in " + call.shape(0).DebugString());
}

/** The output has one row of a patch at each place of a map. */
void Patches(Call& call, const PatchConstants& constants) {
  const Index side = constants.size;
  if (!is_patches(call, constants.size)) return;
  const Maps m = maps_of(call, 0);
  float* matrix = call.out(0, {m.images, m.height / side, m.width / side, side * side * m.channels});
  if (call.ok()) patches(call.in(0), matrix, m, side, call.workers);
}

/** The output has the height and width of the constants. */
void PatchesGrad(Call& call, const PatchGradConstants& constants) {
  const auto [rows, length] = call.rows(0);
  const Index side = constants.size, height = constants.height, width = constants.width;
  if (!is_patches(call, constants.size)) return;
  const Index of_image = (height / side) * (width / side);
  if (of_image == 0 || rows % of_image != 0 || length % (side * side) != 0) {
    call.fail(call.shape(0).DebugString() + " are no patches of maps of " + std::to_string(height) + " by " +
              std::to_string(width));
    return;
  }
  const Maps m{rows / of_image, height, width, length / (side * side)};
  float* dx = call.out(0, {m.images, m.height, m.width, m.channels});
  if (call.ok()) patches_grad(call.in(0), dx, m, side, call.workers);
}

/** The constants of a dense convolution, and whether there is a bias. */
struct ConvConstants : ListLength {
  int stride, pad_y, pad_x;
  bool relu;
  explicit ConvConstants(const Constants& constants)
      : ListLength(constants), stride(constants.get<int>("stride")), pad_y(constants.get<int>("padY")),
        pad_x(constants.get<int>("padX")), relu(constants.get<int>("relu") != 0) {}
};

void RoundedConv(Call& call, const ConvConstants& constants) {
  const auto [stride, pad_y, pad_x] = std::tuple<Index, Index, Index>(constants.stride, constants.pad_y, constants.pad_x);
  const tf::TensorShape& kernel = call.shape(1);
  if (call.shape(0).dims() != 4 || kernel.dims() != 4 || stride < 1 || pad_y < 0 || pad_x < 0) {
    call.fail("no convolution of " + call.shape(0).DebugString() + " with " + kernel.DebugString());
    return;
  }
  const Maps m = maps_of(call, 0);
  const Index height = kernel.dim_size(0), width = kernel.dim_size(1), out = kernel.dim_size(3);
  const Index rows = m.height + 2 * pad_y - height, columns = m.width + 2 * pad_x - width;
  if (rows < 0 || columns < 0 || !call.all_hold({1}, height * width * m.channels * out)) {
    call.fail("a kernel " + kernel.DebugString() + " does not fit maps " + call.shape(0).DebugString());
    return;
  }
  if (constants.n > 0 && !call.all_hold({2}, out)) return;
  const Conv conv{height, width, out, stride, pad_y, pad_x, rows / stride + 1, columns / stride + 1, constants.relu};
  float* y = call.out(0, {m.images, conv.out_height, conv.out_width, out});
  if (!call.ok()) return;
  rounded_conv(call.in(0), call.in(1), constants.n > 0 ? call.in(2) : nullptr, y, m, conv, call.workers);
}

/** The constants of RoIAlign. */
struct RoiAlignConstants {
  int size, sampling, aligned;
  float scale;
  explicit RoiAlignConstants(const Constants& constants)
      : size(constants.get<int>("size")), sampling(constants.get<int>("sampling")),
        aligned(constants.get<int>("aligned")), scale(constants.get<float>("scale")) {}
};

/** The regions of an input, and the constants. */
RoiAlign roi_of(const Call& call, int regions, const RoiAlignConstants& c) {
  return {call.count(regions) / 5, c.size, c.sampling, c.aligned != 0, c.scale};
}

/** Whether input `x` is a batch of maps and input `regions` [R, 5] has finite boxes in them. */
bool is_roi_align(Call& call, int x, int regions, const RoiAlignConstants& c) {
  const tf::TensorShape &maps = call.shape(x), &boxes = call.shape(regions);
  if (maps.dims() != 4 || maps.dim_size(1) < 1 || maps.dim_size(2) < 1 || boxes.dims() != 2 ||
      boxes.dim_size(1) != 5 || c.size < 1 || c.sampling < 0) {
    return call.fail("no RoIAlign of " + boxes.DebugString() + " in " + maps.DebugString() + " to " +
                     std::to_string(c.size) + " cells");
  }
  const float* all = call.in(regions);
  for (Index i = 0; i < call.count(regions); ++i) {
    const bool good = i % 5 == 0 ? all[i] >= 0 && all[i] < maps.dim_size(0) : std::isfinite(all[i]);
    if (!good) return call.fail("region " + std::to_string(i / 5) + " is not in the maps");
  }
  return true;
}

void RoiAlignForward(Call& call, const RoiAlignConstants& constants) {
  if (!is_roi_align(call, 0, 1, constants)) return;
  const Maps maps = maps_of(call, 0);
  const RoiAlign roi = roi_of(call, 1, constants);
  float* y = call.out(0, {roi.count, roi.size, roi.size, maps.channels});
  if (call.ok()) roi_align(call.in(0), call.in(1), y, maps, roi, call.workers);
}

void RoiAlignGrad(Call& call, const RoiAlignConstants& constants) {
  if (!is_roi_align(call, 1, 2, constants)) return;
  const Maps maps = maps_of(call, 1);
  const RoiAlign roi = roi_of(call, 2, constants);
  if (!call.all_hold({0}, roi.count * roi.size * roi.size * maps.channels)) return;
  float* dx = call.out(0, call.shape(1));
  if (call.ok()) roi_align_grad(call.in(0), call.in(2), dx, maps, roi, call.workers);
}

BCSSL_OP(Gelu, Gelu);
BCSSL_OP(GeluGrad, GeluGrad);
BCSSL_OP(LayerNorm, LayerNorm);
BCSSL_OP(LayerNormGrad, LayerNormGrad);
BCSSL_OP(Affine, Affine);
BCSSL_OP(BatchNorm, BatchNorm);
BCSSL_OP(BatchNormGrad, BatchNormGrad);
BCSSL_OP(OwnMoments, OwnMoments);
BCSSL_OP(MomentsOfAll, MomentsOfAll);
BCSSL_OP(BatchNormGradOfAll, BatchNormGradOfAll);
BCSSL_OP(BiasGelu, BiasGelu);
BCSSL_OP(BiasGeluGrad, BiasGeluGrad);
BCSSL_OP(ScaledResidual, ScaledResidual);
BCSSL_OP(ScaledResidualGrad, ScaledResidualGrad);
BCSSL_OP(Depthwise, Depthwise);
BCSSL_OP(DepthwiseGradInput, DepthwiseGradInput);
BCSSL_OP(DepthwiseGradWeight, DepthwiseGradWeight);
BCSSL_OP(Softmax, Softmax);
BCSSL_OP(SoftmaxGrad, SoftmaxGrad);
BCSSL_OP(Patches, Patches);
BCSSL_OP(PatchesGrad, PatchesGrad);
BCSSL_OP(RoundedConv, RoundedConv);
BCSSL_OP(RoiAlign, RoiAlignForward);
BCSSL_OP(RoiAlignGrad, RoiAlignGrad);

}  // namespace
}  // namespace bcssl
