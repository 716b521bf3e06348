// Activations and their slopes, written so that a compiler makes vectors of them: no branch, no call.
#pragma once

#include <cstdint>
#include <cstring>

#include "inline.h"
#include "tiles.h"

namespace normwise {
// Nothing here may be shared between files that are compiled for different processors.
namespace {

template <typename T>
struct Linear {
  ALWAYS_INLINE static T value(T z, T) { return z; }
  ALWAYS_INLINE static T slope(T, T) { return T(1); }
};

template <typename T>
struct Relu {
  // NaN stays NaN.
  ALWAYS_INLINE static T value(T z, T) { return z < T(0) ? T(0) : z; }
  ALWAYS_INLINE static T slope(T z, T) { return z > T(0) ? T(1) : T(0); }
};

template <typename T>
struct LeakyRelu {
  ALWAYS_INLINE static T value(T z, T alpha) { return z >= T(0) ? z : z * alpha; }
  ALWAYS_INLINE static T slope(T z, T alpha) { return z >= T(0) ? T(1) : alpha; }
};

ALWAYS_INLINE float clamp(float x, float low, float high) {
  const float above = x < low ? low : x;
  return above > high ? high : above;
}

// 2^n·e^r, r = x − n·ln 2 in two parts; n comes out of the last bits of a sum that has no room for a fraction.
ALWAYS_INLINE float exponential(float given) {
  const float x = clamp(given, -87.0f, 88.0f);
  const float magic = 12582912.0f + 127.0f;
  const float shifted = x * 1.44269504f + magic;
  const float n = shifted - magic;
  const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * r) * r + r + 1.0f;
  const uint32_t bits = __builtin_bit_cast(uint32_t, shifted) << 23;
  return p * __builtin_bit_cast(float, bits);
}

struct Sigmoid {
  ALWAYS_INLINE static float value(float z, float) { return 1.0f / (1.0f + exponential(-z)); }
  ALWAYS_INLINE static float slope(float z, float) {
    const float y = value(z, 0);
    return y * (1.0f - y);
  }
};

struct Silu {
  ALWAYS_INLINE static float value(float z, float) { return z * Sigmoid::value(z, 0); }
  ALWAYS_INLINE static float slope(float z, float) {
    const float s = Sigmoid::value(z, 0);
    return s * (1.0f + z * (1.0f - s));
  }
};

// A quotient of polynomials, as Eigen and XLA have it: off by a few steps of float32 at most.
struct Tanh {
  ALWAYS_INLINE static float value(float given, float) {
    const float z = clamp(given, -7.90531111f, 7.90531111f);
    const float s = z * z;
    float p = -2.76076847742355e-16f;
    p = p * s + 2.00018790482477e-13f;
    p = p * s + -8.60467152213735e-11f;
    p = p * s + 5.12229709037114e-08f;
    p = p * s + 1.48572235717979e-05f;
    p = p * s + 6.37261928875436e-04f;
    p = p * s + 4.89352455891786e-03f;
    float q = 1.19825839466702e-06f;
    q = q * s + 1.18534705686654e-04f;
    q = q * s + 2.26843463243900e-03f;
    q = q * s + 4.89352518554385e-03f;
    return z * p / q;
  }
  ALWAYS_INLINE static float slope(float z, float) {
    const float y = value(z, 0);
    return 1.0f - y * y;
  }
};

// erfc as in Press et al., "Numerical Recipes", 6.2: its relative error is below 1.2e-7 for every argument.
struct Gelu {
  ALWAYS_INLINE static float cumulative(float z) {
    const float magnitude = (z < 0 ? -z : z) * 0.70710678f;
    const float t = 1.0f / (1.0f + 0.5f * magnitude);
    float p = 0.17087277f;
    p = p * t + -0.82215223f;
    p = p * t + 1.48851587f;
    p = p * t + -1.13520398f;
    p = p * t + 0.27886807f;
    p = p * t + -0.18628806f;
    p = p * t + 0.09678418f;
    p = p * t + 0.37409196f;
    p = p * t + 1.00002368f;
    p = p * t + -1.26551223f;
    const float half_of_tail = 0.5f * t * exponential(p - magnitude * magnitude);
    return z < 0 ? half_of_tail : 1.0f - half_of_tail;
  }
  ALWAYS_INLINE static float value(float z, float) { return z * cumulative(z); }
  ALWAYS_INLINE static float slope(float z, float) {
    return cumulative(z) + z * 0.39894228f * exponential(-0.5f * (z * z));
  }
};

}  // namespace
}  // namespace normwise
