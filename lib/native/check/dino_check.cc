// DINO's last layer and loss, and unit-length rows: arbitrary sizes against written-out sums, and
// on other threads.
#include "check.h"
#include "kernels/dino.h"

namespace bcssl::check {
namespace {

constexpr double kTemp = 0.3, kMomentum = 0.8;

/** Log Σ exp of one row. */
double log_sum(const double* x, Index count) {
  double top = x[0], sum = 0;
  for (Index k = 0; k < count; ++k) top = std::max(top, x[k]);
  for (Index k = 0; k < count; ++k) sum += std::exp(x[k] - top);
  return top + std::log(sum);
}

struct Student {
  Numbers loss, lse, mass, dproducts, u;
};

Student run_student(const Numbers& products, const Numbers& scales, const Numbers& q, const Pairs& pairs, float dloss,
                    const Workers& workers) {
  const Index rows = pairs.students * pairs.images;
  Student s{Numbers(1), Numbers(rows), Numbers(rows), Numbers(products.size()), Numbers(pairs.prototypes)};
  const float* p = products.data();
  dino_loss(p, scales.data(), q.data(), kTemp, s.loss.data(), {s.lse.data(), s.mass.data()}, pairs, workers);
  dino_loss_grad(dloss, p, scales.data(), q.data(), kTemp, {s.lse.data(), s.mass.data()}, s.dproducts.data(),
                 s.u.data(), pairs, workers);
  return s;
}

void check_student(const Pairs& pairs, Random& random) {
  const auto [T, V, B, K] = pairs;
  const std::string what = "dino_loss, " + std::to_string(T) + " × " + std::to_string(V) + " views, " +
                           std::to_string(B) + " images, " + std::to_string(K) + " prototypes";
  const Numbers products = random.numbers(V * B * K), scales = random.numbers(K);
  Numbers q = random.numbers(T * B * K);
  for (float& p : q) p = p * p / K;  // not negative, but no distribution: the kernels must not need one
  const float dloss = 1.7f;
  Exact loss{0}, dproducts(products.size()), u(K);
  for (Index v = 0; v < V; ++v) {
    for (Index b = 0; b < B; ++b) {
      const Index row = (v * B + b) * K;
      Exact x(K), target(K);
      double mass = 0;
      for (Index k = 0; k < K; ++k) x[k] = double(products[row + k]) * scales[k] / kTemp;
      const double lse = log_sum(x.data(), K);
      for (Index t = 0; t < T; ++t) {
        for (Index k = 0; k < K && t != v; ++k) target[k] += q[(t * B + b) * K + k];
      }
      for (Index k = 0; k < K; ++k) {
        loss[0] -= target[k] * (x[k] - lse) / pairs.count();
        mass += target[k];
      }
      for (Index k = 0; k < K; ++k) {
        const double d = dloss / kTemp / pairs.count() * (mass * std::exp(x[k] - lse) - target[k]);
        dproducts[row + k] = d * scales[k];
        u[k] += d * products[row + k];
      }
    }
  }
  const Student one = run_student(products, scales, q, pairs, dloss, Threads(1));
  const Student three = run_student(products, scales, q, pairs, dloss, Threads(3));
  expect_close(what, one.loss, loss, 1e-5);
  expect_close(what + ", dproducts", one.dproducts, dproducts, 1e-4);
  expect_close(what + ", u", one.u, u, 1e-4);
  expect_same(what, one.loss, three.loss);
  expect_same(what + ", dproducts", one.dproducts, three.dproducts);
  expect_same(what + ", u", one.u, three.u);
}

void check_teacher(Rows size, Random& random) {
  const auto [N, K] = size;
  const std::string what = "dino_teacher, " + std::to_string(N) + " × " + std::to_string(K);
  const Numbers products = random.numbers(N * K), scales = random.numbers(K), center = random.numbers(K);
  Exact q(N * K), entropy{0}, next(K);
  for (Index r = 0; r < N; ++r) {
    Exact x(K);
    for (Index k = 0; k < K; ++k) x[k] = (double(products[r * K + k]) * scales[k] - center[k]) / kTemp;
    const double lse = log_sum(x.data(), K);
    for (Index k = 0; k < K; ++k) {
      q[r * K + k] = std::exp(x[k] - lse);
      entropy[0] -= q[r * K + k] * (x[k] - lse) / N;
      next[k] += (1 - kMomentum) * products[r * K + k] * scales[k] / N;
    }
  }
  for (Index k = 0; k < K; ++k) next[k] += kMomentum * center[k];
  const Teaching teaching{center.data(), float(kTemp), float(kMomentum)};
  Numbers results[2][3];
  for (int i = 0; i < 2; ++i) {
    auto& [p, h, c] = results[i];
    p.resize(N * K), h.resize(1), c.resize(K);
    dino_teacher(products.data(), scales.data(), teaching, p.data(), h.data(), c.data(), size, Threads(1 + 2 * i));
  }
  expect_close(what, results[0][0], q, 1e-5);
  expect_close(what + ", entropy", results[0][1], entropy, 1e-5);
  expect_close(what + ", centre", results[0][2], next, 1e-5);
  for (int i = 0; i < 3; ++i) expect_same(what, results[0][i], results[1][i]);
}

/** Checks the scales, and the gradients of v and g. */
void check_prototypes(Rows size, Random& random) {
  const auto [D, K] = size;
  const std::string what = "prototypes, " + std::to_string(D) + " × " + std::to_string(K);
  const Numbers v = random.numbers(D * K), g = random.numbers(K), dv = random.numbers(D * K), u = random.numbers(K);
  Numbers norms(K), scales(K), out(D * K), dg(K);
  prototype_scales(v.data(), g.data(), norms.data(), scales.data(), size, Threads(1));
  prototype_grad({dv.data(), v.data(), u.data(), norms.data(), scales.data()}, out.data(), dg.data(), size, Threads(1));
  Exact exact_scales(K), exact_out(D * K), exact_dg(K);
  for (Index k = 0; k < K; ++k) {
    double square = 0;
    for (Index d = 0; d < D; ++d) square += double(v[d * K + k]) * v[d * K + k];
    exact_scales[k] = g[k] / std::sqrt(square);
    exact_dg[k] = u[k] / std::sqrt(square);
    for (Index d = 0; d < D; ++d) {
      exact_out[d * K + k] = dv[d * K + k] - v[d * K + k] * u[k] * exact_scales[k] / square;
    }
  }
  expect_close(what + ", scales", scales, exact_scales, 1e-5);
  expect_close(what + ", dv", out, exact_out, 1e-4);
  expect_close(what + ", dg", dg, exact_dg, 1e-4);
}

void check_unit_rows(Rows size, Random& random) {
  const auto [N, C] = size;
  const std::string what = "l2_normalize, " + std::to_string(N) + " × " + std::to_string(C);
  const Numbers x = random.numbers(N * C), dy = random.numbers(N * C);
  Numbers y(N * C), lengths(N), dx(N * C);
  l2_normalize(x.data(), y.data(), lengths.data(), size, Threads(1));
  l2_normalize_grad(dy.data(), y.data(), lengths.data(), dx.data(), size, Threads(1));
  Exact exact_y(N * C), exact_dx(N * C);
  for (Index r = 0; r < N; ++r) {
    double square = 0, dot = 0;
    for (Index c = r * C; c < (r + 1) * C; ++c) square += double(x[c]) * x[c];
    const double length = std::sqrt(square);
    for (Index c = r * C; c < (r + 1) * C; ++c) dot += dy[c] * (exact_y[c] = x[c] / length);
    for (Index c = r * C; c < (r + 1) * C; ++c) exact_dx[c] = (dy[c] - exact_y[c] * dot) / length;
  }
  expect_close(what, y, exact_y, 1e-5);
  expect_close(what + ", dx", dx, exact_dx, 1e-4);
}

}  // namespace

void check_dino() {
  Random random(7);
  for (const Pairs& pairs : {Pairs{1, 2, 1, 1}, Pairs{2, 2, 1, 7}, Pairs{2, 3, 5, 17}, Pairs{3, 5, 2, 1023},
                             Pairs{2, 10, 3, 1025}, Pairs{2, 4, 2, 4099}}) {
    check_student(pairs, random);
  }
  for (const Rows& size : {Rows{1, 2}, Rows{3, 17}, Rows{5, 1024}, Rows{70, 33}, Rows{4, 4099}}) {
    check_teacher(size, random);
    check_prototypes(size, random);
    check_unit_rows(size, random);
  }
}

}  // namespace bcssl::check
