#include "columns.h"

#include <atomic>
#include <cmath>
#include <limits>

#include "moments.h"
#include "sums.h"
#include "threads.h"

namespace normwise {
namespace {

// The sums of a piece's lanes about an origin a channel, so that those of a channel's lanes add up.
template <typename T>
struct LaneSums {
  double origin[kLanes], count[kLanes], s[kLanes], q[kLanes];
  T low[kLanes], high[kLanes];

  void clear(int64_t width) {
    for (int64_t i = 0; i < width; ++i) {
      s[i] = q[i] = 0;
      low[i] = std::numeric_limits<T>::infinity();
      high[i] = -std::numeric_limits<T>::infinity();
    }
  }

  // The origins are the means of what has been summed about 0.
  void take_means(const Piece& piece) {
    double sums[kLanes], counts[kLanes];
    fold_sums(piece, s, sums);
    fold_sums(piece, count, counts);
    for (int64_t c = 0; c < piece.channels; ++c) sums[c] = counts[c] > 0 ? sums[c] / counts[c] : 0;
    for (int64_t i = 0; i < piece.width; ++i) origin[i] = i < piece.channels ? sums[i] : origin[i - piece.channels];
    clear(piece.width);
  }

  bool finite(int64_t width) const {
    double sum = 0;
    for (int64_t i = 0; i < width; ++i) sum += q[i] - q[i];
    return sum == 0;
  }
};

template <typename T>
Rows<T> rows_of(const T* x, const Piece& piece) {
  return {x + piece.offset, piece.stride, piece.rows, piece.width};
}

template <typename T>
Rows<T> tail_of(const T* x, const Piece& piece) {
  return {x + piece.tail_offset(), piece.tail, piece.tail > 0, piece.tail};
}

// Whether no value is NaN or infinite: then the lanes hold what there is to know.
template <typename T>
bool all_finite(const T* x, const Piece& piece, LaneSums<T>& lanes) {
  const Rows<T> all = rows_of(x, piece), tail = tail_of(x, piece);
  const int64_t few = (piece.rows + 15) / 16;
  const Rows<T> head = few > 0 ? Rows<T>{all.data, all.stride, few, all.width} : tail;
  lanes.clear(piece.width);
  for (int64_t i = 0; i < piece.width; ++i) {
    lanes.origin[i] = 0;
    lanes.count[i] = i < head.width ? static_cast<double>(head.rows) : 0;
  }
  column_tiles<T>().column_sums(head, lanes.origin, lanes.s, lanes.q, lanes.low, lanes.high);
  lanes.take_means(piece);
  column_tiles<T>().column_sums(all, lanes.origin, lanes.s, lanes.q, lanes.low, lanes.high);
  column_tiles<T>().column_sums(tail, lanes.origin, lanes.s, lanes.q, lanes.low, lanes.high);
  for (int64_t i = 0; i < piece.width; ++i) {
    lanes.count[i] = static_cast<double>(piece.rows + (i < piece.tail ? 1 : 0));
  }
  return lanes.finite(piece.width);
}

// Whether nothing is worse than NaN. The mean of the values comes first: there may be few of them.
template <typename T>
bool all_but_nan(const T* x, const Piece& piece, LaneSums<T>& lanes) {
  const Rows<T> all = rows_of(x, piece), tail = tail_of(x, piece);
  lanes.clear(piece.width);
  for (int64_t i = 0; i < piece.width; ++i) lanes.count[i] = 0;
  const bool above = column_tiles<T>().count(all, lanes.count, lanes.s);
  if (column_tiles<T>().count(tail, lanes.count, lanes.s) || above) return false;
  lanes.take_means(piece);
  column_tiles<T>().column_sums_without_nan(all, lanes.origin, lanes.s, lanes.q, lanes.low, lanes.high);
  column_tiles<T>().column_sums_without_nan(tail, lanes.origin, lanes.s, lanes.q, lanes.low, lanes.high);
  return lanes.finite(piece.width);
}

// Two sets become one; either may be empty. Chan, Golub & LeVeque 1979, eq. 2.1.
struct Set {
  double count = 0, mean = 0, m2 = 0;

  void add(double n, double other_mean, double other_m2) {
    if (n == 0) return;
    const double together = count + n;
    const double apart = other_mean - mean;
    mean = count == 0 ? other_mean : mean + apart * (n / together);
    m2 += other_m2 + (count == 0 ? 0 : apart * apart * count * (n / together));
    count = together;
  }
};

template <typename T>
void fold(const Piece& piece, const LaneSums<T>& lanes, ColumnStatistics<T> found, int64_t at) {
  double s[kLanes];
  fold_sums(piece, lanes.count, found.counts + at);
  fold_sums(piece, lanes.s, s);
  fold_sums(piece, lanes.q, found.m2 + at);
  for (int64_t c = 0; c < piece.channels; ++c) {
    const double n = found.counts[at + c];
    const double rest = n > 0 ? s[c] / n : 0;
    const double m2 = found.m2[at + c] - s[c] * rest;
    found.mean[at + c] = lanes.origin[c] + rest;
    // Below 0 by rounding alone.
    found.m2[at + c] = m2 > 0 ? m2 : 0;
    T low = lanes.low[c], high = lanes.high[c];
    for (int64_t i = c + piece.channels; i < piece.width; i += piece.channels) {
      low = lanes.low[i] < low ? lanes.low[i] : low;
      high = lanes.high[i] > high ? lanes.high[i] : high;
    }
    found.low[at + c] = low;
    found.high[at + c] = high;
  }
}

}  // namespace

template <typename T>
bool column_statistics(const T* x, View view, ColumnStatistics<T> found) {
  const Pieces pieces(view);
  const int64_t size = pieces.slots() * view.channels;
  const auto counts = memory<double>(size), mean = memory<double>(size), m2 = memory<double>(size);
  const auto low = memory<T>(size), high = memory<T>(size);
  const ColumnStatistics<T> parts{counts.get(), mean.get(), m2.get(), low.get(), high.get()};
  std::atomic<bool> fine{true};
  parallel_for(pieces.size(), view.size() * static_cast<int64_t>(sizeof(T)) >= kWorthThreads, [&](int64_t i) {
    if (!fine.load(std::memory_order_relaxed)) return;
    const Piece piece = pieces[i];
    LaneSums<T> lanes;
    if (all_finite(x, piece, lanes) || all_but_nan(x, piece, lanes)) {
      fold(piece, lanes, parts, piece.slot * view.channels + piece.channel);
    } else {
      fine.store(false, std::memory_order_relaxed);
    }
  });
  if (!fine) return false;
  bool finite = true;
  for (int64_t c = 0; c < view.channels; ++c) {
    Set set;
    T least = std::numeric_limits<T>::infinity(), most = -least;
    for (int64_t slot = 0; slot < pieces.slots(); ++slot) {
      const int64_t at = slot * view.channels + c;
      set.add(counts[at], mean[at], m2[at]);
      least = low[at] < least ? low[at] : least;
      most = high[at] > most ? high[at] : most;
    }
    const bool some = set.count > 0;
    found.counts[c] = set.count;
    found.mean[c] = set.mean;
    found.m2[c] = set.m2;
    found.low[c] = some ? least : std::numeric_limits<T>::quiet_NaN();
    found.high[c] = some ? most : std::numeric_limits<T>::quiet_NaN();
    finite = finite && std::isfinite(set.m2);
  }
  return finite;
}

template <typename T>
bool affine(const T* x, View view, const T* origin, const T* factor, const T* offset, T low, T high, T* y) {
  const Pieces pieces(view);
  const int64_t bytes = view.size() * static_cast<int64_t>(sizeof(T));
  std::atomic<bool> bad{false};
  parallel_for(pieces.size(), bytes >= kWorthThreads, [&](int64_t i) {
    const Piece piece = pieces[i];
    T origins[kLanes], factors[kLanes], offsets[kLanes];
    const Lanes<T> lanes{lanes_of(origin, piece, origins), lanes_of(factor, piece, factors),
                         lanes_of(offset, piece, offsets)};
    const bool here = column_tiles<T>().affine(rows_of(x, piece), lanes, low, high, y + piece.offset, true);
    const Rows<T> tail = tail_of(x, piece);
    const bool behind = column_tiles<T>().affine(tail, lanes, low, high, y + piece.tail_offset(), false);
    if (here || behind) bad.store(true, std::memory_order_relaxed);
  });
  return bad;
}

#define NORMWISE_OF(T)                                                       \
  template bool column_statistics<T>(const T*, View, ColumnStatistics<T>);   \
  template bool affine<T>(const T*, View, const T*, const T*, const T*, T, T, T*);
NORMWISE_OF(float)
NORMWISE_OF(double)

}  // namespace normwise
