// Checks the kernels without TensorFlow, so that they can be compiled with sanitisers and for other
// CPUs. Prints what is wrong, and how many checks failed.
#include "check.h"

namespace bcssl::check {
void check_attention();
void check_depthwise();
void check_dino();
void check_linear();
void check_pointwise();
void check_roi_align();
void check_rows();
void check_team();
}  // namespace bcssl::check

int main() {
  bcssl::check::check_attention();
  bcssl::check::check_depthwise();
  bcssl::check::check_dino();
  bcssl::check::check_linear();
  bcssl::check::check_pointwise();
  bcssl::check::check_roi_align();
  bcssl::check::check_rows();
  bcssl::check::check_team();
  std::printf("%d failures\n", bcssl::check::failures);
  return bcssl::check::failures == 0 ? 0 : 1;
}
