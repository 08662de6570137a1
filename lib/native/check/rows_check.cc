// Kernels over rows of channels, and those over all weights of a network, against their formulas.
#include "check.h"

namespace bcssl::check {
namespace {

double cdf(double x) { return std::erfc(-x * std::sqrt(0.5)) / 2; }
double slope(double x) { return cdf(x) + x * std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0)); }

struct Tensors {
  Rows size;
  Numbers x, dy, weight, bias, gamma, keep;
};

Tensors draw(Rows size, Index images, Random& random) {
  const Index n = size.rows * size.channels;
  return {size, random.numbers(n), random.numbers(n), random.numbers(size.channels), random.numbers(size.channels),
          random.numbers(size.channels), random.numbers(images)};
}

std::string title(const char* kernel, Rows size) {
  return std::string(kernel) + " on [" + std::to_string(size.rows) + ", " + std::to_string(size.channels) + "]";
}

/**
 * Runs a kernel that fills some arrays, on one thread and on three, and compares with what they
 * should hold.
 */
template <typename Kernel>
void expect(const std::string& name, const std::vector<Exact>& expected, Kernel kernel) {
  std::vector<Numbers> one, three;
  for (const Exact& e : expected) {
    one.emplace_back(e.size());
    three.emplace_back(e.size());
  }
  kernel(one, Threads(1));
  kernel(three, Threads(3));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::string what = name + ", result " + std::to_string(i);
    expect_close(what, one[i], expected[i], i == 0 ? 1e-5 : 1e-4);
    expect_same(what, one[i], three[i]);
  }
}

void check_gelu(const Tensors& t) {
  const auto [rows, channels] = t.size;
  const Index n = rows * channels;
  Exact y(n), dx(n), biased(n), dbiased(n), dbias(channels);
  for (Index i = 0; i < n; ++i) {
    const double x = 4.0 * t.x[i], z = x + t.bias[i % channels];
    y[i] = x * cdf(x);
    dx[i] = t.dy[i] * slope(x);
    biased[i] = z * cdf(z);
    dbiased[i] = t.dy[i] * slope(z);
    dbias[i % channels] += dbiased[i];
  }
  Numbers x = t.x;
  for (float& value : x) value *= 4;
  expect(title("gelu", t.size), {y, dx}, [&](std::vector<Numbers>& out, const Workers& workers) {
    gelu(x.data(), out[0].data(), n, workers);
    gelu_grad(t.dy.data(), x.data(), out[1].data(), n, workers);
  });
  expect(title("bias_gelu", t.size), {biased, dbiased, dbias}, [&](std::vector<Numbers>& out, const Workers& workers) {
    bias_gelu(x.data(), t.bias.data(), out[0].data(), t.size, workers);
    bias_gelu_grad(t.dy.data(), x.data(), t.bias.data(), out[1].data(), out[2].data(), t.size, workers);
  });
}

/** Mean and variance over the channels of each row, or over the rows of each channel. */
void check_norm(const Tensors& t, bool per_row) {
  const auto [rows, channels] = t.size;
  const double eps = 1e-2;
  const Index groups = per_row ? rows : channels, members = per_row ? channels : rows;
  const auto at = [&, channels = channels](Index group, Index member) {
    return per_row ? group * channels + member : member * channels + group;
  };
  Exact y(rows * channels), mean(groups), rstd(groups), dx(rows * channels), dweight(channels), dbias(channels);
  Exact running_mean, running_variance;  // BatchNorm's, moved a quarter of the way from `bias` and `gamma`
  for (Index g = 0; g < groups; ++g) {
    double variance = 0, shift = 0, turn = 0;
    for (Index i = 0; i < members; ++i) mean[g] += double(t.x[at(g, i)]) / members;
    for (Index i = 0; i < members; ++i) variance += std::pow(t.x[at(g, i)] - mean[g], 2) / members;
    rstd[g] = 1 / std::sqrt(variance + eps);
    if (!per_row) {
      const double unbiased = variance * members / std::max<Index>(1, members - 1);
      running_mean.push_back(0.75 * t.bias[g] + 0.25 * mean[g]);
      running_variance.push_back(0.75 * t.gamma[g] + 0.25 * unbiased);
    }
    for (Index i = 0; i < members; ++i) {
      const Index p = at(g, i), c = p % channels;
      const double xhat = (t.x[p] - mean[g]) * rstd[g], d = double(t.dy[p]) * t.weight[c];
      y[p] = xhat * t.weight[c] + t.bias[c];
      shift += d / members;
      turn += d * xhat / members;
      dweight[c] += t.dy[p] * xhat;
      dbias[c] += t.dy[p];
    }
    for (Index i = 0; i < members; ++i) {
      const Index p = at(g, i);
      const double xhat = (t.x[p] - mean[g]) * rstd[g];
      dx[p] = (double(t.dy[p]) * t.weight[p % channels] - shift - xhat * turn) * rstd[g];
    }
  }
  const std::string name = title(per_row ? "layer_norm" : "batch_norm", t.size);
  const std::vector<Exact> all{y, mean, rstd, dx, dweight, dbias, running_mean, running_variance};
  expect(name, all, [&](std::vector<Numbers>& out, const Workers& workers) {
    if (per_row) {
      layer_norm(t.x.data(), t.weight.data(), t.bias.data(), float(eps), out[0].data(), out[1].data(), out[2].data(),
                 t.size, workers);
    } else {
      const Running running{t.bias.data(), t.gamma.data(), 0.25f, out[6].data(), out[7].data()};
      batch_norm(t.x.data(), t.weight.data(), t.bias.data(), float(eps), running, out[0].data(), out[1].data(),
                 out[2].data(), t.size, workers);
    }
    (per_row ? layer_norm_grad : batch_norm_grad)(t.dy.data(), t.x.data(), out[1].data(), out[2].data(),
                                                  t.weight.data(), out[3].data(), out[4].data(), out[5].data(), t.size,
                                                  workers);
  });
}

/** BatchNorm in processes that have the first and the second half of the rows, against one with all. */
void check_shared_norm(const Tensors& t) {
  const auto [rows, channels] = t.size;
  if (rows % 2 != 0) return;
  const float eps = 1e-2f;
  const Index half = rows * channels / 2;
  const Rows part{rows / 2, channels};
  Numbers y(rows * channels), dx(rows * channels), dweight(channels), dbias(channels);
  std::vector<Numbers> whole(4, Numbers(channels));  // mean, rstd, running mean and variance
  const auto running = [&](std::vector<Numbers>& out) {
    return Running{t.bias.data(), t.gamma.data(), 0.25f, out[2].data(), out[3].data()};
  };
  batch_norm(t.x.data(), t.weight.data(), t.bias.data(), eps, running(whole), y.data(), whole[0].data(),
             whole[1].data(), t.size, Threads(1));
  batch_norm_grad(t.dy.data(), t.x.data(), whole[0].data(), whole[1].data(), t.weight.data(), dx.data(),
                  dweight.data(), dbias.data(), t.size, Threads(1));
  std::vector<Exact> expected;
  for (const Numbers& numbers : whole) expected.emplace_back(numbers.begin(), numbers.end());
  expected.emplace_back(dx.begin(), dx.end());
  expect(title("shared batch_norm", t.size), expected, [&](std::vector<Numbers>& out, const Workers& workers) {
    Numbers moments(4 * channels), sums(4 * channels);
    for (Index p = 0; p < 2; ++p) own_moments(t.x.data() + p * half, &moments[2 * p * channels], part, workers);
    moments_of_all(moments.data(), 2, part.rows, eps, running(out), out[0].data(), out[1].data(), channels);
    for (Index p = 0; p < 2; ++p) {
      float* own = &sums[2 * p * channels];
      batch_norm_grad(t.dy.data() + p * half, t.x.data() + p * half, out[0].data(), out[1].data(), t.weight.data(),
                      out[4].data() + p * half, own + channels, own, part, workers);
    }
    for (Index p = 0; p < 2; ++p) {
      const float* own = &sums[2 * p * channels];
      const Numbers before(out[4].begin() + p * half, out[4].begin() + (p + 1) * half);
      const SharedNorm norm{out[0].data(), out[1].data(), t.weight.data(), own + channels, own, sums.data(), 2};
      batch_norm_grad_of_all(before.data(), t.x.data() + p * half, norm, out[4].data() + p * half, part, workers);
    }
  });
}

void check_affine(const Tensors& t) {
  Exact y(t.x.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    const Index c = i % t.size.channels;
    y[i] = double(t.x[i]) * t.weight[c] + t.bias[c];
  }
  expect(title("affine", t.size), {y}, [&](std::vector<Numbers>& out, const Workers& workers) {
    affine(t.x.data(), t.weight.data(), t.bias.data(), out[0].data(), t.size, workers);
  });
}

void check_residual(const Tensors& t) {
  const auto [rows, channels] = t.size;
  const Index n = rows * channels, images = t.keep.size();
  Exact y(n), dbranch(n), dbias(channels), dgamma(channels);
  for (Index i = 0; i < n; ++i) {
    const Index c = i % channels;
    const double keep = t.keep[i / channels / (rows / images)], branch = double(t.dy[i]) + t.bias[c];
    y[i] = t.x[i] + keep * t.gamma[c] * branch;
    dbranch[i] = keep * t.gamma[c] * t.x[i];
    dbias[c] += dbranch[i];
    dgamma[c] += keep * branch * t.x[i];
  }
  const Ending ending{t.bias.data(), t.gamma.data(), t.keep.data(), images};
  expect(title("scaled_residual", t.size), {y, dbranch, dbias, dgamma},
         [&](std::vector<Numbers>& out, const Workers& workers) {
           scaled_residual(t.x.data(), t.dy.data(), ending, out[0].data(), t.size, workers);
           scaled_residual_grad(t.x.data(), t.dy.data(), ending, out[1].data(), out[2].data(), out[3].data(), t.size,
                                workers);
         });
}

/** Checks softmax with a bias of so many rows; 0 for none. */
void check_softmax(const Tensors& t, Index bias_rows, Random& random) {
  const auto [rows, channels] = t.size;
  const Numbers bias = random.numbers(bias_rows * channels);
  Exact y(rows * channels), dx(rows * channels), dbias(bias_rows * channels);
  for (Index r = 0; r < rows; ++r) {
    double sum = 0, dot = 0;
    for (Index c = 0; c < channels; ++c) {
      const double z = double(t.x[r * channels + c]) + (bias_rows > 0 ? bias[r % bias_rows * channels + c] : 0.0f);
      sum += y[r * channels + c] = std::exp(z);
    }
    for (Index c = 0; c < channels; ++c) dot += t.dy[r * channels + c] * (y[r * channels + c] /= sum);
    for (Index c = 0; c < channels; ++c) {
      dx[r * channels + c] = y[r * channels + c] * (t.dy[r * channels + c] - dot);
      if (bias_rows > 0) dbias[r % bias_rows * channels + c] += dx[r * channels + c];
    }
  }
  expect(title("softmax", t.size), {y, dx, dbias}, [&](std::vector<Numbers>& out, const Workers& workers) {
    softmax(t.x.data(), {bias.data(), bias_rows}, out[0].data(), t.size, workers);
    softmax_grad(t.dy.data(), out[0].data(), out[1].data(), out[2].data(), bias_rows, t.size, workers);
  });
}

void check_patches(const Maps& m, Index side, Random& random) {
  const Index rows = m.height / side, columns = m.width / side, n = m.images * m.height * m.width * m.channels;
  const Numbers x = random.numbers(n);
  Exact matrix, back(n);
  for (Index i = 0; i < m.images * rows * columns; ++i) {
    const Index image = i / (rows * columns), row = i / columns % rows, column = i % columns;
    for (Index j = 0; j < side * side * m.channels; ++j) {
      const Index y = row * side + j / (side * m.channels), offset = j % (side * m.channels);
      const Index at = ((image * m.height + y) * m.width + column * side) * m.channels + offset;
      matrix.push_back(x[at]);
      back[at] = x[at];
    }
  }
  expect("patches of " + std::to_string(side), {matrix, back}, [&](std::vector<Numbers>& out, const Workers& workers) {
    patches(x.data(), out[0].data(), m, side, workers);
    patches_grad(out[0].data(), out[1].data(), m, side, workers);
  });
}

/** The nearest number with 8 significant bits, ties to even. */
double with_8_bits(double x) {
  int exponent;
  const double fraction = std::frexp(x, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(fraction, 8)), exponent - 8);
}

/** Three parts of two tensors each, which are sent, averaged and sent back. */
void check_bf16(Random& random) {
  const Index count = 3, first = 16385, second = 7, size = first + second + 9;
  std::vector<Numbers> parts;
  Exact sent, mean(size);
  for (Index p = 0; p < count; ++p) {
    parts.push_back(random.numbers(first + second));
    parts[p][0] = 1 + 1.0f / 256;  // a tie, which goes to 1
    parts[p][1] = 1 + 3.0f / 256;  // a tie, which goes to 1 + 4/256
    for (Index i = 0; i < size; ++i) sent.push_back(i < first + second ? with_8_bits(parts[p][i]) : 0);
  }
  for (Index i = 0; i < size; ++i) {
    float sum = 0;
    for (Index p = 0; p < count; ++p) sum += static_cast<float>(sent[p * size + i]);
    mean[i] = with_8_bits(sum / count);
  }
  const auto kernel = [&](std::vector<Numbers>& out, const Workers& workers) {
    std::vector<Bf16> rounded(count * size), average(size);
    for (Index p = 0; p < count; ++p) {
      const float* numbers = parts[p].data();
      to_bf16({{numbers, nullptr, first}, {numbers + first, nullptr, second}}, &rounded[p * size], size, workers);
    }
    mean_of_bf16(rounded.data(), count, size, average.data(), workers);
    from_bf16(rounded.data(), out[0].data(), count * size, workers);
    from_bf16(average.data(), out[1].data(), size, workers);
  };
  std::vector<Numbers> out{Numbers(count * size), Numbers(size)};
  kernel(out, Threads(1));
  expect_close("bf16, sent", out[0], sent, 0);
  expect_close("bf16, mean", out[1], mean, 0);
  expect("bf16", {sent, mean}, kernel);
  const float special[] = {NAN, INFINITY, -INFINITY, -0.0f};
  Bf16 halves[4];
  float back[4];
  to_bf16({{special, nullptr, 4}}, halves, 4, Threads(1));
  from_bf16(halves, back, 4, Threads(1));
  if (std::isnan(back[0]) && back[1] == INFINITY && back[2] == -INFINITY && std::signbit(back[3])) return;
  std::printf("bf16: NaN, infinity or -0 is another number\n");
  ++failures;
}

void check_momentum(const std::vector<Index>& counts, const std::vector<Numbers>& weights,
                    const std::vector<Numbers>& grads, const std::vector<Numbers>& buffers, float adapts) {
  const MomentumFactors f{0.6f, 0.01f, 0.9f, 0.5f, 0.25f, 0.1f, adapts};
  const std::size_t n = counts.size();
  std::vector<Exact> expected(2 * n);
  for (std::size_t t = 0; t < n; ++t) {
    double of_weight = 0, of_grad = 0;
    for (Index i = 0; i < counts[t]; ++i) {
      const double w = weights[t][i], g = f.scale * double(grads[t][i]) + (adapts == kApex ? 0 : f.decay * w);
      of_weight += w * w;
      of_grad += g * g;
    }
    of_weight = std::sqrt(of_weight);
    of_grad = std::sqrt(of_grad);
    const double plus = adapts == kApex ? f.decay * of_weight + 1e-8 : 0;
    const double q = adapts == kFixed ? 1 : f.eta * of_weight / (of_grad + plus);
    for (Index i = 0; i < counts[t]; ++i) {
      const double w = weights[t][i], g = f.scale * double(grads[t][i]) + f.decay * w;
      const double moved = f.momentum * double(buffers[t][i]) + f.inside * q * g;
      expected[t].push_back(w - f.outside * moved);
      expected[n + t].push_back(moved);
    }
  }
  expect("momentum " + std::to_string(adapts), expected, [&](std::vector<Numbers>& out, const Workers& workers) {
    std::vector<Span> spans;
    std::vector<const float*> g;
    std::vector<float*> moved;
    for (std::size_t t = 0; t < n; ++t) {
      spans.push_back({weights[t].data(), out[t].data(), counts[t]});
      g.push_back(grads[t].data());
      out[n + t] = buffers[t];
      moved.push_back(out[n + t].data());
    }
    momentum(spans, g, moved, std::vector<MomentumFactors>(n, f).data(), workers);
  });
}

void check_optimizer(Random& random) {
  const std::vector<Index> counts = {1, 33, 16384, 40001};
  std::vector<Numbers> weights, grads, first, second;
  std::vector<Exact> moved, first_moved, second_moved;
  Exact squares;
  const AdamWFactors f{0.99f, 0.9f, 0.1f, 0.999f, 0.001f, 3.0f, 1e-8f, 0.01f, 0.6f};
  for (const Index n : counts) {
    for (auto* all : {&weights, &grads, &first, &second}) all->push_back(random.numbers(n));
    for (float& v : second.back()) v = std::fabs(v);
    double square = 0;
    for (const float g : grads.back()) square += double(g) * g;
    squares.push_back(square);
    Exact w(n), m(n), v(n);
    for (Index i = 0; i < n; ++i) {
      const double g = f.scale * double(grads.back()[i]);
      m[i] = f.beta1 * first.back()[i] + f.new1 * g;
      v[i] = f.beta2 * second.back()[i] + f.new2 * g * g;
      w[i] = weights.back()[i] * f.keep - f.step * m[i] / (std::sqrt(v[i]) * f.rms_scale + f.eps);
    }
    moved.push_back(w);
    first_moved.push_back(m);
    second_moved.push_back(v);
  }
  const auto spans = [&](const std::vector<Numbers>& in, std::vector<Numbers>& out) {
    std::vector<Span> all;
    for (std::size_t i = 0; i < in.size(); ++i) all.push_back({in[i].data(), out[i].data(), counts[i]});
    return all;
  };
  const auto pointers = [](const std::vector<Numbers>& all) {
    std::vector<const float*> to;
    for (const Numbers& numbers : all) to.push_back(numbers.data());
    return to;
  };
  expect("squared_norms", {squares}, [&](std::vector<Numbers>& out, const Workers& workers) {
    std::vector<Span> all;
    for (std::size_t i = 0; i < counts.size(); ++i) all.push_back({grads[i].data(), nullptr, counts[i]});
    squared_norms(all, out[0].data(), workers);
  });
  std::vector<Exact> expected = moved;
  expected.insert(expected.end(), first_moved.begin(), first_moved.end());
  expected.insert(expected.end(), second_moved.begin(), second_moved.end());
  expect("adamw", expected, [&](std::vector<Numbers>& out, const Workers& workers) {
    const std::size_t n = counts.size();
    std::vector<float*> m, v;
    for (std::size_t i = 0; i < n; ++i) {
      out[n + i] = first[i];
      out[2 * n + i] = second[i];
      m.push_back(out[n + i].data());
      v.push_back(out[2 * n + i].data());
    }
    const std::vector<AdamWFactors> factors(n, f);
    adamw(spans(weights, out), pointers(grads), m, v, factors.data(), workers);
  });
  for (const float adapts : {kFixed, kLengths, kApex}) check_momentum(counts, weights, grads, first, adapts);
  for (std::size_t t = 0; t < counts.size(); ++t) {
    for (Index i = 0; i < counts[t]; ++i) moved[t][i] = 0.75 * weights[t][i] + 0.25 * grads[t][i];
  }
  expect("moving_average", moved, [&](std::vector<Numbers>& out, const Workers& workers) {
    moving_average(spans(weights, out), pointers(grads), 0.75f, 0.25f, workers);
  });
}

}  // namespace

void check_rows() {
  Random random(2);
  for (const Rows size : {Rows{1, 1}, Rows{6, 1}, Rows{5, 3}, Rows{2, 17}, Rows{300, 24}, Rows{35, 96}, Rows{3, 1000}}) {
    for (const Index images : {Index{1}, size.rows}) {
      const Tensors t = draw(size, images, random);
      check_gelu(t);
      check_norm(t, true);
      check_norm(t, false);
      check_shared_norm(t);
      check_affine(t);
      check_residual(t);
      check_softmax(t, images == 1 ? 0 : size.rows % 5 == 0 ? size.rows / 5 : size.rows, random);
    }
  }
  check_patches({3, 8, 12, 5}, 4, random);
  check_patches({2, 7, 9, 24}, 2, random);
  check_optimizer(random);
  check_bf16(random);
}

}  // namespace bcssl::check
