// Partial sums of the pieces, put together in the order of lanes and then of slots.
#pragma once

#include <cstdint>
#include <memory>

#include "pieces.h"

namespace normwise {

// Memory of a call that nothing has written to yet.
template <typename T>
std::unique_ptr<T[]> memory(int64_t size) {
  return std::unique_ptr<T[]>(new T[static_cast<size_t>(size)]);
}

// The vectors of a piece's lanes, out of those of its channels.
template <typename T>
const T* lanes_within(const T* first, const Piece& piece, T* buffer) {
  if (piece.channels == piece.width) return first;
  const int64_t known = std::min(piece.width, piece.channels);
  for (int64_t i = 0; i < known; ++i) buffer[i] = first[i];
  for (int64_t i = known; i < piece.width; ++i) buffer[i] = buffer[i - known];
  return buffer;
}

// The same, out of those of all channels.
template <typename T>
const T* lanes_of(const T* per_channel, const Piece& piece, T* buffer) {
  return lanes_within(per_channel + piece.channel, piece, buffer);
}

// The sums of lanes as those of their channels.
inline void fold_sums(const Piece& piece, const double* lanes, double* per_channel) {
  for (int64_t c = 0; c < piece.channels; ++c) per_channel[c] = lanes[c];
  for (int64_t first = piece.channels; first < piece.width; first += piece.channels) {
    for (int64_t c = 0; c < piece.channels; ++c) per_channel[c] += lanes[first + c];
  }
}

// The sums of slots, (slots, channels), in place of the first.
inline void fold_slots(int64_t slots, int64_t channels, double* sums) {
  for (int64_t slot = 1; slot < slots; ++slot) {
    for (int64_t c = 0; c < channels; ++c) sums[c] += sums[slot * channels + c];
  }
}

}  // namespace normwise
