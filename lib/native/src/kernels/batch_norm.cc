// BatchNorm and its gradient. Means and variances are taken in two passes over data that is still
// in the cache, never as E[x²] − E[x]², which would lose digits where all values share a large
// offset.
#include <cmath>

#include "core/column_sums.h"
#include "core/kernels.h"

namespace bcssl {
namespace {

/** Mean and sum of squared deviations of each channel over some rows. */
struct Moments {
  Index count = 0;
  std::vector<double> mean, squares;
  explicit Moments(Index channels) : mean(channels), squares(channels) {}

  /** Takes in the moments of `more` other rows (Chan, Golub & LeVeque 1979). */
  template <typename Number>
  void merge(Index more, const Number* other_mean, const Number* other_squares) {
    const double all = static_cast<double>(count + more);
    const double share = more / all, cross = count * share;
    for (std::size_t c = 0; c < mean.size(); ++c) {
      const double delta = other_mean[c] - mean[c];
      mean[c] += delta * share;
      squares[c] += other_squares[c] + delta * delta * cross;
    }
    count += more;
  }
};

/**
 * Adds the moments of a few rows to `to`; few enough to be still in the cache for the second pass.
 */
void add_block(const float* x, Index rows, Index channels, std::vector<float>& scratch, Moments& to) {
  scratch.assign(2 * channels, 0.0f);
  float* mean = scratch.data();
  float* squares = mean + channels;
  for (Index r = 0; r < rows; ++r)
#pragma omp simd
    for (Index c = 0; c < channels; ++c) mean[c] += x[r * channels + c];
  for (Index c = 0; c < channels; ++c) mean[c] /= rows;
  for (Index r = 0; r < rows; ++r)
#pragma omp simd
    for (Index c = 0; c < channels; ++c) {
      const float d = x[r * channels + c] - mean[c];
      squares[c] += d * d;
    }
  to.merge(rows, mean, squares);
}

/** The moments of each channel over all rows. */
Moments moments_of(const float* x, Rows size, const Workers& workers) {
  const auto [rows, channels] = size;
  const Split split(rows, channels);
  std::vector<Moments> partial(split.parts, Moments(channels));
  const Index block = std::max<Index>(16, 8192 / channels);
  workers.run(split.parts, [&](Index part) {
    std::vector<float> scratch;
    for (Index r = split.begin(part); r < split.end(part); r += block) {
      add_block(x + r * channels, std::min(block, split.end(part) - r), channels, scratch, partial[part]);
    }
  });
  Moments all(channels);
  for (const Moments& p : partial) all.merge(p.count, p.mean.data(), p.squares.data());
  return all;
}

}  // namespace

void affine(const float* x, const float* scale, const float* shift, float* y, Rows size, const Workers& workers) {
  const auto [rows, channels] = size;
  const Split split(rows, channels);
  workers.run(split.parts, [&](Index part) {
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float* in = x + r * channels;
      float* out = y + r * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) out[c] = in[c] * scale[c] + shift[c];
    }
  });
}

void batch_moments(const float* x, float eps, const Running& running, float* mean, float* rstd, Rows size,
                   const Workers& workers) {
  const auto [rows, channels] = size;
  const Moments moments = moments_of(x, size, workers);
  for (Index c = 0; c < channels; ++c) {
    mean[c] = static_cast<float>(moments.mean[c]);
    rstd[c] = static_cast<float>(1.0 / std::sqrt(moments.squares[c] / rows + eps));
    const float unbiased = static_cast<float>(moments.squares[c] / std::max<Index>(1, rows - 1));
    running.new_mean[c] = running.mean[c] + running.momentum * (mean[c] - running.mean[c]);
    running.new_variance[c] = running.variance[c] + running.momentum * (unbiased - running.variance[c]);
  }
}

void batch_norm(const float* x, const float* weight, const float* bias, float eps, const Running& running, float* y,
                float* mean, float* rstd, Rows size, const Workers& workers) {
  const auto [rows, channels] = size;
  batch_moments(x, eps, running, mean, rstd, size, workers);
  const Split split(rows, channels);
  workers.run(split.parts, [&](Index part) {
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float* in = x + r * channels;
      float* out = y + r * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) {
        out[c] = (in[c] - mean[c]) * rstd[c] * weight[c] + bias[c];
      }
    }
  });
}

void batch_norm_grad(const float* dy, const float* x, const float* mean, const float* rstd,
                     const float* weight, float* dx, float* dweight, float* dbias, Rows size,
                     const Workers& workers) {
  const auto [rows, channels] = size;
  const Split split(rows, channels);
  ColumnSums sums(split.parts, 2, channels);
  workers.run(split.parts, [&](Index part) {
    float* dw = sums.of(part, 0);
    float* db = sums.of(part, 1);
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float* in = x + r * channels;
      const float* up = dy + r * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) {
        dw[c] += up[c] * (in[c] - mean[c]) * rstd[c];
        db[c] += up[c];
      }
    }
  });
  sums.total(0, dweight);
  sums.total(1, dbias);
  const float share = 1.0f / rows;
  workers.run(split.parts, [&](Index part) {
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float* in = x + r * channels;
      const float* up = dy + r * channels;
      float* down = dx + r * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) {
        const float xhat = (in[c] - mean[c]) * rstd[c];
        down[c] = (up[c] - dbias[c] * share - xhat * dweight[c] * share) * rstd[c] * weight[c];
      }
    }
  });
}

void own_moments(const float* x, float* moments, Rows size, const Workers& workers) {
  const auto [rows, channels] = size;
  const Moments own = moments_of(x, size, workers);
  for (Index c = 0; c < channels; ++c) {
    moments[c] = static_cast<float>(own.mean[c]);
    moments[channels + c] = static_cast<float>(own.squares[c] / rows);
  }
}

void moments_of_all(const float* all, Index processes, Index rows, float eps, const Running& running, float* mean,
                    float* rstd, Index channels) {
  const double count = static_cast<double>(processes) * rows;
  for (Index c = 0; c < channels; ++c) {
    double sum = 0, squares = 0;
    for (Index p = 0; p < processes; ++p) sum += all[2 * p * channels + c];
    const double center = sum / processes;
    for (Index p = 0; p < processes; ++p) {
      const double delta = all[2 * p * channels + c] - center;
      squares += rows * (all[(2 * p + 1) * channels + c] + delta * delta);
    }
    mean[c] = static_cast<float>(center);
    rstd[c] = static_cast<float>(1.0 / std::sqrt(squares / count + eps));
    const float unbiased = static_cast<float>(squares / std::max(1.0, count - 1));
    running.new_mean[c] = running.mean[c] + running.momentum * (mean[c] - running.mean[c]);
    running.new_variance[c] = running.variance[c] + running.momentum * (unbiased - running.variance[c]);
  }
}

void batch_norm_grad_of_all(const float* dx, const float* x, const SharedNorm& norm, float* dx_of_all, Rows size,
                            const Workers& workers) {
  const auto [rows, channels] = size;
  std::vector<float> slope(channels), constant(channels);
  for (Index c = 0; c < channels; ++c) {
    double dbias = 0, dweight = 0;
    for (Index p = 0; p < norm.processes; ++p) {
      dbias += norm.all[2 * p * channels + c];
      dweight += norm.all[(2 * p + 1) * channels + c];
    }
    const double scale = double(norm.weight[c]) * norm.rstd[c] / rows;
    const double of_x = scale * norm.rstd[c] * (norm.dweight[c] - dweight / norm.processes);
    slope[c] = static_cast<float>(of_x);
    constant[c] = static_cast<float>(scale * (norm.dbias[c] - dbias / norm.processes) - norm.mean[c] * of_x);
  }
  const Split split(rows, channels);
  workers.run(split.parts, [&](Index part) {
    for (Index r = split.begin(part); r < split.end(part); ++r) {
      const float* own = dx + r * channels;
      const float* in = x + r * channels;
      float* out = dx_of_all + r * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) out[c] = own[c] + (in[c] * slope[c] + constant[c]);
    }
  });
}

}  // namespace bcssl
