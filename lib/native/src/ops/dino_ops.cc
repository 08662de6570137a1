// DINO's kernels as TensorFlow operations. Shapes are checked here, because a wrong one would read foreign memory.
#include "core/call.h"
#include "kernels/dino.h"

namespace bcssl {
namespace {

/** A TensorFlow kernel out of a function; `temp` is 1 where the operation has none. */
template <void (*Function)(Call&, float temp)>
class DinoOp : public tf::OpKernel {
 public:
  explicit DinoOp(tf::OpKernelConstruction* init) : OpKernel(init) {
    if (init->HasAttr("temp")) OP_REQUIRES_OK(init, init->GetAttr("temp", &temp_));
  }
  void Compute(Context* ctx) override {
    Call call(ctx);
    Function(call, temp_);
  }

 private:
  float temp_ = 1;
};

/** Outputs y, lengths of the rows. */
void L2Normalize(Call& call, float) {
  float* y = call.out(0, call.shape(0));
  float* lengths = call.out(1, call.last_axis_one(0));
  if (call.ok()) l2_normalize(call.in(0), y, lengths, call.rows(0), call.workers);
}

/** Inputs dy, y, lengths. */
void L2NormalizeGrad(Call& call, float) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1}, call.count(0)) || !call.all_hold({2}, size.rows)) return;
  float* dx = call.out(0, call.shape(0));
  if (call.ok()) l2_normalize_grad(call.in(0), call.in(1), call.in(2), dx, size, call.workers);
}

/** Inputs v [D, K], g; outputs norms and scales [K]. */
void PrototypeScales(Call& call, float) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1}, size.channels)) return;
  float* norms = call.out(0, {size.channels});
  float* scales = call.out(1, {size.channels});
  if (call.ok()) prototype_scales(call.in(0), call.in(1), norms, scales, size, call.workers);
}

/** Inputs dv, v [D, K], u, norms, scales [K]; outputs the gradients of v and of g. */
void PrototypeGradient(Call& call, float) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1}, call.count(0)) || !call.all_hold({2, 3, 4}, size.channels)) return;
  float* out = call.out(0, call.shape(0));
  float* dg = call.out(1, {1, size.channels});
  if (!call.ok()) return;
  prototype_grad({call.in(0), call.in(1), call.in(2), call.in(3), call.in(4)}, out, dg, size, call.workers);
}

/** Inputs products [N, K], scales, center [K], [temp, momentum]; outputs q [N, K], mean entropy, next center [K]. */
void DinoTeacher(Call& call, float) {
  const Rows size = call.rows(0);
  if (!call.all_hold({1, 2}, size.channels) || !call.all_hold({3}, 2)) return;
  float* q = call.out(0, call.shape(0));
  float* entropy = call.out(1, {});
  float* center = call.out(2, {size.channels});
  if (!call.ok()) return;
  const Teaching teaching{call.in(2), call.in(3)[0], call.in(3)[1]};
  dino_teacher(call.in(0), call.in(1), teaching, q, entropy, center, size, call.workers);
}

/** Whether input `first` is products [V · B, K], then come scales [K] and q [T, B, K], and there are pairs to compare. */
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

/** Inputs products, scales, q; outputs the loss, and two sums of each row [V · B]. */
void DinoLoss(Call& call, float temp) {
  Pairs pairs;
  if (!are_pairs(call, 0, &pairs)) return;
  const Index rows = pairs.students * pairs.images;
  float* loss = call.out(0, {});
  const RowSums<float> sums{call.out(1, {rows}), call.out(2, {rows})};
  if (call.ok()) dino_loss(call.in(0), call.in(1), call.in(2), temp, loss, sums, pairs, call.workers);
}

/** Inputs dloss, products, scales, q, the two sums; outputs dproducts, u [K]. */
void DinoLossGrad(Call& call, float temp) {
  Pairs pairs;
  if (!call.all_hold({0}, 1) || !are_pairs(call, 1, &pairs)) return;
  if (!call.all_hold({4, 5}, pairs.students * pairs.images)) return;
  float* dproducts = call.out(0, call.shape(1));
  float* u = call.out(1, {pairs.prototypes});
  if (!call.ok()) return;
  dino_loss_grad(call.number(0), call.in(1), call.in(2), call.in(3), temp, {call.in(4), call.in(5)}, dproducts, u,
                 pairs, call.workers);
}

REGISTER_OP("BcsslL2Normalize").Input("x: float").Output("y: float").Output("lengths: float");
BCSSL_KERNEL("L2Normalize", DinoOp<L2Normalize>);

REGISTER_OP("BcsslL2NormalizeGrad")
    .Input("dy: float").Input("y: float").Input("lengths: float").Output("dx: float");
BCSSL_KERNEL("L2NormalizeGrad", DinoOp<L2NormalizeGrad>);

REGISTER_OP("BcsslPrototypeScales")
    .Input("v: float").Input("g: float").Output("norms: float").Output("scales: float");
BCSSL_KERNEL("PrototypeScales", DinoOp<PrototypeScales>);

REGISTER_OP("BcsslPrototypeGrad")
    .Input("dv: float").Input("v: float").Input("u: float").Input("norms: float").Input("scales: float")
    .Output("grad: float").Output("dg: float");
BCSSL_KERNEL("PrototypeGrad", DinoOp<PrototypeGradient>);

REGISTER_OP("BcsslDinoTeacher")
    .Input("products: float").Input("scales: float").Input("center: float").Input("numbers: float")
    .Output("q: float").Output("entropy: float").Output("next_center: float");
BCSSL_KERNEL("DinoTeacher", DinoOp<DinoTeacher>);

REGISTER_OP("BcsslDinoLoss")
    .Attr("temp: float").Input("products: float").Input("scales: float").Input("q: float")
    .Output("loss: float").Output("lse: float").Output("mass: float");
BCSSL_KERNEL("DinoLoss", DinoOp<DinoLoss>);

REGISTER_OP("BcsslDinoLossGrad")
    .Attr("temp: float").Input("dloss: float").Input("products: float").Input("scales: float").Input("q: float")
    .Input("lse: float").Input("mass: float").Output("dproducts: float").Output("u: float");
BCSSL_KERNEL("DinoLossGrad", DinoOp<DinoLossGrad>);

}  // namespace
}  // namespace bcssl
