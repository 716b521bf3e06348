// What the scalers need of an array: the statistics of its columns, and one map for each of them.
#pragma once

#include <cstdint>

#include "pieces.h"

namespace normwise {

// Arrays over the columns: how many values are no NaN, their moments and their range.
template <typename T>
struct ColumnStatistics {
  double* counts;
  double* mean;
  double* m2;
  T* low;
  T* high;
};

// False, and nothing of use in `found`, where a value is infinite or a square of one overflows.
template <typename T>
bool column_statistics(const T* x, View view, ColumnStatistics<T> found);

// y = (x − origin)·factor + offset, clipped to [low, high]; whether a value was NaN or infinite.
template <typename T>
bool affine(const T* x, View view, const T* origin, const T* factor, const T* offset, T low, T high, T* y);

}  // namespace normwise
