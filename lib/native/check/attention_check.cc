// Attention and its gradient against their sums written out.
#include "check.h"

namespace bcssl::check {
namespace {

struct Results {
  Numbers y, dqkv, dbias;
};

Results run(const Heads& s, const Numbers& qkv, const Numbers& dy, const Numbers& bias, const Workers& workers) {
  Results r{Numbers(dy.size()), Numbers(qkv.size()), Numbers(bias.size())};
  const float* given = s.biases > 0 ? bias.data() : nullptr;
  attention(qkv.data(), given, r.y.data(), s, workers);
  attention_grad(dy.data(), qkv.data(), given, r.dqkv.data(), r.dbias.data(), s, workers);
  return r;
}

/** What the kernels should give, in double precision. */
struct Oracle {
  Exact y, dqkv, dbias;

  /** Adds the outputs and gradients of one head of one group. */
  void add(const Heads& s, Index group, Index head, const Numbers& qkv, const Numbers& dy, const Numbers& bias) {
    const Index width = s.heads * s.channels;
    const auto at = [&](Index part, Index token, Index channel) {
      return (group * s.tokens + token) * 3 * width + part * width + head * s.channels + channel;
    };
    const auto out = [&](Index token, Index channel) {
      return (group * s.tokens + token) * width + head * s.channels + channel;
    };
    const double scale = 1 / std::sqrt(double(s.channels));
    for (Index i = 0; i < s.tokens; ++i) {
      const Index row = s.biases == 0 ? 0 : ((group % s.biases * s.heads + head) * s.tokens + i) * s.tokens;
      Exact p(s.tokens), dp(s.tokens);
      double sum = 0, dot = 0;
      for (Index j = 0; j < s.tokens; ++j) {
        double score = s.biases == 0 ? 0 : bias[row + j];
        for (Index c = 0; c < s.channels; ++c) score += scale * double(qkv[at(0, i, c)]) * qkv[at(1, j, c)];
        sum += p[j] = std::exp(score);
        for (Index c = 0; c < s.channels; ++c) dp[j] += double(dy[out(i, c)]) * qkv[at(2, j, c)];
      }
      for (Index j = 0; j < s.tokens; ++j) dot += (p[j] /= sum) * dp[j];
      for (Index j = 0; j < s.tokens; ++j) {
        const double ds = p[j] * (dp[j] - dot);
        if (s.biases > 0) dbias[row + j] += ds;
        for (Index c = 0; c < s.channels; ++c) {
          y[out(i, c)] += p[j] * qkv[at(2, j, c)];
          dqkv[at(0, i, c)] += scale * ds * qkv[at(1, j, c)];
          dqkv[at(1, j, c)] += scale * ds * qkv[at(0, i, c)];
          dqkv[at(2, j, c)] += p[j] * dy[out(i, c)];
        }
      }
    }
  }
};

/** Checks sizes whose `biases` is 0 if there are none. */
void check(const Heads& s, Random& random) {
  const Index count = s.groups * s.tokens * s.heads * s.channels;
  Numbers qkv = random.numbers(3 * count), bias = random.numbers(s.biases * s.heads * s.tokens * s.tokens);
  const Numbers dy = random.numbers(count);
  for (float& x : qkv) x *= 3;
  Oracle oracle{Exact(count), Exact(3 * count), Exact(bias.size())};
  for (Index unit = 0; unit < s.groups * s.heads; ++unit) {
    oracle.add(s, unit / s.heads, unit % s.heads, qkv, dy, bias);
  }
  const Results one = run(s, qkv, dy, bias, Threads(1)), three = run(s, qkv, dy, bias, Threads(3));
  const std::string name = "attention of " + std::to_string(s.groups) + " groups of " + std::to_string(s.tokens) +
                           " tokens, " + std::to_string(s.heads) + " heads of " + std::to_string(s.channels) + ", " +
                           std::to_string(s.biases) + " biases";
  const auto expect = [&](const char* what, Numbers Results::*member, const Exact& exact) {
    expect_close(name + what, one.*member, exact, 1e-5);
    expect_same(name + what, one.*member, three.*member);
  };
  expect("", &Results::y, oracle.y);
  expect(", dqkv", &Results::dqkv, oracle.dqkv);
  expect(", dbias", &Results::dbias, oracle.dbias);
}

/** A score of −∞ takes no share, and a NaN reaches its own group's result and no other's. */
void check_masks_and_nan() {
  const Heads s{2, 2, 1, 1, 1};
  const Numbers bias{0, -HUGE_VALF, 0, 0};
  Numbers qkv{1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6};
  expect_close("attention with a mask", run(s, qkv, Numbers(4, 1), bias, Threads(1)).y, {3, 6, 3, 6}, 1e-5);
  qkv[6] = NAN;
  const Numbers y = run(s, qkv, Numbers(4, 1), bias, Threads(1)).y;
  if (std::isnan(y[2]) && !std::isnan(y[0]) && !std::isnan(y[1])) return;
  std::printf("attention: a NaN does not reach its result, or reaches another\n");
  ++failures;
}

}  // namespace

void check_attention() {
  Random random(7);
  for (const Index biases : {0, 1, 3}) {
    const Heads sizes[] = {
        {0, 4, 2, 3, biases},   {3, 1, 1, 1, biases},  {3, 1, 2, 12, biases}, {6, 4, 2, 4, biases},
        {9, 25, 2, 12, biases}, {3, 33, 1, 5, biases}, {6, 49, 3, 32, biases}, {3, 197, 1, 64, biases},
        {3, 401, 1, 20, biases},
    };
    for (const Heads& size : sizes) check(size, random);
  }
  check({160, 9, 1, 12, 1}, random);  // the groups of one bias are cut into pieces
  check_masks_and_nan();
}

}  // namespace bcssl::check
