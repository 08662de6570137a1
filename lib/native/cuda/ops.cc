// The depthwise convolution as TensorFlow operations for an NVIDIA GPU, with the signatures of
// lib/native/signatures.ts. This library is loaded where TensorFlow computes on a GPU, and that of
// the CPU's kernels is not: each registers the operations that it has.
#include "launch.h"
#include "signatures.h"  // written by the build from lib/native/signatures.ts
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "xla/stream_executor/stream.h"

namespace bcssl {
namespace cuda {
namespace {

namespace tf = ::tensorflow;

/** The constants of an operation: `n` is the number of its optional inputs, 0 or 1. */
class DepthwiseOp : public tf::OpKernel {
 public:
  explicit DepthwiseOp(tf::OpKernelConstruction* init) : OpKernel(init) {
    OP_REQUIRES_OK(init, init->GetAttr("stride", &stride_));
    OP_REQUIRES_OK(init, init->GetAttr("N", &n_));
  }

 protected:
  int stride_ = 1, n_ = 0;

  /** The sizes of inputs `x` and `weight`; fails the call if there is no such convolution. */
  bool sizes_of(tf::OpKernelContext* ctx, int x, int weight, Sizes* sizes) const {
    const tf::TensorShape &maps = ctx->input(x).shape(), &kernel = ctx->input(weight).shape();
    const bool fits = maps.dims() == 4 && kernel.dims() == 4 && kernel.dim_size(2) == maps.dim_size(3) &&
                      kernel.dim_size(3) == 1 && kernel.dim_size(0) % 2 == 1 && kernel.dim_size(1) % 2 == 1 &&
                      (stride_ == 1 || stride_ == 2) && maps.dim_size(0) <= 65535;
    if (!fits) {
      return fail(ctx, "no depthwise convolution of " + maps.DebugString() + " with " + kernel.DebugString() +
                           " at stride " + std::to_string(stride_));
    }
    const auto side = [](const tf::TensorShape& shape, int axis) { return static_cast<int>(shape.dim_size(axis)); };
    *sizes = {side(maps, 0), side(maps, 1), side(maps, 2), side(maps, 3), side(kernel, 0), side(kernel, 1), stride_};
    return true;
  }

  /** The shape of the output of a convolution. */
  static tf::TensorShape strided(const Sizes& s) {
    return {s.images, ceil_div(s.height, s.stride), ceil_div(s.width, s.stride), s.channels};
  }

  /** Whether an input holds so many numbers; fails the call if not. */
  static bool holds(tf::OpKernelContext* ctx, int input, long long expected) {
    if (ctx->input(input).NumElements() == expected) return true;
    return fail(ctx, "input " + std::to_string(input) + " has " + std::to_string(ctx->input(input).NumElements()) +
                         " numbers, expected " + std::to_string(expected));
  }

  static bool fail(tf::OpKernelContext* ctx, const std::string& why) {
    ctx->CtxFailure(absl::InvalidArgumentError("Cannot run a CUDA kernel: " + why));
    return false;
  }

  static const float* in(tf::OpKernelContext* ctx, int i) { return ctx->input(i).flat<float>().data(); }

  /** Allocates output i; null if that fails. */
  static float* out(tf::OpKernelContext* ctx, int i, const tf::TensorShape& shape) {
    tf::Tensor* tensor = nullptr;
    const auto status = ctx->allocate_output(i, shape, &tensor);
    if (!status.ok()) ctx->CtxFailure(status);
    return tensor == nullptr ? nullptr : tensor->flat<float>().data();
  }

  /** Memory for parts of sums, until the call ends; `holder` keeps it. */
  static float* workspace(tf::OpKernelContext* ctx, long long numbers, tf::Tensor* holder) {
    const auto status = ctx->allocate_temp(tf::DT_FLOAT, tf::TensorShape({numbers}), holder);
    if (!status.ok()) ctx->CtxFailure(status);
    return status.ok() ? holder->flat<float>().data() : nullptr;
  }

  static void* stream(tf::OpKernelContext* ctx) {
    return ctx->op_device_context()->stream()->platform_specific_handle().stream;
  }

  static void run(tf::OpKernelContext* ctx, const Plan& plan, const float* map, const float* factors,
                  const float* plus, float* result) {
    tf::Tensor holder;
    float* memory = workspace(ctx, workspace_of(plan), &holder);
    if (!ctx->status().ok()) return;
    const char* error = launch(plan, map, factors, plus, result, memory, stream(ctx));
    if (error != nullptr) fail(ctx, error);
  }
};

class Depthwise : public DepthwiseOp {
 public:
  using DepthwiseOp::DepthwiseOp;
  void Compute(tf::OpKernelContext* ctx) override {
    Sizes sizes;
    if (!sizes_of(ctx, 0, 1, &sizes) || (n_ > 0 && !holds(ctx, 2, sizes.channels))) return;
    float* y = out(ctx, 0, strided(sizes));
    if (y == nullptr) return;
    run(ctx, plan_of(Role::kForward, sizes), in(ctx, 0), in(ctx, 1), n_ > 0 ? in(ctx, 2) : nullptr, y);
  }
};

class DepthwiseGradInput : public DepthwiseOp {
 public:
  using DepthwiseOp::DepthwiseOp;
  void Compute(tf::OpKernelContext* ctx) override {
    Sizes sizes;
    if (!sizes_of(ctx, 1, 2, &sizes) || !holds(ctx, 0, strided(sizes).num_elements())) return;
    if (n_ > 0 && !holds(ctx, 3, ctx->input(1).NumElements())) return;
    float* dx = out(ctx, 0, ctx->input(1).shape());
    if (dx == nullptr) return;
    run(ctx, plan_of(Role::kGradInput, sizes), in(ctx, 0), in(ctx, 2), n_ > 0 ? in(ctx, 3) : nullptr, dx);
  }
};

class DepthwiseGradWeight : public DepthwiseOp {
 public:
  using DepthwiseOp::DepthwiseOp;
  void Compute(tf::OpKernelContext* ctx) override {
    Sizes sizes;
    if (!sizes_of(ctx, 1, 2, &sizes) || !holds(ctx, 0, strided(sizes).num_elements())) return;
    float* dweight = out(ctx, 0, ctx->input(2).shape());
    if (dweight == nullptr) return;
    run(ctx, plan_of(Role::kGradWeight, sizes), in(ctx, 1), in(ctx, 0), nullptr, dweight);
    if (n_ > 0 && ctx->status().ok()) add_up_bias(ctx, sizes.channels);
  }

 private:
  static void add_up_bias(tf::OpKernelContext* ctx, int channels) {
    float* dbias = out(ctx, 1, {channels});
    const long long rows = channels == 0 ? 0 : ctx->input(0).NumElements() / channels;
    tf::Tensor holder;
    float* memory = workspace(ctx, parts_of_rows(rows) * channels, &holder);
    if (!ctx->status().ok()) return;
    const char* error = launch_column_sums(in(ctx, 0), rows, channels, dbias, memory, stream(ctx));
    if (error != nullptr) fail(ctx, error);
  }
};

#define BCSSL_CUDA_OP(name)                          \
  REGISTER_OP("Bcssl" #name) BCSSL_SIGNATURE_##name; \
  REGISTER_KERNEL_BUILDER(Name("Bcssl" #name).Device(tf::DEVICE_GPU), name)

BCSSL_CUDA_OP(Depthwise);
BCSSL_CUDA_OP(DepthwiseGradInput);
BCSSL_CUDA_OP(DepthwiseGradWeight);

}  // namespace
}  // namespace cuda
}  // namespace bcssl
