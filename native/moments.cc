#include "moments.h"

#include "sums.h"
#include "threads.h"

namespace normwise {
namespace {

// The moments of a piece's channels about an origin a channel, so that the sums of lanes add up.
//
// The origin is the mean of a sixteenth of the rows: from the mean of all it is less than √15 deviations away,
// whatever the values, so that Σd² − (Σd)²/n loses a digit at most.
template <typename S, typename T = Compute<S>>
void of_piece(const S* x, const Piece& piece, double* mean, double* m2) {
  double s[kLanes], q[kLanes];
  T near[kLanes], origins[kLanes];
  const Rows<S> all{x + piece.offset, piece.stride, piece.rows, piece.width};
  const Rows<S> tail{x + piece.tail_offset(), piece.tail, piece.tail > 0, piece.tail};
  const int64_t few = (piece.rows + 15) / 16;
  const Rows<S> head = few > 0 ? Rows<S>{all.data, piece.stride, few, piece.width} : tail;
  const auto clear = [&] {
    for (int64_t i = 0; i < piece.width; ++i) s[i] = q[i] = 0;
  };
  clear();
  for (int64_t i = 0; i < head.width; ++i) origins[i] = 0;
  tiles<S>().sums(head, origins, s, q);
  fold_sums(piece, s, mean);
  const double some = static_cast<double>(few > 0 ? few * (piece.width / piece.channels) : piece.tail / piece.channels);
  for (int64_t c = 0; c < piece.channels; ++c) near[c] = static_cast<T>(mean[c] / some);
  const T* origin = lanes_within(near, piece, origins);
  clear();
  tiles<S>().sums(all, origin, s, q);
  if (piece.tail > 0) tiles<S>().sums(tail, origin, s, q);
  fold_sums(piece, s, mean);
  fold_sums(piece, q, m2);
  const double n = static_cast<double>(piece.count());
  for (int64_t c = 0; c < piece.channels; ++c) {
    const double rest = mean[c] / n;
    m2[c] -= mean[c] * rest;
    // Below 0 by rounding alone; written so that NaN stays.
    if (m2[c] < 0) m2[c] = 0;
    mean[c] = static_cast<double>(near[c]) + rest;
  }
}

// The same of values that weigh. The head may weigh nothing, so that the mean of all comes first.
template <typename S, typename T = Compute<S>>
void of_weighted_piece(const S* x, const T* weights, int64_t channels, double n, const Piece& piece, double* mean,
                       double* m2) {
  double s[kLanes], q[kLanes];
  T near[kLanes], origins[kLanes];
  const Rows<S> all{x + piece.offset, piece.stride, piece.rows, piece.width};
  const Rows<S> tail{x + piece.tail_offset(), piece.tail, piece.tail > 0, piece.tail};
  const auto sums_about = [&](const T* origin) {
    for (int64_t i = 0; i < piece.width; ++i) s[i] = q[i] = 0;
    tiles<S>().weighted_sums(all, weights_at(weights, channels, piece.offset, piece), origin, s, q);
    if (piece.tail > 0) {
      tiles<S>().weighted_sums(tail, weights_at(weights, channels, piece.tail_offset(), piece), origin, s, q);
    }
    fold_sums(piece, s, mean);
    fold_sums(piece, q, m2);
  };
  const double some = n > 0 ? n : 1;
  for (int64_t i = 0; i < piece.width; ++i) origins[i] = 0;
  sums_about(origins);
  for (int64_t c = 0; c < piece.channels; ++c) near[c] = static_cast<T>(mean[c] / some);
  sums_about(lanes_within(near, piece, origins));
  for (int64_t c = 0; c < piece.channels; ++c) {
    const double rest = mean[c] / some;
    m2[c] -= mean[c] * rest;
    if (m2[c] < 0) m2[c] = 0;
    mean[c] = static_cast<double>(near[c]) + rest;
  }
}

}  // namespace

template <typename S>
PartialMoments<S>::PartialMoments(const Pieces& pieces, int64_t channels, const T* weights)
    : pieces_(pieces),
      channels_(channels),
      weights_(weights),
      counts_(memory<double>(std::max<int64_t>(1, pieces.slots()))),
      mean_(memory<double>(std::max<int64_t>(1, pieces.slots()) * channels)),
      m2_(memory<double>(std::max<int64_t>(1, pieces.slots()) * channels)) {
  for (int64_t c = 0; pieces.slots() == 0 && c < channels; ++c) mean_[c] = m2_[c] = 0;
  for (int64_t slot = 0, first = 0; slot < pieces.slots(); ++slot) {
    const int64_t size = pieces.count(slot);
    counts_[slot] = weight_of(weights, first, size);
    count_ += counts_[slot];
    first += size;
  }
}

template <typename S>
void PartialMoments<S>::take(const S* x, const Piece& piece) {
  const int64_t at = piece.slot * channels_ + piece.channel;
  if (weights_ == nullptr) {
    of_piece(x, piece, mean_.get() + at, m2_.get() + at);
  } else {
    of_weighted_piece(x, weights_, channels_, counts_[piece.slot], piece, mean_.get() + at, m2_.get() + at);
  }
}

template <typename S>
void PartialMoments<S>::merge() {
  const int64_t slots = pieces_.slots();
  if (slots < 2) return;
  const auto count = [this](int64_t slot, int64_t) { return counts_[slot]; };
  const int64_t chunks = (channels_ + kChunk - 1) / kChunk;
  // As many bytes as there are means and m2 of all slots.
  parallel_for(chunks, slots * channels_ * int64_t{16} >= kWorthThreads, [&](int64_t chunk) {
    merge_sets(slots, channels_, chunk * kChunk, mean_.get(), m2_.get(), count);
  });
}

template class PartialMoments<float>;
template class PartialMoments<double>;
template class PartialMoments<bfloat16>;
template class PartialMoments<float16>;

}  // namespace normwise
