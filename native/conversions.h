// Halves to float and back, rounded to the nearest, ties to even, in operations on integers that any compiler makes
// vectors of. Local to each file, as it is compiled for several processors.
#pragma once

#include <cstdint>

#include "inline.h"
#include "values.h"

namespace normwise {
namespace {

// By a mask: of a choice some compilers make a jump, and then no vectors.
ALWAYS_INLINE uint32_t choose(bool condition, uint32_t one, uint32_t other) {
  return other ^ ((one ^ other) & (condition ? ~uint32_t{0} : uint32_t{0}));
}

ALWAYS_INLINE float load(float v) { return v; }
ALWAYS_INLINE double load(double v) { return v; }

ALWAYS_INLINE float load(bfloat16 v) { return __builtin_bit_cast(float, uint32_t{v.bits} << 16); }

ALWAYS_INLINE float load(float16 v) {
  const uint32_t magnitude = uint32_t{v.bits & 0x7fffu} << 13;
  const uint32_t exponent = magnitude & (uint32_t{0x1f} << 23);
  const uint32_t normal = magnitude + (uint32_t{127 - 15} << 23);
  const uint32_t not_finite = magnitude + (uint32_t{255 - 31} << 23);
  // By a subtraction of normal numbers: a thread may read denormal ones as 0.
  const float small = __builtin_bit_cast(float, magnitude + (uint32_t{113} << 23)) - 6.103515625e-05f;
  const uint32_t large = choose(exponent == uint32_t{0x1f} << 23, not_finite, normal);
  const uint32_t bits = choose(exponent == 0, __builtin_bit_cast(uint32_t, small), large);
  return __builtin_bit_cast(float, bits | uint32_t{v.bits & 0x8000u} << 16);
}

template <typename S>
ALWAYS_INLINE S store(Compute<S> v);

template <>
ALWAYS_INLINE float store<float>(float v) {
  return v;
}
template <>
ALWAYS_INLINE double store<double>(double v) {
  return v;
}

template <>
ALWAYS_INLINE bfloat16 store<bfloat16>(float v) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, v);
  const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  const uint32_t nan = bits >> 16 | 0x40;
  return {static_cast<uint16_t>(choose((bits & 0x7fffffff) > 0x7f800000, nan, rounded))};
}

template <>
ALWAYS_INLINE float16 store<float16>(float v) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, v);
  const uint32_t magnitude = bits & 0x7fffffff;
  // What is too small for a half's normal numbers is rounded by an addition that has no room for less.
  constexpr uint32_t room = uint32_t{(127 - 15) + (23 - 10) + 1} << 23;
  const float sum = __builtin_bit_cast(float, magnitude) + __builtin_bit_cast(float, room);
  const uint32_t small = __builtin_bit_cast(uint32_t, sum) - room;
  const uint32_t normal = (magnitude - (uint32_t{127 - 15} << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
  uint32_t half = choose(magnitude < uint32_t{113} << 23, small, normal);
  half = choose(magnitude >= uint32_t{127 + 16} << 23, 0x7c00, half);
  half = choose(magnitude > 0x7f800000, 0x7e00, half);
  return {static_cast<uint16_t>(half | (bits >> 16 & 0x8000))};
}

}  // namespace
}  // namespace normwise
