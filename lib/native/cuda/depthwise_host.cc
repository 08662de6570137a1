// The computations of depthwise.h on the CPU, the threads of a block one after the other: for tests
// where there is no GPU. Numbers that are never written are NaN.
#include <cmath>
#include <vector>

#include "depthwise.h"

namespace {

using namespace bcssl::cuda;

/** The threads of a block, and the sums of each. */
struct HostThreads {
  std::vector<Sums> sums = std::vector<Sums>(kThreads, Sums{});

  template <typename F>
  void each(F f) {
    for (int thread = 0; thread < kThreads; ++thread) f(thread, sums[thread]);
  }
};

}  // namespace

extern "C" {

/**
 * @param role 0 forward, 1 gradient of the map, 2 gradient of the kernel.
 * @param sizes images, height, width, channels, height and width of the kernel, stride.
 * @return Parts of the sum, so that a test knows that there were several.
 */
int bcssl_host_depthwise(int role, const int* sizes, const float* map, const float* factors, const float* plus,
                         float* result) {
  const Sizes s{sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6]};
  const Plan plan = plan_of(static_cast<Role>(role), s);
  std::vector<float> workspace(workspace_of(plan), NAN), tile(kMemory);
  float* to = plan.parts == 1 ? result : workspace.data();
  const int depth = plan.role == Role::kGradWeight ? plan.parts : plan.images;
  for (int z = 0; z < depth; ++z) {
    for (int y = 0; y < plan.channel_blocks; ++y) {
      for (int x = 0; x < plan.tiles; ++x) {
        tile.assign(kMemory, NAN);
        HostThreads threads;
        correlate(plan, Block{x, y, z}, map, factors, plus, to, tile.data(), threads);
      }
    }
  }
  const long long size = 1LL * plan.rows * plan.columns * plan.channels;
  for (long long i = 0; plan.parts > 1 && i < size; ++i) {
    result[i] = sum_of_parts(workspace.data(), plan.parts, size, i);
  }
  return plan.parts;
}

/** The sums of the columns of `matrix`, by parts. */
void bcssl_host_column_sums(const float* matrix, int rows, int columns, float* sums) {
  const int parts = (rows + kRowsOfPart - 1) / kRowsOfPart;
  std::vector<float> partial(1LL * parts * columns);
  for (int part = 0; part < parts; ++part) {
    for (int c = 0; c < columns; ++c) partial[1LL * part * columns + c] = column_sum(matrix, rows, columns, part, c);
  }
  for (int c = 0; c < columns; ++c) sums[c] = sum_of_parts(partial.data(), parts, columns, c);
}
}
