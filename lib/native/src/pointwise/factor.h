// The matrices of a tile of rows as factors of products, in memory that a thread keeps.
#pragma once

#include <type_traits>
#include <utility>

#include "pointwise/product.h"

namespace bcssl {

/**
 * The stride of a matrix in the cache: an odd number of whole vectors, so that rows do not share
 * cache sets.
 */
inline Index spread(Index columns) { return (padded(columns) / kLanes | 1) * kLanes; }

/** Hands out memory for matrices, piece by piece. */
class Memory {
 public:
  /** From the calling thread's own working memory. */
  explicit Memory(Index floats) : next_(reinterpret_cast<float*>(scratch(floats / kLanes))) {}
  explicit Memory(const std::unique_ptr<Vec[]>& owned) : next_(reinterpret_cast<float*>(owned.get())) {}
  float* take(Index rows, Index stride) { return std::exchange(next_, next_ + rows * stride); }

 private:
  float* next_;
};

/**
 * A matrix [rows, columns] that products use as a factor; rows are padded with zeros to whole
 * vectors.
 *
 * For products of Pairs there are two rounded copies beside the numbers, one for each axis that may
 * be the depth. A copy has the values of the last `round_…` call.
 */
template <typename T>
class Factor {
 public:
  /** How many floats of memory so many rows need. */
  static Index size(Index rows, Index stride) { return rows * stride * (kCopied ? 2 : 1); }

  /** Takes memory for `rows` rows, an even number. */
  Factor(Memory& memory, Index rows, Index stride) : data_(memory.take(rows, stride)), stride_(stride) {
    if constexpr (kCopied) {
      by_row_ = reinterpret_cast<T*>(memory.take(rows / 2, stride));
      by_column_ = reinterpret_cast<T*>(memory.take(rows / 2, stride));
    } else {
      by_row_ = by_column_ = data_;
    }
  }

  /** The matrix from row `row` on, an even number. */
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

  /** The matrix as a left factor; the depth is its columns. */
  Left<T> left() const { return {by_row_, stride_ / Format<T>::kNumbers, false}; }
  /** The transposed matrix as a left factor; the depth is the rows. */
  Left<T> transposed() const { return {by_column_, stride_, true}; }
  /** The matrix as a right factor; the depth is its rows. */
  Right<T> right() const { return in_place(by_column_, stride_); }

  /** Updates both rounded copies. */
  void round(Index rows, Index columns) const {
    round_by_row(rows, columns);
    round_by_column(rows, columns);
  }

  /** Updates the rounded copy that `left` uses. */
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

  /** Updates the rounded copy that `transposed` and `right` use. */
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
