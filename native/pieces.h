// How an array is cut into pieces, by its shape alone: the pieces, and the order in which what they give is put
// together, do not depend on how many threads there are, and neither do the results.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tiles.h"

namespace normwise {

// An array as (outer, channels, inner), one behind the other in memory.
struct View {
  int64_t outer;
  int64_t channels;
  int64_t inner;

  int64_t count() const { return outer * inner; }
  int64_t size() const { return outer * channels * inner; }
};

// Rows of lanes, and one shorter row behind them; lane i belongs to channel `channel + i % channels`.
struct Piece {
  int64_t offset;
  int64_t rows;
  int64_t stride;
  int64_t width;
  int64_t tail;
  int64_t channel;
  int64_t channels;
  int64_t slot;

  int64_t tail_offset() const { return offset + rows * stride; }
  // How many values a channel has here.
  int64_t count() const { return (rows * width + tail) / channels; }
};

// Each piece gives what it found of its channels to its slot; every slot has all the channels once.
class Pieces {
 public:
  explicit Pieces(View view) : view_(view) {
    if (view.size() == 0) return;
    if (view.inner == 1) {
      by_rows();
    } else {
      by_runs();
    }
  }

  int64_t slots() const { return slots_; }
  int64_t size() const { return slots_ * per_slot_; }

  // How many values each channel has in a slot.
  int64_t count(int64_t slot) const {
    if (view_.inner == 1) {
      const int64_t rows = rows_of(slot);
      return beside_ * rows + (slot == slots_ - 1 ? tail_ / view_.channels : 0);
    }
    return run_length(slot % segments_);
  }

  Piece operator[](int64_t i) const {
    const int64_t slot = i / per_slot_;
    const int64_t which = i % per_slot_;
    return view_.inner == 1 ? row_piece(slot, which) : run_piece(slot, which);
  }

 private:
  // At most so many slots, so that what they hold stays small beside the array.
  static constexpr int64_t kSlots = 64;
  static constexpr int64_t kBlock = 256;
  static constexpr int64_t kRun = int64_t{1} << 18;
  // Enough for vectors, and few enough that a short run has many rows.
  static constexpr int64_t kRunLanes = 64;

  // Channels last: a block of rows a slot, a strip of channels a piece; few channels lie side by side.
  void by_rows() {
    beside_ = std::max<int64_t>(1, kLanes / view_.channels);
    width_ = beside_ * view_.channels;
    rows_ = view_.outer / beside_;
    tail_ = (view_.outer % beside_) * view_.channels;
    const int64_t fair = (rows_ + kSlots - 1) / kSlots;
    block_ = std::max(kBlock, (fair + 7) / 8 * 8);
    slots_ = std::max<int64_t>(1, (rows_ + block_ - 1) / block_);
    per_slot_ = (width_ + kLanes - 1) / kLanes;
  }

  // Channels first: a channel of one outer index is a run, and so is each part of a long one.
  void by_runs() {
    segments_ = (view_.inner + kRun - 1) / kRun;
    slots_ = view_.outer * segments_;
    per_slot_ = view_.channels;
  }

  int64_t rows_of(int64_t slot) const { return std::min(block_, rows_ - slot * block_); }
  int64_t run_length(int64_t segment) const { return std::min(kRun, view_.inner - segment * kRun); }

  Piece row_piece(int64_t slot, int64_t strip) const {
    const int64_t first = strip * kLanes;
    const int64_t lanes = std::min(kLanes, width_ - first);
    return {slot * block_ * width_ + first,
            rows_of(slot),
            width_,
            lanes,
            slot == slots_ - 1 ? tail_ : 0,
            first,
            std::min(lanes, view_.channels),
            slot};
  }

  Piece run_piece(int64_t slot, int64_t channel) const {
    const int64_t outer = slot / segments_;
    const int64_t segment = slot % segments_;
    const int64_t length = run_length(segment);
    const int64_t lanes = std::min(length, kRunLanes);
    return {(outer * view_.channels + channel) * view_.inner + segment * kRun,
            length / lanes,
            lanes,
            lanes,
            length % lanes,
            channel,
            1,
            slot};
  }

  View view_;
  int64_t slots_ = 0;
  int64_t per_slot_ = 0;
  int64_t beside_ = 1;
  int64_t width_ = 0;
  int64_t rows_ = 0;
  int64_t tail_ = 0;
  int64_t block_ = 1;
  int64_t segments_ = 1;
};

// Below this many bytes one thread is as quick as two.
constexpr int64_t kWorthThreads = int64_t{1} << 19;

}  // namespace normwise
