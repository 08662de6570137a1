// A TensorFlow kernel out of a function.
#pragma once

#include "core/call.h"

namespace bcssl {

/** The constants of an operation; those it has not keep their values from here. */
struct Constants {
  float eps = 0, momentum = 0;
  int stride = 1;
  int height = 0, width = 0;
  int size = 0, sampling = 0, aligned = 0;
  float scale = 1;
  int bf16 = 0;  // 1: products of factors rounded to it
  int n = 0;  // length of its lists
};

/** The kernel that calls `Function`. */
template <void (*Function)(Call&, const Constants&)>
class Op : public tf::OpKernel {
 public:
  explicit Op(tf::OpKernelConstruction* init) : OpKernel(init) {
    read(init, "eps", &constants_.eps);
    read(init, "momentum", &constants_.momentum);
    read(init, "stride", &constants_.stride);
    read(init, "height", &constants_.height);
    read(init, "width", &constants_.width);
    read(init, "size", &constants_.size);
    read(init, "sampling", &constants_.sampling);
    read(init, "aligned", &constants_.aligned);
    read(init, "scale", &constants_.scale);
    read(init, "bf16", &constants_.bf16);
    read(init, "N", &constants_.n);
  }
  void Compute(Context* ctx) override {
    Call call(ctx);
    Function(call, constants_);
  }

 private:
  template <typename Number>
  static void read(tf::OpKernelConstruction* init, const char* name, Number* to) {
    if (init->HasAttr(name)) OP_REQUIRES_OK(init, init->GetAttr(name, to));
  }

  Constants constants_;
};

}  // namespace bcssl
