// The kernels on all gradients or weights of a network as TensorFlow operations.
//
// The order of inputs and outputs is that of lib/native/signatures.ts. Shapes are checked here,
// because a kernel that was given a wrong one would read memory that is not its own.
#include "core/op.h"

namespace bcssl {
namespace {

/** Spans of n inputs from `first_in` on and n outputs from `first_out` on. */
std::vector<Span> spans(Call& call, int first_in, int first_out, int n) {
  std::vector<Span> all;
  for (int t = 0; t < n; ++t) {
    float* out = call.out(first_out + t, call.shape(first_in + t));
    all.push_back({call.in(first_in + t), out, call.count(first_in + t)});
  }
  return all;
}

/** n inputs from `first` on. */
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

/** The output is [N]. */
void SquaredNorms(Call& call, const ListLength& constants) {
  const int n = constants.n;
  std::vector<Span> tensors;
  for (int t = 0; t < n; ++t) tensors.push_back({call.in(t), nullptr, call.count(t)});
  float* squares = call.out(0, {n});
  if (call.ok()) squared_norms(tensors, squares, call.workers);
}

/** n inputs from `first` on, to be written to: only for tensors whose memory nobody else uses. */
std::vector<float*> arrays_in_place(Call& call, int first, int n) {
  std::vector<float*> all;
  for (int t = 0; t < n; ++t) all.push_back(const_cast<float*>(call.in(first + t)));
  return all;
}

/**
 * The factors are [N, 9], an `AdamWFactors` for each weight. The moments are updated in place: they
 * belong to the optimiser alone, and making and freeing two tensors for each weight would take
 * longer than the step.
 */
void AdamW(Call& call, const ListLength& constants) {
  const int n = constants.n;
  constexpr Index kFactors = sizeof(AdamWFactors) / sizeof(float);
  for (int list = 1; list < 4; ++list) {
    if (!same_sizes(call, list, n)) return;
  }
  if (!call.all_hold({4 * n}, n * kFactors)) return;
  const std::vector<Span> weights = spans(call, 0, 0, n);
  if (!call.ok()) return;
  const auto* factors = reinterpret_cast<const AdamWFactors*>(call.in(4 * n));
  adamw(weights, arrays(call, n, n), arrays_in_place(call, 2 * n, n), arrays_in_place(call, 3 * n, n), factors,
        call.workers);
}

/** The factors are [N, 7], a `MomentumFactors` for each weight. The buffers are updated in place. */
void Momentum(Call& call, const ListLength& constants) {
  const int n = constants.n;
  constexpr Index kFactors = sizeof(MomentumFactors) / sizeof(float);
  if (!same_sizes(call, 1, n) || !same_sizes(call, 2, n) || !call.all_hold({3 * n}, n * kFactors)) return;
  const std::vector<Span> weights = spans(call, 0, 0, n);
  if (!call.ok()) return;
  const auto* factors = reinterpret_cast<const MomentumFactors*>(call.in(3 * n));
  momentum(weights, arrays(call, n, n), arrays_in_place(call, 2 * n, n), factors, call.workers);
}

/** The last input is [momentum, 1 − momentum]. */
void MovingAverage(Call& call, const ListLength& constants) {
  const int n = constants.n;
  if (!same_sizes(call, 1, n) || !call.all_hold({2 * n}, 2)) return;
  const std::vector<Span> averages = spans(call, 0, 0, n);
  if (!call.ok()) return;
  const float* mix = call.in(2 * n);
  moving_average(averages, arrays(call, n, n), mix[0], mix[1], call.workers);
}

/** The number of parts that have to be of one length. */
struct PartsConstants : ListLength {
  int parts;
  explicit PartsConstants(const Constants& constants) : ListLength(constants), parts(constants.get<int>("parts")) {}
};

/** Floats whose memory holds two bf16 numbers each. */
const Bf16* halves(const float* floats) { return reinterpret_cast<const Bf16*>(floats); }
Bf16* halves(float* floats) { return reinterpret_cast<Bf16*>(floats); }

/** The output is [parts, n], where n is a multiple of 8 floats. */
void ToBf16(Call& call, const PartsConstants& constants) {
  std::vector<Span> tensors;
  Index count = 0;
  for (int t = 0; t < constants.n; ++t) {
    tensors.push_back({call.in(t), nullptr, call.count(t)});
    count += call.count(t);
  }
  const Index parts = std::max(1, constants.parts), floats = (count + 16 * parts - 1) / (16 * parts) * 8;
  float* out = call.out(0, {parts, floats});
  if (call.ok()) to_bf16(tensors, halves(out), 2 * parts * floats, call.workers);
}

void MeanOfBf16(Call& call) {
  const Rows size = call.rows(0);
  float* mean = call.out(0, {size.channels});
  if (call.ok()) mean_of_bf16(halves(call.in(0)), size.rows, 2 * size.channels, halves(mean), call.workers);
}

void FromBf16(Call& call, const ListLength& constants) {
  Index count = 0;
  for (int t = 0; t < constants.n; ++t) count += 2 * call.count(t);
  float* numbers = call.out(0, {count});
  if (!call.ok()) return;
  for (int t = 0; t < constants.n; ++t) {
    from_bf16(halves(call.in(t)), numbers, 2 * call.count(t), call.workers);
    numbers += 2 * call.count(t);
  }
}

BCSSL_OP(SquaredNorms, SquaredNorms);
BCSSL_OP(AdamW, AdamW);
BCSSL_OP(Momentum, Momentum);
BCSSL_OP(MovingAverage, MovingAverage);
BCSSL_OP(ToBf16, ToBf16);
BCSSL_OP(MeanOfBf16, MeanOfBf16);
BCSSL_OP(FromBf16, FromBf16);

}  // namespace
}  // namespace bcssl
