// A linear layer and its gradients against their sums written out.
#include "check.h"

namespace bcssl::check {
namespace {

struct Results {
  Numbers y, dx, dweight, dbias;
};

Results run(const Linear& s, const Numbers& x, const Numbers& dy, const Numbers& weight, const float* bias, bool bf16,
            const Workers& workers) {
  Results r{Numbers(dy.size()), Numbers(x.size()), Numbers(weight.size()), Numbers(s.out)};
  linear(x.data(), weight.data(), bias, r.y.data(), s, bf16, workers);
  linear_grad_input(dy.data(), weight.data(), r.dx.data(), s, bf16, workers);
  linear_grad_weight(dy.data(), x.data(), r.dweight.data(), bias == nullptr ? nullptr : r.dbias.data(), s, bf16, workers);
  return r;
}

/** Numbers of 8 bits, which bf16 holds: then their products are exact. */
Numbers drawn(Random& random, Index count, bool bf16) {
  Numbers numbers = random.numbers(count);
  if (bf16) {
    for (float& x : numbers) x = std::round(x * 64) / 64;
  }
  return numbers;
}

void check(const Linear& s, bool with_bias, bool bf16, Random& random) {
  const auto [rows, in, out] = s;
  const Numbers x = drawn(random, rows * in, bf16), dy = drawn(random, rows * out, bf16);
  const Numbers weight = drawn(random, in * out, bf16);
  const Numbers bias = random.numbers(out);
  Exact y(dy.size()), dx(x.size()), dweight(weight.size()), dbias(out);
  for (Index r = 0; r < rows; ++r) {
    for (Index n = 0; n < out; ++n) {
      const double d = dy[r * out + n];
      if (with_bias) {
        y[r * out + n] = bias[n];
        dbias[n] += d;
      }
      for (Index k = 0; k < in; ++k) {
        y[r * out + n] += double(x[r * in + k]) * weight[k * out + n];
        dx[r * in + k] += d * weight[k * out + n];
        dweight[k * out + n] += d * x[r * in + k];
      }
    }
  }
  const float* given = with_bias ? bias.data() : nullptr;
  const Results one = run(s, x, dy, weight, given, bf16, Threads(1));
  const Results three = run(s, x, dy, weight, given, bf16, Threads(3));
  const std::string name = std::string(bf16 ? "bf16 " : "") + "linear [" + std::to_string(rows) + ", " + std::to_string(in) + "] to " + std::to_string(out);
  const auto expect = [&](const char* what, Numbers Results::*member, const Exact& exact, double tolerance) {
    expect_close(name + what, one.*member, exact, tolerance);
    expect_same(name + what, one.*member, three.*member);
  };
  expect("", &Results::y, y, 1e-5);
  expect(", dx", &Results::dx, dx, 1e-5);
  expect(", dweight", &Results::dweight, dweight, 1e-4);
  expect(", dbias", &Results::dbias, dbias, 1e-4);
}

}  // namespace

void check_linear() {
  Random random(6);
  const Linear sizes[] = {{0, 3, 2}, {1, 1, 1}, {5, 3, 17}, {13, 48, 24}, {97, 33, 130}, {500, 7, 65}, {2000, 20, 3}, {40, 300, 700}, {65, 300, 112}, {64, 130, 96}};
  for (const Linear& size : sizes) {
    for (const bool bias : {false, true}) {
      for (const bool bf16 : {false, true}) check(size, bias, bf16, random);
    }
  }
}

}  // namespace bcssl::check
