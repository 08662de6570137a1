// How the C library, which serves TensorFlow's tensors, treats what is freed.
#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

/**
 * Keeps freed memory for the next step's tensors. By default the largest go back to the system and are zeroed again page
 * by page, ten thousand pages a step for one block of 32 maps of 56×56×96.
 */
extern "C" void bcssl_keep_memory() {
#ifdef M_MMAP_MAX
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 0x7fffffff);
#endif
}
