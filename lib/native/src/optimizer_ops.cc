// The optimiser's kernels as TensorFlow operations, over lists of tensors.
//
// Shapes are checked here, because a wrong one would read foreign memory.
#include "op.h"

namespace bcssl {
namespace {

/** Inputs and outputs `first … first + n − 1` as spans. */
std::vector<Span> spans(Call& call, int first_in, int first_out, int n) {
  std::vector<Span> all;
  for (int t = 0; t < n; ++t) {
    float* out = call.out(first_out + t, call.shape(first_in + t));
    all.push_back({call.in(first_in + t), out, call.count(first_in + t)});
  }
  return all;
}

std::vector<const float*> arrays(Call& call, int first, int n) {
  std::vector<const float*> all;
  for (int t = 0; t < n; ++t) all.push_back(call.in(first + t));
  return all;
}

/** Whether list `list` has the same sizes as list 0, each of `n` tensors. */
bool same_sizes(Call& call, int list, int n) {
  for (int t = 0; t < n; ++t) {
    if (!call.all_hold({list * n + t}, call.count(t))) return false;
  }
  return true;
}

/** Inputs N gradients, max norm; outputs N clipped gradients, squared norms [N]. */
void ClipEach(Call& call, const Constants& constants) {
  const int n = constants.n;
  if (!call.all_hold({n}, 1)) return;
  const std::vector<Span> grads = spans(call, 0, 0, n);
  float* squares = call.out(n, {n});
  if (call.ok()) clip_each(grads, call.number(n), squares, call.workers);
}

/** Inputs N weights, N gradients, N first and N second moments, factors [N, 8]; outputs weights and moments. */
void AdamW(Call& call, const Constants& constants) {
  const int n = constants.n;
  constexpr Index kFactors = sizeof(AdamWFactors) / sizeof(float);
  for (int list = 1; list < 4; ++list) {
    if (!same_sizes(call, list, n)) return;
  }
  if (!call.all_hold({4 * n}, n * kFactors)) return;
  const std::vector<Span> weights = spans(call, 0, 0, n);
  const std::vector<Span> first = spans(call, 2 * n, n, n);
  const std::vector<Span> second = spans(call, 3 * n, 2 * n, n);
  if (!call.ok()) return;
  const auto* factors = reinterpret_cast<const AdamWFactors*>(call.in(4 * n));
  adamw(weights, arrays(call, n, n), first, second, factors, call.workers);
}

/** Inputs N averages, N sources, [momentum, 1 − momentum]; outputs N averages. */
void MovingAverage(Call& call, const Constants& constants) {
  const int n = constants.n;
  if (!same_sizes(call, 1, n) || !call.all_hold({2 * n}, 2)) return;
  const std::vector<Span> averages = spans(call, 0, 0, n);
  if (!call.ok()) return;
  const float* mix = call.in(2 * n);
  moving_average(averages, arrays(call, n, n), mix[0], mix[1], call.workers);
}

REGISTER_OP("BcsslClipEach")
    .Attr("N: int").Input("grads: N * float").Input("max_norm: float")
    .Output("clipped: N * float").Output("squares: float");
BCSSL_KERNEL("ClipEach", Op<ClipEach>);

REGISTER_OP("BcsslAdamW")
    .Attr("N: int").Input("weights: N * float").Input("grads: N * float")
    .Input("first: N * float").Input("second: N * float").Input("factors: float")
    .Output("new_weights: N * float").Output("new_first: N * float").Output("new_second: N * float");
BCSSL_KERNEL("AdamW", Op<AdamW>);

REGISTER_OP("BcsslMovingAverage")
    .Attr("N: int").Input("averages: N * float").Input("sources: N * float").Input("mix: float")
    .Output("new_averages: N * float");
BCSSL_KERNEL("MovingAverage", Op<MovingAverage>);

}  // namespace
}  // namespace bcssl
