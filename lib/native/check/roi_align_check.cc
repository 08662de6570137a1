// Regions of maps and the gradient against their samples one by one, each shared among four pixels.
#include "check.h"

namespace bcssl::check {
namespace {

/**
 * The pixels that a sample lies between, along one axis, and their shares; none further than a
 * pixel outside.
 */
struct Shares {
  Index pixels[2] = {0, 0};
  double weights[2] = {0, 0};
};

Shares shares_of(double at, Index length) {
  Shares shares;
  if (at < -1 || at > length) return shares;
  at = std::min(std::max(at, 0.0), double(length - 1));
  shares.pixels[0] = static_cast<Index>(at);
  shares.pixels[1] = std::min(shares.pixels[0] + 1, length - 1);
  shares.weights[1] = at - shares.pixels[0];
  shares.weights[0] = 1 - shares.weights[1];
  return shares;
}

/**
 * Calls visit(cell, pixel of all maps, weight) for the four shares of every sample of region `i`.
 */
template <typename Visit>
void for_each_share(const float* box, Index i, const Maps& m, const RoiAlign& r, Visit visit) {
  const double shift = r.aligned ? 0.5 : 0;
  double starts[2], extents[2];
  Index samples[2];
  for (const int axis : {0, 1}) {
    starts[axis] = box[1 + axis] * r.scale - shift;
    extents[axis] = box[3 + axis] * r.scale - shift - starts[axis];
    if (!r.aligned) extents[axis] = std::max(extents[axis], 1.0);
    samples[axis] = r.sampling > 0 ? r.sampling : static_cast<Index>(std::ceil(extents[axis] / r.size));
  }
  const auto shares = [&](int axis, Index cell, Index s, Index length) {
    return shares_of(starts[axis] + (cell + (s + 0.5) / samples[axis]) * extents[axis] / r.size, length);
  };
  for (Index cell = 0; cell < r.size * r.size; ++cell) {
    for (Index s = 0; s < samples[0] * samples[1]; ++s) {
      const Shares x = shares(0, cell % r.size, s % samples[0], m.width);
      const Shares y = shares(1, cell / r.size, s / samples[0], m.height);
      for (int k = 0; k < 4; ++k) {
        const Index row = Index(box[0]) * m.height + y.pixels[k / 2];
        visit(i * r.size * r.size + cell, row * m.width + x.pixels[k % 2],
              y.weights[k / 2] * x.weights[k % 2] / (samples[0] * samples[1]));
      }
    }
  }
}

/** Boxes of all sizes, some reaching over the edges, some without extent. */
Numbers boxes(Index count, const Maps& m, double scale, Random& random) {
  Numbers all;
  for (Index i = 0; i < count; ++i) {
    const double width = m.width / scale, height = m.height / scale;
    const double x = (0.5 + 0.6 * random.next()) * width, y = (0.5 + 0.6 * random.next()) * height;
    const double half_width = i % 7 == 0 ? 0 : 0.4 * std::fabs(random.next()) * width;
    const double half_height = 0.4 * std::fabs(random.next()) * height;
    for (const double v : {double(i % m.images), x - half_width, y - half_height, x + half_width, y + half_height}) {
      all.push_back(static_cast<float>(v));
    }
  }
  return all;
}

void check(const Maps& m, const RoiAlign& r, Random& random) {
  const Index C = m.channels;
  const Numbers x = random.numbers(m.images * m.height * m.width * C), regions = boxes(r.count, m, r.scale, random);
  const Numbers dy = random.numbers(r.count * r.size * r.size * C);
  Exact y(dy.size()), dx(x.size());
  for (Index i = 0; i < r.count; ++i) {
    for_each_share(&regions[5 * i], i, m, r, [&](Index cell, Index pixel, double weight) {
      for (Index c = 0; c < C; ++c) {
        y[cell * C + c] += weight * x[pixel * C + c];
        dx[pixel * C + c] += weight * dy[cell * C + c];
      }
    });
  }
  Numbers cut[2] = {Numbers(y.size(), NAN), Numbers(y.size(), NAN)};
  Numbers grads[2] = {Numbers(x.size(), NAN), Numbers(x.size(), NAN)};
  for (const int k : {0, 1}) {
    roi_align(x.data(), regions.data(), cut[k].data(), m, r, Threads(1 + 2 * k));
    roi_align_grad(dy.data(), regions.data(), grads[k].data(), m, r, Threads(1 + 2 * k));
  }
  const std::string name = "roi_align " + std::to_string(m.height) + " by " + std::to_string(m.width) + " by " +
                           std::to_string(C) + ", " + std::to_string(r.count) + " regions of " +
                           std::to_string(r.size) + " cells, " + std::to_string(r.sampling) + " samples";
  expect_close(name, cut[0], y, 1e-5);
  expect_same(name, cut[0], cut[1]);
  expect_close(name + ", dx", grads[0], dx, 1e-4);
  expect_same(name + ", dx", grads[0], grads[1]);
}

}  // namespace

void check_roi_align() {
  Random random(7);
  const Maps maps[] = {{1, 1, 1, 1}, {2, 5, 9, 3}, {3, 25, 13, 17}, {1, 40, 50, 64}};
  for (const Maps& m : maps) {
    for (const Index sampling : {0, 2}) {
      for (const bool aligned : {false, true}) {
        check(m, {23, 7, sampling, aligned, 0.25}, random);
        check(m, {40, 1, sampling, aligned, 0.7}, random);
        check(m, {0, 2, sampling, aligned, 1}, random);
      }
    }
  }
}

}  // namespace bcssl::check
