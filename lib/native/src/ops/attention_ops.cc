// Attention as a TensorFlow operation. The order of inputs and outputs is that of
// lib/native/signatures.ts.
#include "core/op.h"

namespace bcssl {
namespace {

/** The number of heads, and whether there is a bias. */
struct AttentionConstants : ListLength {
  int heads;
  explicit AttentionConstants(const Constants& constants) : ListLength(constants), heads(constants.get<int>("heads")) {}
};

/**
 * Whether input `qkv` is [G, N, 3C], the heads share the C channels, and the bias after it, if there
 * is one, is [K, heads, N, N] with G a multiple of K; gives their sizes.
 */
bool is_attention(Call& call, int qkv, const AttentionConstants& constants, Heads* size) {
  const tf::TensorShape& x = call.shape(qkv);
  const Index h = constants.heads;
  if (x.dims() != 3 || h < 1 || x.dim_size(2) < 1 || x.dim_size(2) % (3 * h) != 0) {
    return call.fail("no attention of " + std::to_string(h) + " heads to " + x.DebugString());
  }
  const Index groups = x.dim_size(0), tokens = x.dim_size(1);
  *size = {groups, tokens, h, x.dim_size(2) / (3 * h), 1};
  if (constants.n == 0) return true;
  const tf::TensorShape& bias = call.shape(qkv + 1);
  if (bias.dims() == 4 && bias.dim_size(1) == h && bias.dim_size(2) == tokens && bias.dim_size(3) == tokens &&
      bias.dim_size(0) > 0 && groups % bias.dim_size(0) == 0) {
    size->biases = bias.dim_size(0);
    return true;
  }
  return call.fail("a bias of " + bias.DebugString() + " does not fit " + std::to_string(h) + " heads of " +
                   x.DebugString());
}

void Attention(Call& call, const AttentionConstants& constants) {
  Heads size{};
  if (!is_attention(call, 0, constants, &size)) return;
  float* y = call.out(0, {size.groups, size.tokens, size.heads * size.channels});
  if (call.ok()) attention(call.in(0), constants.n > 0 ? call.in(1) : nullptr, y, size, call.workers);
}

void AttentionGrad(Call& call, const AttentionConstants& constants) {
  Heads size{};
  if (!is_attention(call, 1, constants, &size) || !call.all_hold({0}, call.count(1) / 3)) return;
  float* dqkv = call.out(0, call.shape(1));
  float* dbias = constants.n > 0 ? call.out(1, call.shape(2)) : nullptr;
  if (!call.ok()) return;
  attention_grad(call.in(0), call.in(1), constants.n > 0 ? call.in(2) : nullptr, dqkv, dbias, size, call.workers);
}

BCSSL_OP(Attention, Attention);
BCSSL_OP(AttentionGrad, AttentionGrad);

}  // namespace
}  // namespace bcssl
