// The part of a ConvNeXt block that works on each pixel by itself, and its gradients, against the
// formulas layer by layer.
#include <tuple>

#include "check.h"

namespace bcssl::check {
namespace {

double cdf(double x) { return std::erfc(-x * std::sqrt(0.5)) / 2; }
double slope(double x) { return cdf(x) + x * std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0)); }

struct Size {
  Index rows, channels, hidden, images;
  bool batch_norm;
};

struct Tensors {
  Numbers dy, input, x, norm_weight, norm_bias, weight1, bias1, weight2, bias2, gamma, keep, bn_weight, bn_bias;
};

constexpr double kEps = 1e-3;

Tensors draw(const Size& s, Random& random) {
  const Index maps = s.rows * s.channels, weights = s.channels * s.hidden, c = s.channels;
  return {random.numbers(maps), random.numbers(maps), random.numbers(maps), random.numbers(c), random.numbers(c),
          random.numbers(weights), random.numbers(s.hidden), random.numbers(weights), random.numbers(c),
          random.numbers(c), random.numbers(s.images), random.numbers(c), random.numbers(c)};
}

/** Mean and rstd of `count` numbers, `step` apart. */
std::pair<double, double> moments(const double* x, Index count, Index step) {
  double mean = 0, variance = 0;
  for (Index i = 0; i < count; ++i) mean += x[i * step] / count;
  for (Index i = 0; i < count; ++i) variance += std::pow(x[i * step] - mean, 2) / count;
  return {mean, 1 / std::sqrt(variance + kEps)};
}

/** The gradient through xhat = (x − mean) · rstd of `count` numbers, `step` apart. */
void back(const double* xhat, double* d, double rstd, Index count, Index step) {
  double shift = 0, turn = 0;
  for (Index i = 0; i < count; ++i) {
    shift += d[i * step] / count;
    turn += d[i * step] * xhat[i * step] / count;
  }
  for (Index i = 0; i < count; ++i) d[i * step] = (d[i * step] - shift - xhat[i * step] * turn) * rstd;
}

/** The expected results in double precision, one member for each result of the kernels. */
struct Oracle {
  Exact mean, rstd;  // statistics of the batch
  Exact y, input, norm_weight, norm_bias, weight1, bias1, weight2, bias2, gamma, bn_weight, bn_bias;

  Oracle(const Size& s, const Tensors& t)
      : mean(s.channels), rstd(s.channels), y(s.rows * s.channels), input(y.size()), norm_weight(s.channels),
        norm_bias(s.channels), weight1(s.channels * s.hidden), bias1(s.hidden), weight2(weight1.size()),
        bias2(s.channels), gamma(s.channels), bn_weight(s.channels), bn_bias(s.channels) {
    const Index C = s.channels;
    const Exact in(t.input.begin(), t.input.end());
    Exact normalized = in, z = in;
    for (Index c = 0; c < C && s.batch_norm; ++c) {
      std::tie(mean[c], rstd[c]) = moments(in.data() + c, s.rows, C);
      for (Index r = 0; r < s.rows; ++r) {
        normalized[r * C + c] = (in[r * C + c] - mean[c]) * rstd[c];
        z[r * C + c] = normalized[r * C + c] * t.bn_weight[c] + t.bn_bias[c];
      }
    }
    for (Index r = 0; r < s.rows; ++r) add_row(s, t, z.data() + r * C, r);
    for (Index c = 0; c < C && s.batch_norm; ++c) {
      for (Index r = 0; r < s.rows; ++r) {
        bn_weight[c] += input[r * C + c] * normalized[r * C + c];
        bn_bias[c] += input[r * C + c];
        input[r * C + c] *= t.bn_weight[c];
      }
      back(normalized.data() + c, input.data() + c, rstd[c], s.rows, C);
    }
  }

 private:
  /** `input` receives the gradient of LayerNorm's input z. */
  void add_row(const Size& s, const Tensors& t, const double* z, Index r) {
    const Index C = s.channels, H = s.hidden;
    const double keep = t.keep[r / (s.rows / s.images)];
    const auto [row_mean, row_rstd] = moments(z, C, 1);
    Exact xhat(C), a(C), da(C), branch(C), dbranch(C);
    for (Index c = 0; c < C; ++c) {
      xhat[c] = (z[c] - row_mean) * row_rstd;
      a[c] = xhat[c] * t.norm_weight[c] + t.norm_bias[c];
      branch[c] = t.bias2[c];
      dbranch[c] = t.dy[r * C + c] * keep * t.gamma[c];
    }
    for (Index j = 0; j < H; ++j) {
      double h = t.bias1[j], dg = 0;
      for (Index c = 0; c < C; ++c) h += a[c] * t.weight1[c * H + j];
      const double g = h * cdf(h);
      for (Index c = 0; c < C; ++c) {
        branch[c] += g * t.weight2[j * C + c];
        dg += dbranch[c] * t.weight2[j * C + c];
        weight2[j * C + c] += g * dbranch[c];
      }
      const double dh = dg * slope(h);
      bias1[j] += dh;
      for (Index c = 0; c < C; ++c) {
        weight1[c * H + j] += a[c] * dh;
        da[c] += dh * t.weight1[c * H + j];
      }
    }
    for (Index c = 0; c < C; ++c) {
      y[r * C + c] = t.x[r * C + c] + keep * t.gamma[c] * branch[c];
      gamma[c] += keep * branch[c] * t.dy[r * C + c];
      bias2[c] += dbranch[c];
      norm_weight[c] += da[c] * xhat[c];
      norm_bias[c] += da[c];
      da[c] *= t.norm_weight[c];
    }
    back(xhat.data(), da.data(), row_rstd, C, 1);
    std::copy(da.begin(), da.end(), input.begin() + r * C);
  }
};

std::string title(const Size& s) {
  return "pointwise on [" + std::to_string(s.rows) + ", " + std::to_string(s.channels) + "], " +
         std::to_string(s.hidden) + " hidden" + (s.batch_norm ? ", BatchNorm" : "");
}

struct Results {
  Numbers y, input, norm_weight, norm_bias, weight1, bias1, weight2, bias2, gamma, bn_weight, bn_bias;
  explicit Results(const Oracle& o)
      : y(o.y.size()), input(o.y.size()), norm_weight(o.gamma.size()), norm_bias(o.gamma.size()),
        weight1(o.weight1.size()), bias1(o.bias1.size()), weight2(o.weight1.size()), bias2(o.gamma.size()),
        gamma(o.gamma.size()), bn_weight(o.gamma.size()), bn_bias(o.gamma.size()) {}
};

Results run(const Size& s, const Tensors& t, const Oracle& o, bool bf16, const Workers& workers) {
  const Numbers mean(o.mean.begin(), o.mean.end()), rstd(o.rstd.begin(), o.rstd.end());
  const BatchNormalized bn{mean.data(), rstd.data(), t.bn_weight.data(), t.bn_bias.data()};
  const Pointwise p{s.channels,       s.hidden,         t.norm_weight.data(), t.norm_bias.data(), kEps,
                    t.weight1.data(), t.bias1.data(),   t.weight2.data(),     t.bias2.data(),     t.gamma.data(),
                    t.keep.data(),    s.images,         s.batch_norm ? &bn : nullptr, bf16};
  Results out(o);
  pointwise(t.input.data(), t.x.data(), p, out.y.data(), s.rows, workers);
  pointwise_grad(t.dy.data(), t.input.data(), p,
                 {out.input.data(), out.norm_weight.data(), out.norm_bias.data(), out.weight1.data(), out.bias1.data(),
                  out.weight2.data(), out.bias2.data(), out.gamma.data(), out.bn_weight.data(), out.bn_bias.data()},
                 s.rows, workers);
  return out;
}

void check(const Size& s, const Tensors& t, const Oracle& o, bool bf16) {
  const Results one = run(s, t, o, bf16, Threads(1)), three = run(s, t, o, bf16, Threads(3));
  const auto expect = [&](const char* what, Numbers Results::*member, Exact Oracle::*oracle, double tolerance = 1e-4,
                          double rounded = 2e-2) {
    const std::string name = title(s) + (bf16 ? ", bf16: " : ": ") + what;
    expect_close(name, one.*member, o.*oracle, bf16 ? rounded : tolerance);
    expect_same(name, one.*member, three.*member);
  };
  expect("y", &Results::y, &Oracle::y, 1e-5);
  expect("dinput", &Results::input, &Oracle::input);
  expect("dnorm_weight", &Results::norm_weight, &Oracle::norm_weight, 1e-4, 5e-2);  // rows nearly cancel
  expect("dnorm_bias", &Results::norm_bias, &Oracle::norm_bias);
  expect("dweight1", &Results::weight1, &Oracle::weight1);
  expect("dbias1", &Results::bias1, &Oracle::bias1);
  expect("dweight2", &Results::weight2, &Oracle::weight2);
  expect("dbias2", &Results::bias2, &Oracle::bias2);
  expect("dgamma", &Results::gamma, &Oracle::gamma);
  if (!s.batch_norm) return;
  expect("dbn_weight", &Results::bn_weight, &Oracle::bn_weight);
  expect("dbn_bias", &Results::bn_bias, &Oracle::bn_bias);
}

/** Results in bf16 must differ from those in fp32 exactly if this CPU multiplies bf16. */
void expect_rounded(const Size& s, const Tensors& t, const Oracle& o) {
  const bool same = run(s, t, o, true, Threads(1)).y == run(s, t, o, false, Threads(1)).y;
  if (same == !has_bf16()) return;
  std::printf("%s: %s\n", title(s).c_str(), same ? "bf16 rounds nothing" : "rounded to a bf16 that is not there");
  ++failures;
}

}  // namespace

void check_pointwise() {
  Random random(5);
  const Size sizes[] = {
      {1, 1, 1, 1, false},    {2, 1, 4, 1, true},    {6, 3, 12, 3, true},    {35, 17, 68, 5, true},
      {100, 24, 96, 4, true}, {97, 33, 129, 1, false}, {64, 48, 192, 2, true}, {240, 16, 300, 3, false},
      {13, 520, 40, 13, true}, {700, 5, 20, 7, true},
      // Few rows beside the weights: units are shared out, here with a chunk of one unit, and rows
      // in three tiles.
      {105, 136, 544, 3, true}, {225, 130, 513, 1, false},
      // Products of bf16 that end with a single row of tiles, and a single column of them.
      {112, 40, 544, 2, true},
  };
  for (const Size& size : sizes) {
    const Tensors tensors = draw(size, random);
    const Oracle oracle(size, tensors);
    for (const bool bf16 : {false, true}) check(size, tensors, oracle, bf16);
    if (size.channels > 1) expect_rounded(size, tensors, oracle);
  }
}

}  // namespace bcssl::check
