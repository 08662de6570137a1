// A linear layer and its gradients, and a dense convolution, against their sums written out.
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

/**
 * A kernel of `height` by `width` on maps with numbers that bf16 holds. There are `more` zeros on each
 * side than half a kernel.
 */
void check_conv(const Maps& m, Index height, Index width, Index out, Index stride, bool relu, Random& random,
                Index more = 0) {
  const Index pad_y = height / 2 + more, pad_x = width / 2 + more;
  const Conv c{height, width, out, stride, pad_y, pad_x, (m.height + 2 * pad_y - height) / stride + 1,
               (m.width + 2 * pad_x - width) / stride + 1, relu};
  const Numbers x = drawn(random, m.images * m.height * m.width * m.channels, true);
  const Numbers weight = drawn(random, height * width * m.channels * out, true), bias = random.numbers(out);
  Exact y;
  for (Index i = 0; i < m.images; ++i) {
    for (Index oy = 0; oy < c.out_height; ++oy) {
      for (Index ox = 0; ox < c.out_width; ++ox) {
        for (Index n = 0; n < out; ++n) {
          double sum = relu ? bias[n] : 0;
          for (Index ky = 0; ky < height; ++ky) {
            for (Index kx = 0; kx < width; ++kx) {
              const Index iy = oy * stride + ky - pad_y, ix = ox * stride + kx - pad_x;
              if (iy < 0 || iy >= m.height || ix < 0 || ix >= m.width) continue;
              for (Index k = 0; k < m.channels; ++k) {
                sum += double(x[((i * m.height + iy) * m.width + ix) * m.channels + k]) *
                       weight[((ky * width + kx) * m.channels + k) * out + n];
              }
            }
          }
          y.push_back(relu && sum < 0 ? 0 : sum);
        }
      }
    }
  }
  const std::string name = "conv of " + std::to_string(m.channels) + " channels, stride " + std::to_string(stride);
  const auto run = [&](const Workers& workers) {
    Numbers result(y.size());
    rounded_conv(x.data(), weight.data(), relu ? bias.data() : nullptr, result.data(), m, c, workers);
    return result;
  };
  const Numbers one = run(Threads(1));
  expect_close(name, one, y, 1e-5);
  expect_same(name, one, run(Threads(3)));
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
  for (const Index stride : {1, 2}) {
    check_conv({2, 9, 7, 3}, 7, 7, 20, stride, false, random);
    check_conv({3, 10, 11, 64}, 3, 3, 48, stride, true, random);
    check_conv({1, 5, 6, 520}, 3, 3, 33, stride, true, random);  // taps are gathered in parts
    check_conv({2, 8, 8, 33}, 1, 1, 130, stride, false, random);
    check_conv({2, 5, 4, 17}, 1, 1, 20, stride, false, random, 3);  // whole windows lie outside the map
    check_conv({2, 5, 4, 17}, 3, 3, 20, stride, true, random, 4);
  }
}

}  // namespace bcssl::check
