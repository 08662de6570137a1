// One call of a TensorFlow operation, as the kernels see it. Only files that include this one
// depend on TensorFlow.
#pragma once

#include <initializer_list>
#include <string>

#include "core/kernels.h"
#include "core/team.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace bcssl {

namespace tf = ::tensorflow;

using Context = tf::OpKernelContext;

/** The team of threads, as many as TensorFlow was told to use. */
inline const Workers& workers_of(Context* ctx) {
  return Team::shared(ctx->device()->tensorflow_cpu_worker_threads()->num_threads);
}

/**
 * One call of an operation: gives its inputs and outputs as arrays, and fails the call if a size is
 * wrong.
 */
class Call {
 public:
  explicit Call(Context* ctx) : ctx_(ctx), workers(workers_of(ctx)) {}

  const float* in(int i) const { return ctx_->input(i).flat<float>().data(); }
  Index count(int i) const { return ctx_->input(i).NumElements(); }
  float number(int i) const { return in(i)[0]; }
  const tf::TensorShape& shape(int i) const { return ctx_->input(i).shape(); }

  /** Input i as rows of its last axis. */
  Rows rows(int i) const {
    const Index channels = shape(i).dims() == 0 ? 1 : shape(i).dim_size(shape(i).dims() - 1);
    return {channels == 0 ? 0 : count(i) / channels, channels};
  }

  /** The shape of input i with a last axis of 1. */
  tf::TensorShape last_axis_one(int i) const {
    tf::TensorShape reduced = shape(i);
    if (reduced.dims() > 0) reduced.set_dim(reduced.dims() - 1, 1);
    return reduced;
  }

  /** Allocates output i; null if that fails. */
  float* out(int i, const tf::TensorShape& shape) {
    tf::Tensor* tensor = nullptr;
    const auto status = ctx_->allocate_output(i, shape, &tensor);
    if (!status.ok()) ctx_->CtxFailure(status);
    return tensor == nullptr ? nullptr : tensor->flat<float>().data();
  }

  /** Whether each of the inputs holds `expected` numbers; fails the call if not. */
  bool all_hold(std::initializer_list<int> inputs, Index expected) {
    for (const int i : inputs) {
      if (count(i) == expected) continue;
      return fail("input " + std::to_string(i) + " has " + std::to_string(count(i)) + " numbers, expected " +
                  std::to_string(expected));
    }
    return true;
  }

  /** Fails the call with a message, and returns false. */
  bool fail(const std::string& why) {
    ctx_->CtxFailure(absl::InvalidArgumentError("Cannot run a native kernel: " + why));
    return false;
  }

  bool ok() const { return ctx_->status().ok(); }

 private:
  Context* ctx_;

 public:
  const Workers& workers;
};

}  // namespace bcssl
