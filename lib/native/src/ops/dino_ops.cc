// DINO's kernels as TensorFlow operations.
//
// The order of inputs and outputs is that of lib/native/signatures.ts. Shapes are checked here,
// because a kernel that was given a wrong one would read memory that is not its own.
#include "core/op.h"
#include "kernels/dino.h"

namespace bcssl {
namespace {

/** The student's temperature. */
struct LossConstants {
  float temp;
  explicit LossConstants(const Constants& constants) : temp(constants.get<float>("temp")) {}
};

void L2Normalize(Call& call) {
  float* y = call.out(0, call.shape(0));
  float* lengths = call.out(1, call.last_axis_one(0));
  if (call.ok()) l2_normalize(call.in(0), y, lengths, call.rows(0), call.workers);
}

void L2NormalizeGrad(Call& call) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1}, call.count(0)) || !call.all_hold({2}, size.rows)) return;
  float* dx = call.out(0, call.shape(0));
  if (call.ok()) l2_normalize_grad(call.in(0), call.in(1), call.in(2), dx, size, call.workers);
}

/** The input v is [D, K]; norms and scales are [K]. */
void PrototypeScales(Call& call) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1}, size.channels)) return;
  float* norms = call.out(0, {size.channels});
  float* scales = call.out(1, {size.channels});
  if (call.ok()) prototype_scales(call.in(0), call.in(1), norms, scales, size, call.workers);
}

/** The inputs dv and v are [D, K]; u, norms and scales [K]. */
void PrototypeGradient(Call& call) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1}, call.count(0)) || !call.all_hold({2, 3, 4}, size.channels)) return;
  float* out = call.out(0, call.shape(0));
  float* dg = call.out(1, {1, size.channels});
  if (!call.ok()) return;
  prototype_grad({call.in(0), call.in(1), call.in(2), call.in(3), call.in(4)}, out, dg, size, call.workers);
}

/** The products and q are [N, K]; scales and both centers [K]; input 3 is [temp, momentum]. */
void DinoTeacher(Call& call) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1, 2}, size.channels) || !call.all_hold({3}, 2)) return;
  float* q = call.out(0, call.shape(0));
  float* entropy = call.out(1, {});
  float* center = call.out(2, {size.channels});
  if (!call.ok()) return;
  const Teaching teaching{call.in(2), call.in(3)[0], call.in(3)[1]};
  dino_teacher(call.in(0), call.in(1), teaching, q, entropy, center, size, call.workers);
}

/**
 * Whether inputs from `first` on are products [V · B, K], scales [K] and q [T, B, K], with pairs to
 * compare.
 */
bool are_pairs(Call& call, int first, Pairs* pairs) {
  const Rows size = call.rows(first);
  const tf::TensorShape& q = call.shape(first + 2);
  if (q.dims() != 3 || q.dim_size(1) == 0 || size.rows % q.dim_size(1) != 0) {
    return call.fail("no views of the same images in " + call.shape(first).DebugString() + " and " + q.DebugString());
  }
  *pairs = {q.dim_size(0), size.rows / q.dim_size(1), q.dim_size(1), size.channels};
  if (!call.all_hold({first + 1}, size.channels)) return false;
  if (!call.all_hold({first + 2}, pairs->teachers * pairs->images * size.channels)) return false;
  return pairs->count() > 0 || call.fail("no pair of distinct views");
}

/** The outputs lse and mass are [V · B]. */
void DinoLoss(Call& call, const LossConstants& constants) {
  Pairs pairs;
  if (!are_pairs(call, 0, &pairs)) return;
  const Index rows = pairs.students * pairs.images;
  float* loss = call.out(0, {});
  const RowSums<float> sums{call.out(1, {rows}), call.out(2, {rows})};
  if (call.ok()) dino_loss(call.in(0), call.in(1), call.in(2), constants.temp, loss, sums, pairs, call.workers);
}

/** The output u is [K]. */
void DinoLossGrad(Call& call, const LossConstants& constants) {
  Pairs pairs;
  if (!call.all_hold({0}, 1) || !are_pairs(call, 1, &pairs)) return;
  if (!call.all_hold({4, 5}, pairs.students * pairs.images)) return;
  float* dproducts = call.out(0, call.shape(1));
  float* u = call.out(1, {pairs.prototypes});
  if (!call.ok()) return;
  dino_loss_grad(call.number(0), call.in(1), call.in(2), call.in(3), constants.temp, {call.in(4), call.in(5)}, dproducts, u,
                 pairs, call.workers);
}

BCSSL_OP(L2Normalize, L2Normalize);
BCSSL_OP(L2NormalizeGrad, L2NormalizeGrad);
BCSSL_OP(PrototypeScales, PrototypeScales);
BCSSL_OP(PrototypeGrad, PrototypeGradient);
BCSSL_OP(DinoTeacher, DinoTeacher);
BCSSL_OP(DinoLoss, DinoLoss);
BCSSL_OP(DinoLossGrad, DinoLossGrad);

}  // namespace
}  // namespace bcssl
