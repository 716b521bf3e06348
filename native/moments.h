// The moments of each channel, and how those of many sets become those of all.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "pieces.h"

namespace normwise {

// As many channels as are merged at once, in vectors.
constexpr int64_t kChunk = 256;

// The moments of many sets, each with a mean and m2 for every channel, become those of their union in place of the
// first: Chan, Golub & LeVeque 1979, eq. 2.1, over all sets. Works on the channels from `first` up to kChunk of them.
template <typename Count>
void merge_sets(int64_t sets, int64_t channels, int64_t first, double* mean, double* m2, const Count& count) {
  const int64_t width = std::min(kChunk, channels - first);
  double origin[kChunk], n[kChunk], sum[kChunk];
  mean += first;
  m2 += first;
  for (int64_t c = 0; c < width; ++c) {
    // A common origin, as means may be large beside their spread.
    origin[c] = mean[c];
    n[c] = 0;
    sum[c] = 0;
  }
  for (int64_t k = 0; k < sets; ++k) {
    for (int64_t c = 0; c < width; ++c) {
      const double here = count(k, first + c);
      n[c] += here;
      sum[c] += here * (mean[k * channels + c] - origin[c]);
    }
  }
  for (int64_t c = 0; c < width; ++c) {
    sum[c] /= n[c] > 0 ? n[c] : 1;
    mean[c] = -sum[c];
    m2[c] += count(0, first + c) * mean[c] * mean[c];
  }
  for (int64_t k = 1; k < sets; ++k) {
    for (int64_t c = 0; c < width; ++c) {
      const double apart = (mean[k * channels + c] - origin[c]) - sum[c];
      m2[c] += m2[k * channels + c] + count(k, first + c) * apart * apart;
    }
  }
  for (int64_t c = 0; c < width; ++c) mean[c] = origin[c] + sum[c];
}

// What so many values of a channel weigh together; each 1 without weights, and NaN nothing.
template <typename T>
double weight_of(const T* weights, int64_t first, int64_t size) {
  if (weights == nullptr) return static_cast<double>(size);
  double sum = 0;
  for (int64_t i = first; i < first + size; ++i) sum += weights[i] > T(0) ? static_cast<double>(weights[i]) : 0;
  return sum;
}

// The mean and m2 of each channel, in float64, put together of what the pieces of an array give; 0 of no values.
//
// Weights are one number a position of the channels, which are the last axis then; without them all weigh 1.
template <typename S>
class PartialMoments {
 public:
  using T = Compute<S>;

  PartialMoments(const Pieces& pieces, int64_t channels, const T* weights);

  // What all values of a channel weigh together.
  double count() const { return count_; }

  // Those of a piece; different pieces at the same time.
  void take(const S* x, const Piece& piece);

  // To be called when all pieces are in, if they are of more than one slot.
  void merge();

  double mean(int64_t channel) const { return mean_[channel]; }
  double m2(int64_t channel) const { return m2_[channel]; }

 private:
  const Pieces& pieces_;
  int64_t channels_;
  const T* weights_;
  double count_ = 0;
  std::unique_ptr<double[]> counts_;
  std::unique_ptr<double[]> mean_;
  std::unique_ptr<double[]> m2_;
};

// The weights of rows that begin at this offset of an array with the channels last.
template <typename T>
Weights<T> weights_at(const T* weights, int64_t channels, int64_t offset, const Piece& piece) {
  return {weights + offset / channels, std::max<int64_t>(1, piece.stride / channels), piece.channels};
}

}  // namespace normwise
