// A linear layer and its gradients against their sums written out.
#include "check.h"

namespace bcssl::check {
namespace {

struct Results {
  Numbers y, dx, dweight, dbias;
};

Results run(const Linear& s, const Numbers& x, const Numbers& dy, const Numbers& weight, const float* bias,
            const Workers& workers) {
  Results r{Numbers(dy.size()), Numbers(x.size()), Numbers(weight.size()), Numbers(s.out)};
  linear(x.data(), weight.data(), bias, r.y.data(), s, workers);
  linear_grad_input(dy.data(), weight.data(), r.dx.data(), s, workers);
  linear_grad_weight(dy.data(), x.data(), r.dweight.data(), bias == nullptr ? nullptr : r.dbias.data(), s, workers);
  return r;
}

void check(const Linear& s, bool with_bias, Random& random) {
  const auto [rows, in, out] = s;
  const Numbers x = random.numbers(rows * in), dy = random.numbers(rows * out), weight = random.numbers(in * out);
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
  const Results one = run(s, x, dy, weight, given, Threads(1)), three = run(s, x, dy, weight, given, Threads(3));
  const std::string name = "linear [" + std::to_string(rows) + ", " + std::to_string(in) + "] to " + std::to_string(out);
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
    for (const bool bias : {false, true}) check(size, bias, random);
  }
}

}  // namespace bcssl::check
