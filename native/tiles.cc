// Compiled with the flags of each target and NORMWISE_TARGET for its name. Products and sums are not contracted
// (-ffp-contract=off), so that every processor rounds alike. Everything is local to the file: a function that two
// targets shared would be compiled with the flags of one and called on the processor of the other.
#include "tiles.h"

#include <cstdint>
#include <cstring>
#include <limits>

#include "activations.h"
#include "conversions.h"

#if defined(__AVX512F__) || defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#endif

namespace normwise {
namespace {

#define RESTRICT __restrict__

// As many rows as are summed in T before float64 takes their sum.
constexpr int64_t kGroup = 8;

// --- stores past the caches -----------------------------------------------------------------------------------

// Written so that what was in its place is not read first.
#if defined(__AVX512F__) || defined(__AVX2__) || defined(__SSE2__)
constexpr bool kCanStream = true;
inline void stream_line(void* to, const void* from) {
#if defined(__AVX512F__)
  _mm512_stream_si512(static_cast<__m512i*>(to), _mm512_loadu_si512(from));
#elif defined(__AVX2__)
  auto* out = static_cast<__m256i*>(to);
  const auto* in = static_cast<const __m256i*>(from);
  for (int i = 0; i < 2; ++i) _mm256_stream_si256(out + i, _mm256_loadu_si256(in + i));
#else
  auto* out = static_cast<__m128i*>(to);
  const auto* in = static_cast<const __m128i*>(from);
  for (int i = 0; i < 4; ++i) _mm_stream_si128(out + i, _mm_loadu_si128(in + i));
#endif
}
inline void end_of_stream() { _mm_sfence(); }
#else
constexpr bool kCanStream = false;
inline void stream_line(void*, const void*) {}
inline void end_of_stream() {}
#endif

// As much of a row is computed before it is written as fills some lines of the cache. Written value by value, it
// would hold up the reads: arrays of one size often begin at the same place of a page, and then a processor takes
// what is read next for what has just been written. Written a row at a time, it would wait for them.
constexpr int64_t kLinesAtOnce = 8;

// Calls block(r, first, n, out) for each part of each row, and writes what is then in out where it belongs.
template <typename S, typename Block>
inline void write_rows(Rows<S> x, S* y, bool stream, const Block& block) {
  constexpr int64_t line = 64 / sizeof(S);
  constexpr int64_t size = kLinesAtOnce * line;
  alignas(64) S part[size];
  const bool past = kCanStream && stream;
  for (int64_t r = 0; r < x.rows; ++r) {
    S* const to = y + r * x.stride;
    // The parts begin where lines of the cache do.
    const auto over = static_cast<int64_t>(reinterpret_cast<uintptr_t>(to) % 64 / sizeof(S));
    const int64_t before = over == 0 ? 0 : line - over;
    int64_t first = before < x.width ? before : x.width;
    if (first > 0) block(r, 0, first, part), std::memcpy(to, part, static_cast<size_t>(first) * sizeof(S));
    for (; first + size <= x.width; first += size) {
      block(r, first, size, part);
      if (past) {
        for (int64_t i = 0; i < size; i += line) stream_line(to + first + i, part + i);
      } else {
        std::memcpy(to + first, part, sizeof(part));
      }
    }
    if (first == x.width) continue;
    block(r, first, x.width - first, part);
    std::memcpy(to + first, part, static_cast<size_t>(x.width - first) * sizeof(S));
  }
  if (past) end_of_stream();
}

// --- sums -----------------------------------------------------------------------------------------------------

template <int64_t Count, typename S, typename A>
inline void add_rows(const S* RESTRICT p, int64_t stride, int64_t width, const A* RESTRICT origin, double* RESTRICT s,
                     double* RESTRICT q) {
  for (int64_t i = 0; i < width; ++i) {
    A sum = 0, squares = 0;
#pragma GCC unroll 8
    for (int64_t k = 0; k < Count; ++k) {
      const A d = static_cast<A>(load(p[k * stride + i])) - origin[i];
      sum += d;
      squares += d * d;
    }
    s[i] += sum;
    q[i] += squares;
  }
}

template <typename S, typename A>
inline void add_all_rows(Rows<S> x, const A* origin, double* s, double* q) {
  int64_t r = 0;
  for (; r + kGroup <= x.rows; r += kGroup) {
    add_rows<kGroup>(x.data + r * x.stride, x.stride, x.width, origin, s, q);
  }
  for (; r < x.rows; ++r) add_rows<1>(x.data + r * x.stride, x.stride, x.width, origin, s, q);
}

template <typename S>
void sums(Rows<S> x, const Compute<S>* origin, double* s, double* q) {
  add_all_rows<S, Compute<S>>(x, origin, s, q);
}

template <typename T>
inline void widen_range(const T* RESTRICT p, int64_t width, T* RESTRICT low, T* RESTRICT high) {
  // A comparison with NaN is false, so that it never becomes an end.
  for (int64_t i = 0; i < width; ++i) low[i] = p[i] < low[i] ? p[i] : low[i];
  for (int64_t i = 0; i < width; ++i) high[i] = p[i] > high[i] ? p[i] : high[i];
}

template <typename T>
void column_sums(Rows<T> x, const double* origin, double* s, double* q, T* low, T* high) {
  for (int64_t r = 0; r < x.rows; r += kGroup) {
    const int64_t rows = x.rows - r < kGroup ? x.rows - r : kGroup;
    const T* p = x.data + r * x.stride;
    add_all_rows<T, double>({p, x.stride, rows, x.width}, origin, s, q);
    for (int64_t k = 0; k < rows; ++k) widen_range(p + k * x.stride, x.width, low, high);
  }
}

template <typename T>
bool count(Rows<T> x, double* RESTRICT counts, double* RESTRICT s) {
  int infinite = 0;
  for (int64_t r = 0; r < x.rows; ++r) {
    const T* RESTRICT p = x.data + r * x.stride;
    for (int64_t i = 0; i < x.width; ++i) {
      const double v = p[i];
      const bool there = v == v;
      counts[i] += there ? 1.0 : 0.0;
      s[i] += there ? v : 0.0;
    }
    for (int64_t i = 0; i < x.width; ++i) infinite |= __builtin_fabs(p[i]) > std::numeric_limits<T>::max() ? 1 : 0;
  }
  return infinite != 0;
}

template <typename T>
void column_sums_without_nan(Rows<T> x, const double* RESTRICT origin, double* RESTRICT s, double* RESTRICT q, T* low,
                             T* high) {
  for (int64_t r = 0; r < x.rows; ++r) {
    const T* RESTRICT p = x.data + r * x.stride;
    for (int64_t i = 0; i < x.width; ++i) {
      const double v = p[i];
      const double d = v == v ? v - origin[i] : 0.0;
      s[i] += d;
      q[i] += d * d;
    }
    widen_range(p, x.width, low, high);
  }
}

// --- normalization --------------------------------------------------------------------------------------------

template <typename F, typename S, typename T>
inline void normalize_by(Rows<S> x, Lanes<T> lanes, T alpha, S* y, bool stream) {
  write_rows(x, y, stream, [&](int64_t r, int64_t first, int64_t n, S* RESTRICT out) {
    const S* RESTRICT p = x.data + r * x.stride + first;
    const T* RESTRICT o = lanes.origin + first;
    const T* RESTRICT f = lanes.factor + first;
    const T* RESTRICT b = lanes.offset + first;
    for (int64_t i = 0; i < n; ++i) out[i] = store<S>(F::value((load(p[i]) - o[i]) * f[i] + b[i], alpha));
  });
}

template <typename F, int64_t Count, typename S, typename T>
inline void add_gradients(const S* RESTRICT p, const S* RESTRICT u, int64_t stride, int64_t width, Lanes<T> lanes,
                          T alpha, double* RESTRICT s, double* RESTRICT q) {
  const T* RESTRICT origin = lanes.origin;
  const T* RESTRICT factor = lanes.factor;
  const T* RESTRICT offset = lanes.offset;
  for (int64_t i = 0; i < width; ++i) {
    T sum = 0, products = 0;
#pragma GCC unroll 8
    for (int64_t k = 0; k < Count; ++k) {
      const T d = load(p[k * stride + i]) - origin[i];
      const T g = load(u[k * stride + i]) * F::slope(d * factor[i] + offset[i], alpha);
      sum += g;
      products += g * d;
    }
    s[i] += sum;
    q[i] += products;
  }
}

template <typename F, typename S, typename T>
inline void gradient_sums_by(Rows<S> x, const S* u, Lanes<T> lanes, T alpha, double* s, double* q) {
  int64_t r = 0;
  for (; r + kGroup <= x.rows; r += kGroup) {
    const int64_t at = r * x.stride;
    add_gradients<F, kGroup>(x.data + at, u + at, x.stride, x.width, lanes, alpha, s, q);
  }
  for (; r < x.rows; ++r) {
    const int64_t at = r * x.stride;
    add_gradients<F, 1>(x.data + at, u + at, x.stride, x.width, lanes, alpha, s, q);
  }
}

template <typename F, typename S, typename T>
inline void gradient_by(Rows<S> x, const S* u, Lanes<T> lanes, GradientLanes<T> more, T alpha, S* by_x, bool stream) {
  write_rows(x, by_x, stream, [&](int64_t r, int64_t first, int64_t n, S* RESTRICT out) {
    const S* RESTRICT p = x.data + r * x.stride + first;
    const S* RESTRICT up = u + r * x.stride + first;
    const T* RESTRICT o = lanes.origin + first;
    const T* RESTRICT f = lanes.factor + first;
    const T* RESTRICT b = lanes.offset + first;
    const T* RESTRICT slope = more.slope + first;
    const T* RESTRICT constant = more.constant + first;
    for (int64_t i = 0; i < n; ++i) {
      const T d = load(p[i]) - o[i];
      const T g = load(up[i]) * F::slope(d * f[i] + b[i], alpha);
      out[i] = store<S>(f[i] * (g + (constant[i] - d * slope[i])));
    }
  });
}

// The weights of one row's lanes.
template <typename T>
class RowWeights {
 public:
  const T* of(Weights<T> weights, int64_t row, int64_t width) {
    if (row == row_) return lanes_;
    row_ = row;
    const T* given = weights.data + row * weights.per_row;
    // A whole line at a time: what is too much is written over by the next position, or lies behind the last.
    for (int64_t first = 0; first < width; first += weights.channels) {
      const T weight = *given++;
      for (int64_t i = 0; i < weights.channels; i += kLine) {
        for (int64_t k = 0; k < kLine; ++k) lanes_[first + i + k] = weight;
      }
    }
    return lanes_;
  }

 private:
  static constexpr int64_t kLine = 64 / sizeof(T);
  T lanes_[kLanes + kLine];
  int64_t row_ = -1;
};

// What weighs nothing and cannot be squared is read as 0. Padding may well be the largest number there is; a mean, a
// factor and a gradient have to have room beside it.
template <typename T>
ALWAYS_INLINE bool counts(T v, T weight) {
  return (weight > T(0)) | (__builtin_fabs(v) < T(1e18));
}

// The caller's function with the activation as a type; float64 has those alone that need no exponential.
template <typename T, typename Call>
inline void with(Activation activation, const Call& call) {
  switch (activation) {
    case Activation::relu:
      return call(Relu<T>{});
    case Activation::leaky_relu:
      return call(LeakyRelu<T>{});
    default:
      break;
  }
  if constexpr (sizeof(T) == sizeof(float)) {
    switch (activation) {
      case Activation::sigmoid:
        return call(Sigmoid{});
      case Activation::silu:
        return call(Silu{});
      case Activation::tanh:
        return call(Tanh{});
      case Activation::gelu:
        return call(Gelu{});
      default:
        break;
    }
  }
  call(Linear<T>{});
}

// float and double without weights: one loop an activation.
template <typename T>
void normalize(Rows<T> x, Lanes<T> lanes, Activation activation, T alpha, T* y, bool stream) {
  with<T>(activation, [&](auto f) { normalize_by<decltype(f)>(x, lanes, alpha, y, stream); });
}

template <typename T>
void gradient_sums(Rows<T> x, const T* u, Lanes<T> lanes, Activation activation, T alpha, double* s, double* q) {
  with<T>(activation, [&](auto f) { gradient_sums_by<decltype(f)>(x, u, lanes, alpha, s, q); });
}

template <typename T>
void gradient(Rows<T> x, const T* u, Lanes<T> lanes, GradientLanes<T> more, Activation activation, T alpha, T* by_x,
              bool stream) {
  with<T>(activation, [&](auto f) { gradient_by<decltype(f)>(x, u, lanes, more, alpha, by_x, stream); });
}

// --- half precision, and values that weigh --------------------------------------------------------------------
//
// Part by part of a row: z, then its activation or slope in place, then what is made of it. A loop for each
// activation, of which each is a function of its own, and not one for each of all their combinations.

// The values of a part; a row of halves is written so many at once.
constexpr int64_t kPart = kLinesAtOnce * 64 / 2;

template <typename T>
void activate(Activation activation, T* z, int64_t n, T alpha) {
  with<T>(activation, [&](auto f) {
    for (int64_t i = 0; i < n; ++i) z[i] = decltype(f)::value(z[i], alpha);
  });
}

template <typename T>
void slopes(Activation activation, T* z, int64_t n, T alpha) {
  with<T>(activation, [&](auto f) {
    for (int64_t i = 0; i < n; ++i) z[i] = decltype(f)::slope(z[i], alpha);
  });
}

// x − origin of n values from p on; `w` is null, or has what they weigh.
template <bool Weighted, typename S, typename T>
ALWAYS_INLINE void deviations(const S* RESTRICT p, const T* RESTRICT w, const T* RESTRICT origin, int64_t n,
                              T* RESTRICT d) {
  for (int64_t i = 0; i < n; ++i) {
    T v = load(p[i]);
    if constexpr (Weighted) v = counts(v, w[i]) ? v : T(0);
    d[i] = v - origin[i];
  }
}

// The weights of a row, or null.
template <bool Weighted, typename T>
ALWAYS_INLINE const T* weights_of(RowWeights<T>& row, Weights<T> weights, int64_t r, int64_t width) {
  return Weighted ? row.of(weights, r, width) : nullptr;
}

// Adds add(r, first, n, sum, products) of each part of each row to s and q, eight rows at a time in T.
template <typename S, typename T, typename Add>
ALWAYS_INLINE void add_parts(Rows<S> x, double* RESTRICT s, double* RESTRICT q, const Add& add) {
  for (int64_t group = 0; group < x.rows; group += kGroup) {
    const int64_t end = group + kGroup < x.rows ? group + kGroup : x.rows;
    for (int64_t first = 0; first < x.width; first += kPart) {
      const int64_t n = x.width - first < kPart ? x.width - first : kPart;
      T sum[kPart], products[kPart];
      for (int64_t i = 0; i < n; ++i) sum[i] = products[i] = 0;
      for (int64_t r = group; r < end; ++r) add(r, first, n, sum, products);
      for (int64_t i = 0; i < n; ++i) s[first + i] += sum[i];
      for (int64_t i = 0; i < n; ++i) q[first + i] += products[i];
    }
  }
}

// The weights of eight rows: a group is added part by part, and each part asks for all of its rows' again.
template <typename T>
class GroupWeights {
 public:
  const T* of(Weights<T> weights, int64_t row, int64_t width) { return rows_[row % kGroup].of(weights, row, width); }

 private:
  RowWeights<T> rows_[kGroup];
};

template <typename S, typename T = Compute<S>>
void weighted_sums(Rows<S> x, Weights<T> weights, const T* origin, double* s, double* q) {
  GroupWeights<T> rows;
  add_parts<S, T>(x, s, q, [&](int64_t r, int64_t first, int64_t n, T* RESTRICT sum, T* RESTRICT products) {
    const T* RESTRICT w = rows.of(weights, r, x.width) + first;
    T d[kPart];
    deviations<true>(x.data + r * x.stride + first, w, origin + first, n, d);
    for (int64_t i = 0; i < n; ++i) {
      const T wd = w[i] * d[i];
      sum[i] += wd;
      products[i] += wd * d[i];
    }
  });
}

template <bool Weighted, typename S, typename T = Compute<S>>
void normalize_parts(Rows<S> x, Weights<T> weights, Lanes<T> lanes, Activation activation, T alpha, S* y,
                     bool stream) {
  RowWeights<T> row;
  write_rows(x, y, stream, [&](int64_t r, int64_t first, int64_t n, S* RESTRICT out) {
    const T* w = weights_of<Weighted>(row, weights, r, x.width);
    const T* RESTRICT f = lanes.factor + first;
    const T* RESTRICT b = lanes.offset + first;
    T z[kPart];
    deviations<Weighted>(x.data + r * x.stride + first, Weighted ? w + first : w, lanes.origin + first, n, z);
    for (int64_t i = 0; i < n; ++i) z[i] = z[i] * f[i] + b[i];
    activate(activation, z, n, alpha);
    for (int64_t i = 0; i < n; ++i) out[i] = store<S>(z[i]);
  });
}

template <bool Weighted, typename S, typename T = Compute<S>>
void gradient_sums_parts(Rows<S> x, Weights<T> weights, const S* u, Lanes<T> lanes, Activation activation, T alpha,
                         double* s, double* q) {
  GroupWeights<T> rows;
  add_parts<S, T>(x, s, q, [&](int64_t r, int64_t first, int64_t n, T* RESTRICT sum, T* RESTRICT products) {
    const T* w = Weighted ? rows.of(weights, r, x.width) + first : nullptr;
    const S* RESTRICT up = u + r * x.stride + first;
    const T* RESTRICT f = lanes.factor + first;
    const T* RESTRICT b = lanes.offset + first;
    T d[kPart], z[kPart];
    deviations<Weighted>(x.data + r * x.stride + first, w, lanes.origin + first, n, d);
    for (int64_t i = 0; i < n; ++i) z[i] = d[i] * f[i] + b[i];
    slopes(activation, z, n, alpha);
    for (int64_t i = 0; i < n; ++i) {
      const T g = load(up[i]) * z[i];
      sum[i] += g;
      products[i] += g * d[i];
    }
  });
}

template <bool Weighted, typename S, typename T = Compute<S>>
void gradient_parts(Rows<S> x, Weights<T> weights, const S* u, Lanes<T> lanes, GradientLanes<T> more,
                    Activation activation, T alpha, S* by_x, bool stream) {
  RowWeights<T> row;
  write_rows(x, by_x, stream, [&](int64_t r, int64_t first, int64_t n, S* RESTRICT out) {
    const T* RESTRICT w = weights_of<Weighted>(row, weights, r, x.width);
    const S* RESTRICT p = x.data + r * x.stride + first;
    const S* RESTRICT up = u + r * x.stride + first;
    const T* RESTRICT f = lanes.factor + first;
    const T* RESTRICT b = lanes.offset + first;
    const T* RESTRICT slope = more.slope + first;
    const T* RESTRICT constant = more.constant + first;
    if constexpr (Weighted) w += first;
    T d[kPart], z[kPart];
    deviations<Weighted>(p, w, lanes.origin + first, n, d);
    for (int64_t i = 0; i < n; ++i) z[i] = d[i] * f[i] + b[i];
    slopes(activation, z, n, alpha);
    for (int64_t i = 0; i < n; ++i) {
      T pull = constant[i] - d[i] * slope[i];
      if constexpr (Weighted) pull = w[i] * pull;
      T found = f[i] * (load(up[i]) * z[i] + pull);
      if constexpr (Weighted) found = counts(T(load(p[i])), w[i]) ? found : T(0);
      out[i] = store<S>(found);
    }
  });
}

// Halves: one loop each for what is most common, and parts for the rest.
template <typename S, typename T = Compute<S>>
void normalize_half(Rows<S> x, Lanes<T> lanes, Activation activation, T alpha, S* y, bool stream) {
  if (activation == Activation::linear) return normalize_by<Linear<T>>(x, lanes, alpha, y, stream);
  if (activation == Activation::relu) return normalize_by<Relu<T>>(x, lanes, alpha, y, stream);
  normalize_parts<false, S>(x, {}, lanes, activation, alpha, y, stream);
}

template <typename S, typename T = Compute<S>>
void gradient_sums_half(Rows<S> x, const S* u, Lanes<T> lanes, Activation activation, T alpha, double* s, double* q) {
  if (activation == Activation::linear) return gradient_sums_by<Linear<T>>(x, u, lanes, alpha, s, q);
  if (activation == Activation::relu) return gradient_sums_by<Relu<T>>(x, u, lanes, alpha, s, q);
  gradient_sums_parts<false, S>(x, {}, u, lanes, activation, alpha, s, q);
}

template <typename S, typename T = Compute<S>>
void gradient_half(Rows<S> x, const S* u, Lanes<T> lanes, GradientLanes<T> more, Activation activation, T alpha,
                   S* by_x, bool stream) {
  if (activation == Activation::linear) return gradient_by<Linear<T>>(x, u, lanes, more, alpha, by_x, stream);
  if (activation == Activation::relu) return gradient_by<Relu<T>>(x, u, lanes, more, alpha, by_x, stream);
  gradient_parts<false, S>(x, {}, u, lanes, more, activation, alpha, by_x, stream);
}

template <typename T>
bool affine(Rows<T> x, Lanes<T> lanes, T low, T high, T* y, bool stream) {
  int bad = 0;
  write_rows(x, y, stream, [&](int64_t r, int64_t first, int64_t n, T* RESTRICT out) {
    const T* RESTRICT p = x.data + r * x.stride + first;
    const T* RESTRICT o = lanes.origin + first;
    const T* RESTRICT f = lanes.factor + first;
    const T* RESTRICT b = lanes.offset + first;
    for (int64_t i = 0; i < n; ++i) {
      T v = (p[i] - o[i]) * f[i] + b[i];
      // A comparison with NaN is false, so that it stays.
      v = v < low ? low : v;
      out[i] = v > high ? high : v;
      bad |= p[i] - p[i] == T(0) ? 0 : 1;
    }
  });
  return bad != 0;
}

template <typename T>
constexpr TileKernels<T> tile_kernels() {
  return {sums<T>,          normalize<T>,             gradient_sums<T>,             gradient<T>,
          weighted_sums<T>, normalize_parts<true, T>, gradient_sums_parts<true, T>, gradient_parts<true, T>};
}

template <typename S>
constexpr TileKernels<S> half_kernels() {
  return {sums<S>,          normalize_half<S>,        gradient_sums_half<S>,        gradient_half<S>,
          weighted_sums<S>, normalize_parts<true, S>, gradient_sums_parts<true, S>, gradient_parts<true, S>};
}

template <typename T>
constexpr Kernels<T> kernels() {
  return {tile_kernels<T>(), {column_sums<T>, count<T>, column_sums_without_nan<T>, affine<T>}};
}

}  // namespace

#define NORMWISE_JOIN(a, b) a##b
#define NORMWISE_NAME(target) NORMWISE_JOIN(target_, target)
#define NORMWISE_TEXT(target) #target
#define NORMWISE_QUOTED(target) NORMWISE_TEXT(target)

extern const Target NORMWISE_NAME(NORMWISE_TARGET);
// Without code that runs at loading: that would be this target's code on any processor.
constinit const Target NORMWISE_NAME(NORMWISE_TARGET) = {
    NORMWISE_QUOTED(NORMWISE_TARGET), kernels<float>(), kernels<double>(), half_kernels<bfloat16>(),
    half_kernels<float16>()};

}  // namespace normwise
