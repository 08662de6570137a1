// Cuts maps into patches that do not overlap, each a row of a matrix, so that a convolution whose
// stride equals its size becomes a matrix product. Copies whole runs of numbers, where a general
// transposition would copy them one by one.
#include <cstring>

#include "core/kernels.h"

namespace bcssl {
namespace {

/**
 * Calls visit(place in the map, place in the matrix) for every run of `side` neighbouring
 * positions.
 */
template <typename Visit>
void for_each_run(const Maps& m, Index side, const Workers& workers, Visit visit) {
  const Index rows = m.height / side, columns = m.width / side, run = side * m.channels;
  const Split split(m.images * rows, side * columns * run);
  workers.run(split.parts, [&](Index part) {
    for (Index i = split.begin(part); i < split.end(part); ++i) {
      const Index image = i / rows, row = i % rows;
      for (Index y = 0; y < side; ++y) {
        const Index line = (image * m.height + row * side + y) * m.width * m.channels;
        for (Index column = 0; column < columns; ++column) {
          visit(line + column * run, ((i * columns + column) * side + y) * run);
        }
      }
    }
  });
}

}  // namespace

void patches(const float* x, float* matrix, const Maps& maps, Index side, const Workers& workers) {
  const std::size_t bytes = side * maps.channels * sizeof(float);
  for_each_run(maps, side, workers, [&](Index in, Index out) { std::memcpy(matrix + out, x + in, bytes); });
}

void patches_grad(const float* dmatrix, float* dx, const Maps& maps, Index side, const Workers& workers) {
  const std::size_t bytes = side * maps.channels * sizeof(float);
  if (maps.height % side != 0 || maps.width % side != 0) {
    std::fill(dx, dx + maps.images * maps.height * maps.width * maps.channels, 0.0f);
  }
  for_each_run(maps, side, workers, [&](Index in, Index out) { std::memcpy(dx + in, dmatrix + out, bytes); });
}

}  // namespace bcssl
