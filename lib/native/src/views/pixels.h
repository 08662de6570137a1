// Bytes of pixels, for all files of this folder. They know no TensorFlow: threads that make crops
// load the library of views alone.
//
// A plane holds one channel of an image, so that every loop runs along memory and the compiler
// turns it into vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace views {

using Byte = std::uint8_t;

/** Working memory of at least `length` elements; `memory` belongs to its thread and only grows. */
template <typename T>
T* scratch(std::vector<T>& memory, std::size_t length) {
  if (memory.size() < length) memory.resize(length);
  return memory.data();
}

/** The nearest number of 0 … 255. */
inline Byte clamp8(int value) { return static_cast<Byte>(value < 0 ? 0 : value > 255 ? 255 : value); }

}  // namespace views
