#include "batch_norm.h"

#include <cmath>

#include "huge_pages.h"
#include "moments.h"
#include "sums.h"
#include "threads.h"

namespace normwise {
namespace {

// From this size on what is written goes past the caches: they could not hold it until somebody reads it.
constexpr int64_t kStream = int64_t{8} << 20;

template <typename S>
bool worth_threads(View view) {
  return view.size() * static_cast<int64_t>(sizeof(S)) >= kWorthThreads;
}

template <typename S>
bool streams(View view) {
  return view.size() * static_cast<int64_t>(sizeof(S)) >= kStream;
}

// 1/√(σ² + ε); 0 where that is 1/0: a channel without spread is 0 times its deviations, which are 0.
double rate_of(double m2, double count, double epsilon) {
  const double v = m2 / (count > 0 ? count : 1) + epsilon;
  return v == 0 ? 0 : 1 / std::sqrt(v);
}

// What z = (x − origin)·factor + offset takes, a vector each over the channels.
template <typename T>
struct Map {
  explicit Map(int64_t channels) : factor(memory<T>(channels)), offset(memory<T>(channels)) {}

  // The rest of the mean is less than a rounding step of it: in the offset it costs no digits.
  void set(int64_t c, double factor_here, double rest, T beta) {
    factor[c] = static_cast<T>(factor_here);
    offset[c] = static_cast<T>(static_cast<double>(beta) - rest * factor_here);
  }

  std::unique_ptr<T[]> factor;
  std::unique_ptr<T[]> offset;
};

template <typename T>
struct LaneBuffers {
  T origin[kLanes], factor[kLanes], offset[kLanes];

  Lanes<T> of(const Piece& piece, const T* given, const Map<T>& map) {
    return {lanes_of(given, piece, origin), lanes_of(map.factor.get(), piece, factor),
            lanes_of(map.offset.get(), piece, offset)};
  }
};

// Calls body(rows, offset) with the rows of a piece and with the shorter one behind them.
template <typename S, typename Body>
void over(const S* x, const Piece& piece, const Body& body) {
  if (piece.rows > 0) body(Rows<S>{x + piece.offset, piece.stride, piece.rows, piece.width}, piece.offset);
  if (piece.tail > 0) body(Rows<S>{x + piece.tail_offset(), piece.tail, 1, piece.tail}, piece.tail_offset());
}

// Where the rows make one block, a piece has all there is of its channels, and is still in a cache when it is read
// the second time; else all pieces give their part before any goes on, from the end, where the last ones were.
template <typename Part, typename Channels, typename Rest>
void in_two_passes(const Pieces& pieces, int64_t channels, bool worthwhile, const Part& part, const Channels& between,
                   const Rest& rest) {
  const int64_t size = pieces.size();
  if (pieces.slots() == 1) {
    parallel_for(size, worthwhile, [&](int64_t i) {
      const Piece piece = pieces[i];
      part(piece);
      between(piece.channel, piece.channel + piece.channels);
      rest(piece);
    });
    return;
  }
  parallel_for(size, worthwhile, [&](int64_t i) { part(pieces[i]); });
  between(0, channels);
  parallel_for(size, worthwhile, [&](int64_t i) { rest(pieces[size - 1 - i]); });
}

}  // namespace

template <typename S, typename T>
void batch_norm_forward(const Settings& settings, const S* x, const T* gamma, const T* beta, const T* weights, S* y,
                        T* origin, T* rest, T* m2) {
  const View view = settings.view;
  const Pieces pieces(view);
  PartialMoments<S> parts(pieces, view.channels, weights);
  const double count = parts.count();
  Map<T> map(view.channels);
  const auto statistics_of = [&](int64_t first, int64_t last) {
    parts.merge();
    for (int64_t c = first; c < last; ++c) {
      const double mean = parts.mean(c), squares = parts.m2(c);
      origin[c] = static_cast<T>(mean);
      const double left = mean - static_cast<double>(origin[c]);
      rest[c] = static_cast<T>(left);
      m2[c] = static_cast<T>(squares);
      map.set(c, rate_of(squares, count, settings.epsilon) * static_cast<double>(gamma[c]), left, beta[c]);
    }
  };
  const auto normalize = [&](const Piece& piece) {
    LaneBuffers<T> buffers;
    const Lanes<T> lanes = buffers.of(piece, origin, map);
    const auto alpha = static_cast<T>(settings.alpha);
    over(x, piece, [&](Rows<S> rows, int64_t offset) {
      if (weights == nullptr) {
        tiles<S>().normalize(rows, lanes, settings.activation, alpha, y + offset, streams<S>(view));
      } else {
        tiles<S>().weighted_normalize(rows, weights_at(weights, view.channels, offset, piece), lanes,
                                      settings.activation, alpha, y + offset, streams<S>(view));
      }
    });
  };
  prefer_huge_pages(y, static_cast<size_t>(view.size()) * sizeof(S));
  const auto moments_of = [&](const Piece& piece) { parts.take(x, piece); };
  in_two_passes(pieces, view.channels, worth_threads<S>(view), moments_of, statistics_of, normalize);
}

template <typename S, typename T>
void batch_norm_backward(const Settings& settings, const S* upstream, const S* x, const T* gamma, const T* beta,
                         const T* origin, const T* rest, const T* m2, const T* weights, S* by_x, T* by_gamma,
                         T* by_beta) {
  const View view = settings.view;
  const auto alpha = static_cast<T>(settings.alpha);
  const double count = weight_of(weights, 0, view.count());
  const auto rates = memory<double>(view.channels);
  Map<T> map(view.channels);
  for (int64_t c = 0; c < view.channels; ++c) {
    rates[c] = rate_of(m2[c], count, settings.epsilon);
    map.set(c, rates[c] * static_cast<double>(gamma[c]), rest[c], beta[c]);
  }
  const Pieces pieces(view);
  const int64_t slots = std::max<int64_t>(1, pieces.slots());
  const auto sums = memory<double>(slots * view.channels);
  const auto products = memory<double>(slots * view.channels);
  const auto slopes = memory<T>(view.channels);
  const auto constants = memory<T>(view.channels);
  const auto sums_of = [&](const Piece& piece) {
    LaneBuffers<T> buffers;
    const Lanes<T> lanes = buffers.of(piece, origin, map);
    double s[kLanes], q[kLanes];
    for (int64_t lane = 0; lane < piece.width; ++lane) s[lane] = 0, q[lane] = 0;
    over(x, piece, [&](Rows<S> rows, int64_t offset) {
      if (weights == nullptr) {
        tiles<S>().gradient_sums(rows, upstream + offset, lanes, settings.activation, alpha, s, q);
      } else {
        tiles<S>().weighted_gradient_sums(rows, weights_at(weights, view.channels, offset, piece), upstream + offset,
                                          lanes, settings.activation, alpha, s, q);
      }
    });
    const int64_t at = piece.slot * view.channels + piece.channel;
    fold_sums(piece, s, sums.get() + at);
    fold_sums(piece, q, products.get() + at);
  };
  const auto vectors_of = [&](int64_t first, int64_t last) {
    fold_slots(pieces.slots(), view.channels, sums.get());
    fold_slots(pieces.slots(), view.channels, products.get());
    const double share = 1 / (count > 0 ? count : 1);
    for (int64_t c = first; c < last; ++c) {
      const double sum = view.size() > 0 ? sums[c] : 0;
      const double product = view.size() > 0 ? rates[c] * (products[c] - static_cast<double>(rest[c]) * sum) : 0;
      by_beta[c] = static_cast<T>(sum);
      by_gamma[c] = static_cast<T>(product);
      const double slope = share * product * rates[c];
      slopes[c] = static_cast<T>(slope);
      constants[c] = static_cast<T>(static_cast<double>(rest[c]) * slope - share * sum);
    }
  };
  const auto gradient = [&](const Piece& piece) {
    LaneBuffers<T> buffers;
    T slope[kLanes], constant[kLanes];
    const Lanes<T> lanes = buffers.of(piece, origin, map);
    const GradientLanes<T> more{lanes_of(slopes.get(), piece, slope), lanes_of(constants.get(), piece, constant)};
    over(x, piece, [&](Rows<S> rows, int64_t offset) {
      if (weights == nullptr) {
        tiles<S>().gradient(rows, upstream + offset, lanes, more, settings.activation, alpha, by_x + offset,
                            streams<S>(view));
      } else {
        tiles<S>().weighted_gradient(rows, weights_at(weights, view.channels, offset, piece), upstream + offset, lanes,
                                     more, settings.activation, alpha, by_x + offset, streams<S>(view));
      }
    });
  };
  prefer_huge_pages(by_x, static_cast<size_t>(view.size()) * sizeof(S));
  in_two_passes(pieces, view.channels, worth_threads<S>(view), sums_of, vectors_of, gradient);
}

#define NORMWISE_OF(S, T)                                                                                       \
  template void batch_norm_forward<S, T>(const Settings&, const S*, const T*, const T*, const T*, S*, T*, T*,   \
                                         T*);                                                                   \
  template void batch_norm_backward<S, T>(const Settings&, const S*, const S*, const T*, const T*, const T*,    \
                                          const T*, const T*, const T*, S*, T*, T*);
NORMWISE_OF(float, float)
NORMWISE_OF(double, double)
NORMWISE_OF(bfloat16, float)
NORMWISE_OF(float16, float)

}  // namespace normwise
