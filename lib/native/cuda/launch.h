// Starts the computations of depthwise.h on a GPU. Includes neither CUDA's headers nor TensorFlow's:
// each of the two is included by one source file only.
#pragma once

#include "depthwise.h"

namespace bcssl {
namespace cuda {

/**
 * One of the three computations. All pointers are to the GPU's memory; `plus` may be null, and
 * `workspace` holds `workspace_of(plan)` numbers.
 *
 * @return An error in words, or null.
 */
const char* launch(const Plan& plan, const float* map, const float* factors, const float* plus, float* result,
                   float* workspace, void* stream);

/** Parts of the sum of the columns of so many rows. */
inline long long parts_of_rows(long long rows) { return (rows + kRowsOfPart - 1) / kRowsOfPart; }

/**
 * The sums of the columns of `matrix`; `workspace` holds `parts_of_rows(rows) · columns` numbers.
 *
 * @return An error in words, or null.
 */
const char* launch_column_sums(const float* matrix, long long rows, int columns, float* sums, float* workspace,
                               void* stream);

}  // namespace cuda
}  // namespace bcssl
