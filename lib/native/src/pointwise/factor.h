// The matrices of a tile of rows, in memory that a thread keeps, as factors of products.
#pragma once

#include <type_traits>
#include <utility>

#include "pointwise/product.h"

namespace bcssl {

/** The row length of a matrix in the cache: whole vectors, an odd number of them, so that rows do not share cache sets. */
inline Index spread(Index columns) { return (padded(columns) / kLanes | 1) * kLanes; }

/** The memory of matrices, in rows of floats. */
class Memory {
 public:
  /** The calling thread's own. */
  explicit Memory(Index floats) : next_(reinterpret_cast<float*>(scratch(floats / kLanes))) {}
  explicit Memory(const std::unique_ptr<Vec[]>& owned) : next_(reinterpret_cast<float*>(owned.get())) {}
  float* take(Index rows, Index stride) { return std::exchange(next_, next_ + rows * stride); }

 private:
  float* next_;
};

/**
 * A matrix [rows, columns], its rows filled up with zeros to whole vectors, as a factor. As Pairs it is kept in copies
 * beside the numbers, one for each axis that may be the depth, which are as old as the last call of `round_…`.
 */
template <typename T>
class Factor {
 public:
  /** Floats of memory for so many rows. */
  static Index size(Index rows, Index stride) { return rows * stride * (kCopied ? 2 : 1); }

  /** `rows` is even. */
  Factor(Memory& memory, Index rows, Index stride) : data_(memory.take(rows, stride)), stride_(stride) {
    if constexpr (kCopied) {
      by_row_ = reinterpret_cast<T*>(memory.take(rows / 2, stride));
      by_column_ = reinterpret_cast<T*>(memory.take(rows / 2, stride));
    } else {
      by_row_ = by_column_ = data_;
    }
  }

  /** The rows from `row` on, which is even. */
  Factor from(Index row) const {
    Factor rest = *this;
    rest.data_ += row * stride_;
    if constexpr (kCopied) {
      rest.by_row_ += row * stride_ / 2;
      rest.by_column_ += row / 2 * stride_;
    } else {
      rest.by_row_ = rest.by_column_ = rest.data_;
    }
    return rest;
  }

  float* row(Index r) const { return data_ + r * stride_; }
  Result result() const { return {data_, stride_}; }

  /** The left factor whose depth is the columns. */
  Left<T> left() const { return {by_row_, stride_ / Format<T>::kNumbers, false}; }
  /** The left factor, transposed, and the right one, whose depth is the rows. */
  Left<T> transposed() const { return {by_column_, stride_, true}; }
  Right<T> right() const { return in_place(by_column_, stride_); }

  void round(Index rows, Index columns) const {
    round_by_row(rows, columns);
    round_by_column(rows, columns);
  }

  /** Makes the numbers of some rows and columns known to `left`. */
  void round_by_row(Index rows, Index columns) const {
    if constexpr (kCopied) {
      for (Index r = 0; r < rows; ++r) {
        T* to = by_row_ + r * stride_ / 2;
        for (Index c = 0; c < columns; c += kLanes) {
          const auto rounded = Format<T>::round(load(r, c));
          std::memcpy(to + c / 2, &rounded, sizeof rounded);
        }
      }
    }
  }

  /** Makes the numbers of some rows and columns known to `transposed` and `right`. */
  void round_by_column(Index rows, Index columns) const {
    if constexpr (kCopied) {
      for (Index r = 0; r < rows; r += 2) {
        T* to = by_column_ + r / 2 * stride_;
        for (Index c = 0; c < columns; c += kLanes) {
          Format<T>::pack(load(r, c), r + 1 < rows ? load(r + 1, c) : Vec{}, to + c);
        }
      }
    }
  }

 private:
  static constexpr bool kCopied = !std::is_same_v<T, float>;

  Vec load(Index r, Index c) const {
    Vec v;
    std::memcpy(&v, row(r) + c, sizeof v);
    return v;
  }

  float* data_;
  Index stride_;
  T *by_row_, *by_column_;
};

}  // namespace bcssl
