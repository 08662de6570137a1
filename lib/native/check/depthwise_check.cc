// Depthwise convolutions against their sums written out.
#include "check.h"

namespace bcssl::check {
namespace {

struct Case {
  Maps maps;
  Kernel kernel;
  bool bias;
};

std::string name_of(const Case& c) {
  const auto& [m, k, bias] = c;
  char text[128];
  std::snprintf(text, sizeof text, "%ldx%ld stride %ld on [%ld, %ld, %ld, %ld]%s", long(k.height), long(k.width),
                long(k.stride), long(m.images), long(m.height), long(m.width), long(m.channels), bias ? " + bias" : "");
  return text;
}

/** The map that is added to the gradient of the input: the input itself if there is no bias. */
const float* plus(const Case& c, const Numbers& x) { return c.bias ? nullptr : x.data(); }

/** Calls visit(output, input, weight index) for every product in the convolution. */
template <typename Visit>
void for_each_product(const Maps& m, const Kernel& k, Visit visit) {
  const Index height = (m.height + k.stride - 1) / k.stride, width = (m.width + k.stride - 1) / k.stride;
  for (Index n = 0; n < m.images; ++n)
    for (Index y = 0; y < height; ++y)
      for (Index x = 0; x < width; ++x)
        for (Index i = 0; i < k.height; ++i)
          for (Index j = 0; j < k.width; ++j) {
            const Index row = y * k.stride + i - k.height / 2, column = x * k.stride + j - k.width / 2;
            if (row < 0 || row >= m.height || column < 0 || column >= m.width) continue;
            for (Index c = 0; c < m.channels; ++c) {
              visit(((n * height + y) * width + x) * m.channels + c,
                    ((n * m.height + row) * m.width + column) * m.channels + c,
                    (i * k.width + j) * m.channels + c);
            }
          }
}

struct Results {
  Numbers y, dx, dweight, dbias;
};

Results run(const Case& c, const Numbers& x, const Numbers& dy, const Numbers& weight, const Numbers& bias,
            const Workers& workers) {
  Results r{Numbers(dy.size()), Numbers(x.size()), Numbers(weight.size()), Numbers(bias.size())};
  depthwise(x.data(), weight.data(), c.bias ? bias.data() : nullptr, r.y.data(), c.maps, c.kernel, workers);
  depthwise_grad_input(dy.data(), weight.data(), plus(c, x), r.dx.data(), c.maps, c.kernel, workers);
  depthwise_grad_weight(dy.data(), x.data(), r.dweight.data(), c.bias ? r.dbias.data() : nullptr, c.maps, c.kernel,
                        workers);
  return r;
}

void check(const Case& c, Random& random) {
  const auto& [m, k, with_bias] = c;
  const Index outputs = m.images * ((m.height + k.stride - 1) / k.stride) * ((m.width + k.stride - 1) / k.stride);
  const Numbers x = random.numbers(m.images * m.height * m.width * m.channels);
  const Numbers dy = random.numbers(outputs * m.channels), bias = random.numbers(m.channels);
  const Numbers weight = random.numbers(k.height * k.width * m.channels);
  Exact y(dy.size()), dx(x.size()), dweight(weight.size()), dbias(bias.size());
  for (std::size_t i = 0; i < dy.size(); ++i) {
    if (!with_bias) break;
    y[i] = bias[i % m.channels];
    dbias[i % m.channels] += dy[i];
  }
  if (plus(c, x) != nullptr) dx.assign(x.begin(), x.end());
  for_each_product(m, k, [&](Index out, Index in, Index w) {
    y[out] += double(x[in]) * weight[w];
    dx[in] += double(dy[out]) * weight[w];
    dweight[w] += double(dy[out]) * x[in];
  });
  const Results one = run(c, x, dy, weight, bias, Threads(1)), three = run(c, x, dy, weight, bias, Threads(3));
  const std::string name = name_of(c);
  expect_close(name, one.y, y, 1e-5);
  expect_close(name + ", dx", one.dx, dx, 1e-5);
  expect_close(name + ", dweight", one.dweight, dweight, 1e-5);
  expect_close(name + ", dbias", one.dbias, dbias, 1e-5);
  expect_same(name, one.y, three.y);
  expect_same(name + ", dx", one.dx, three.dx);
  expect_same(name + ", dweight", one.dweight, three.dweight);
  expect_same(name + ", dbias", one.dbias, three.dbias);
}

}  // namespace

/** Checks corner cases, then random shapes. */
void check_depthwise() {
  Random random(1);
  for (const Index channels : {1, 3, 15, 16, 17, 33}) {
    for (const Index side : {1, 2, 7, 29}) {
      for (const Index k : {1, 3, 7, 15}) {
        for (const Index stride : {1, 2}) check({{2, side, side, channels}, {k, k, stride}, k == 7}, random);
      }
    }
  }
  for (const Index stride : {1, 2}) {
    check({{1, 13, 60, 5}, {51, 5, stride}, true}, random);
    check({{1, 60, 13, 5}, {5, 51, stride}, false}, random);
    check({{2, 31, 57, 20}, {51, 51, stride}, true}, random);
    check({{70, 5, 4, 3}, {3, 3, stride}, false}, random);
  }
  for (const Index height : {1, 3, 5}) {  // small kernels, which need no window
    for (const Index width : {3, 5}) {
      for (const Index channels : {16, 17, 40}) check({{2, 9, 23, channels}, {height, width, 1}, width == 3}, random);
    }
  }
  const auto draw = [&](Index most) { return 1 + static_cast<Index>((random.next() + 1) / 2 * most); };
  for (int i = 0; i < 150; ++i) {
    const Maps maps{draw(4), draw(40), draw(40), draw(40)};
    check({maps, {2 * draw(9) - 1, 2 * draw(9) - 1, draw(2)}, draw(2) == 1}, random);
  }
}

}  // namespace bcssl::check
