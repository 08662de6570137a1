// The computations of depthwise.h as CUDA kernels.
#include <cuda_runtime.h>

#include "launch.h"

namespace bcssl {
namespace cuda {
namespace {

/** The threads of a block; this one's own sums. */
struct GpuThreads {
  Sums sums{};

  template <typename F>
  __device__ void each(F f) {
    f(static_cast<int>(threadIdx.x), sums);
    __syncthreads();
  }
};

__global__ void __launch_bounds__(kThreads)
    correlate_kernel(Plan plan, const float* __restrict__ map, const float* __restrict__ factors,
                     const float* __restrict__ plus, float* __restrict__ result) {
  __shared__ float tile[kMemory];
  GpuThreads threads;
  const Block block{static_cast<int>(blockIdx.x), static_cast<int>(blockIdx.y), static_cast<int>(blockIdx.z)};
  correlate(plan, block, map, factors, plus, result, tile, threads);
}

__global__ void __launch_bounds__(kThreads)
    sum_parts_kernel(const float* __restrict__ partial, int parts, long long size, float* __restrict__ sums) {
  const long long i = 1LL * blockIdx.x * kThreads + threadIdx.x;
  if (i < size) sums[i] = sum_of_parts(partial, parts, size, i);
}

__global__ void __launch_bounds__(kThreads)
    column_sums_kernel(const float* __restrict__ matrix, long long rows, int columns, float* __restrict__ partial) {
  const int column = static_cast<int>(blockIdx.x) * kThreads + threadIdx.x;
  const long long part = blockIdx.y;
  if (column < columns) partial[part * columns + column] = column_sum(matrix, rows, columns, part, column);
}

/** What went wrong since the last launch, in words; null if nothing did. */
const char* problem() {
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

void sum_parts(const float* partial, int parts, long long size, float* sums, cudaStream_t stream) {
  const unsigned blocks = static_cast<unsigned>((size + kThreads - 1) / kThreads);
  sum_parts_kernel<<<blocks, kThreads, 0, stream>>>(partial, parts, size, sums);
}

}  // namespace

const char* launch(const Plan& plan, const float* map, const float* factors, const float* plus, float* result,
                   float* workspace, void* stream) {
  const auto cuda_stream = static_cast<cudaStream_t>(stream);
  const unsigned depth = plan.role == Role::kGradWeight ? plan.parts : plan.images;
  if (plan.tiles == 0 || plan.channel_blocks == 0 || depth == 0) return nullptr;
  const dim3 grid(plan.tiles, plan.channel_blocks, depth);
  float* to = plan.parts == 1 ? result : workspace;
  correlate_kernel<<<grid, kThreads, 0, cuda_stream>>>(plan, map, factors, plus, to);
  if (plan.parts > 1) {
    const long long size = 1LL * plan.rows * plan.columns * plan.channels;
    sum_parts(workspace, plan.parts, size, result, cuda_stream);
  }
  return problem();
}

const char* launch_column_sums(const float* matrix, long long rows, int columns, float* sums, float* workspace,
                               void* stream) {
  const auto cuda_stream = static_cast<cudaStream_t>(stream);
  const int parts = static_cast<int>(parts_of_rows(rows));
  if (parts == 0 || columns == 0) return nullptr;
  const dim3 grid((columns + kThreads - 1) / kThreads, parts);
  column_sums_kernel<<<grid, kThreads, 0, cuda_stream>>>(matrix, rows, columns, workspace);
  sum_parts(workspace, parts, columns, sums, cuda_stream);
  return problem();
}

}  // namespace cuda
}  // namespace bcssl
