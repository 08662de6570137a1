// Settings of the C library's allocator, which gives TensorFlow the memory of its tensors.
#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

/**
 * Makes the allocator keep freed memory for the next step's tensors. By default the memory of large
 * tensors goes back to the system, which zeroes it page by page when it is asked for again: ten
 * thousand pages per step for one block of 32 maps of 56×56×96.
 */
extern "C" void bcssl_keep_memory() {
#ifdef M_MMAP_MAX
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 0x7fffffff);
#endif
}
