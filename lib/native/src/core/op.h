// TensorFlow kernels made from functions.
#pragma once

#include "core/call.h"
#include "signatures.h"  // written by the build from lib/native/signatures.ts

namespace bcssl {

/** Reads the constants of an operation, once, when TensorFlow makes its kernel. */
class Constants {
 public:
  explicit Constants(tf::OpKernelConstruction* init) : init_(init) {}

  /**
   * The value of an attribute that the operation has; making the kernel fails if it has none of
   * that name.
   */
  template <typename Number>
  Number get(const char* name) const {
    Number value{};
    const auto status = init_->GetAttr(name, &value);
    if (!status.ok()) init_->CtxFailure(status);
    return value;
  }

 private:
  tf::OpKernelConstruction* init_;
};

/** The number of tensors in each list of an operation that has lists. */
struct ListLength {
  int n;
  explicit ListLength(const Constants& constants) : n(constants.get<int>("N")) {}
};

/** The TensorFlow kernel that calls `Function`, with the operation's constants if it has any. */
template <auto Function>
class Op;

template <void (*Function)(Call&)>
class Op<Function> : public tf::OpKernel {
 public:
  explicit Op(tf::OpKernelConstruction* init) : OpKernel(init) {}
  void Compute(Context* ctx) override {
    Call call(ctx);
    Function(call);
  }
};

template <typename Own, void (*Function)(Call&, const Own&)>
class Op<Function> : public tf::OpKernel {
 public:
  explicit Op(tf::OpKernelConstruction* init) : OpKernel(init), constants_(Constants(init)) {}
  void Compute(Context* ctx) override {
    Call call(ctx);
    Function(call, constants_);
  }

 private:
  const Own constants_;
};

}  // namespace bcssl

/**
 * Registers the operation `Bcssl<name>` with its signature, and its kernel, which calls `function`.
 */
#define BCSSL_OP(name, function)                            \
  REGISTER_OP("Bcssl" #name) BCSSL_SIGNATURE_##name;        \
  REGISTER_KERNEL_BUILDER(Name("Bcssl" #name).Device(tf::DEVICE_CPU), Op<function>)
