// The inner loops, on rows of lanes: compiled once for each kind of processor, chosen when the program runs.
#pragma once

#include <cstdint>

#include "values.h"

namespace normwise {

enum class Activation : int64_t { linear, relu, leaky_relu, sigmoid, silu, tanh, gelu };

// Lanes of a tile at most, so that the vectors of a tile stay in the first cache beside what streams through it.
constexpr int64_t kLanes = 1024;

// (rows, width) values of which `stride` lie from row to row.
template <typename T>
struct Rows {
  const T* data;
  int64_t stride;
  int64_t rows;
  int64_t width;
};

// What a lane needs to become z = (x − origin)·factor + offset.
template <typename T>
struct Lanes {
  const T* origin;
  const T* factor;
  const T* offset;
};

// What else it needs to become ∂L/∂x = factor·(g + (constant − (x − origin)·slope)).
template <typename T>
struct GradientLanes {
  const T* slope;
  const T* constant;
};

// What the values weigh: one number ≥ 0 for each `channels` of them side by side, `per_row` from row to row.
template <typename T>
struct Weights {
  const T* data;
  int64_t per_row;
  int64_t channels;
};

// On values of type S, computed in T.
template <typename S, typename T = Compute<S>>
struct TileKernels {
  // s += Σ(x − origin), q += Σ(x − origin)²: eight rows at a time in T, their sums in float64.
  void (*sums)(Rows<S> x, const T* origin, double* s, double* q);
  // y = f(z), the rows of y as far apart as those of x. To `stream` is to write past the caches.
  void (*normalize)(Rows<S> x, Lanes<T> lanes, Activation activation, T alpha, S* y, bool stream);
  // g = ∂L/∂z: s += Σg, q += Σg·(x − origin).
  void (*gradient_sums)(Rows<S> x, const S* upstream, Lanes<T> lanes, Activation activation, T alpha, double* s,
                        double* q);
  // ∂L/∂x.
  void (*gradient)(Rows<S> x, const S* upstream, Lanes<T> lanes, GradientLanes<T> more, Activation activation,
                   T alpha, S* by_x, bool stream);
  // The same of values that weigh: s += Σw·(x − origin), q += Σw·(x − origin)². What weighs nothing and cannot be
  // squared, or is NaN, is read as 0 by all four.
  void (*weighted_sums)(Rows<S> x, Weights<T> weights, const T* origin, double* s, double* q);
  void (*weighted_normalize)(Rows<S> x, Weights<T> weights, Lanes<T> lanes, Activation activation, T alpha, S* y,
                             bool stream);
  // Σg and Σg·(x − origin): a gradient counts whatever its value weighs.
  void (*weighted_gradient_sums)(Rows<S> x, Weights<T> weights, const S* upstream, Lanes<T> lanes,
                                 Activation activation, T alpha, double* s, double* q);
  // ∂L/∂x = factor·(g + w·(constant − (x − origin)·slope)), and 0 for what was read as 0.
  void (*weighted_gradient)(Rows<S> x, Weights<T> weights, const S* upstream, Lanes<T> lanes, GradientLanes<T> more,
                            Activation activation, T alpha, S* by_x, bool stream);
};

// Those of the scalers.
template <typename T>
struct ColumnKernels {
  // The same sums as the first, each difference and each square in float64; the range of the values besides.
  void (*column_sums)(Rows<T> x, const double* origin, double* s, double* q, T* low, T* high);
  // How many values are no NaN and their sum; whether one is infinite.
  bool (*count)(Rows<T> x, double* counts, double* s);
  // column_sums of the values that are no NaN.
  void (*column_sums_without_nan)(Rows<T> x, const double* origin, double* s, double* q, T* low, T* high);
  // y = (x − origin)·factor + offset, each step rounded, clipped to [low, high]; whether a value is not finite.
  bool (*affine)(Rows<T> x, Lanes<T> lanes, T low, T high, T* y, bool stream);
};

template <typename S>
struct Kernels {
  TileKernels<S> tiles;
  ColumnKernels<S> columns;
};

struct Target {
  const char* name;
  Kernels<float> float32;
  Kernels<double> float64;
  TileKernels<bfloat16> brain;
  TileKernels<float16> half;
};

// The best of what this processor can run, and at most what NORMWISE_SIMD names.
const Target& target();

template <typename S>
const TileKernels<S>& tiles();
template <>
inline const TileKernels<float>& tiles<float>() {
  return target().float32.tiles;
}
template <>
inline const TileKernels<double>& tiles<double>() {
  return target().float64.tiles;
}
template <>
inline const TileKernels<bfloat16>& tiles<bfloat16>() {
  return target().brain;
}
template <>
inline const TileKernels<float16>& tiles<float16>() {
  return target().half;
}

template <typename T>
const ColumnKernels<T>& column_tiles();
template <>
inline const ColumnKernels<float>& column_tiles<float>() {
  return target().float32.columns;
}
template <>
inline const ColumnKernels<double>& column_tiles<double>() {
  return target().float64.columns;
}

}  // namespace normwise
