// How values lie in memory, and what they are computed in.
#pragma once

#include <cstdint>

namespace normwise {

struct bfloat16 {
  uint16_t bits;
};

struct float16 {
  uint16_t bits;
};

template <typename S>
struct ComputedIn {
  using type = S;
};
template <>
struct ComputedIn<bfloat16> {
  using type = float;
};
template <>
struct ComputedIn<float16> {
  using type = float;
};

// float at least.
template <typename S>
using Compute = typename ComputedIn<S>::type;

}  // namespace normwise
