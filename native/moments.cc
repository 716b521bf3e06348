#include "moments.h"

#include "sums.h"
#include "threads.h"

namespace normwise {
namespace {

// The moments of a piece's channels.
//
// The origin of a lane is the mean of a sixteenth of its rows: from the mean of all it is less than √15 deviations
// away, whatever the values, so that Σd² − (Σd)²/n loses a digit at most.
template <typename T>
void of_piece(const T* x, const Piece& piece, double* mean, double* m2) {
  double s[kLanes], q[kLanes];
  T origin[kLanes];
  const Rows<T> all{x + piece.offset, piece.stride, piece.rows, piece.width};
  const Rows<T> tail{x + piece.tail_offset(), piece.tail, piece.tail > 0, piece.tail};
  const int64_t few = (piece.rows + 15) / 16;
  const int64_t known = few > 0 ? piece.width : piece.tail;
  for (int64_t i = 0; i < known; ++i) origin[i] = 0, s[i] = 0, q[i] = 0;
  const Rows<T> head{all.data, piece.stride, few, piece.width};
  tiles<T>().sums(few > 0 ? head : tail, origin, s, q);
  for (int64_t i = 0; i < known; ++i) {
    origin[i] = static_cast<T>(s[i] / static_cast<double>(few > 0 ? few : 1));
    s[i] = 0;
    q[i] = 0;
  }
  tiles<T>().sums(all, origin, s, q);
  if (piece.tail > 0) tiles<T>().sums(tail, origin, s, q);
  const auto count = [&](int64_t lane) { return static_cast<double>(piece.rows + (lane < piece.tail ? 1 : 0)); };
  for (int64_t i = 0; i < known; ++i) {
    const double n = count(i);
    q[i] = q[i] - s[i] * (s[i] / n);
    // Below 0 by rounding alone; written so that NaN stays.
    if (q[i] < 0) q[i] = 0;
    s[i] = static_cast<double>(origin[i]) + s[i] / n;
  }
  const auto count_in = [&](int64_t set, int64_t c) { return count(set * piece.channels + c); };
  const int64_t sets = known / piece.channels;
  for (int64_t c = 0; sets > 1 && c < piece.channels; c += kChunk) {
    merge_sets(sets, piece.channels, c, s, q, count_in);
  }
  for (int64_t c = 0; c < piece.channels; ++c) {
    mean[c] = s[c];
    m2[c] = q[c];
  }
}

}  // namespace

template <typename T>
void moments(const T* x, View view, double* mean, double* m2) {
  const Pieces pieces(view);
  const int64_t size = pieces.slots() * view.channels;
  const auto means = memory<double>(size);
  const auto m2s = memory<double>(size);
  const bool worthwhile = view.size() * static_cast<int64_t>(sizeof(T)) >= kWorthThreads;
  parallel_for(pieces.size(), worthwhile, [&](int64_t i) {
    const Piece piece = pieces[i];
    const int64_t at = piece.slot * view.channels + piece.channel;
    of_piece(x, piece, means.get() + at, m2s.get() + at);
  });
  const auto count_in = [&](int64_t slot, int64_t) { return static_cast<double>(pieces.count(slot)); };
  if (pieces.slots() > 1) {
    const int64_t chunks = (view.channels + kChunk - 1) / kChunk;
    parallel_for(chunks, size * int64_t{16} >= kWorthThreads, [&](int64_t chunk) {
      merge_sets(pieces.slots(), view.channels, chunk * kChunk, means.get(), m2s.get(), count_in);
    });
  }
  for (int64_t c = 0; c < view.channels; ++c) {
    mean[c] = pieces.slots() > 0 ? means[c] : 0;
    m2[c] = pieces.slots() > 0 ? m2s[c] : 0;
  }
}

template void moments<float>(const float*, View, double*, double*);
template void moments<double>(const double*, View, double*, double*);

}  // namespace normwise
