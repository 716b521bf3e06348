#pragma once

// A call within a loop keeps it from becoming one of vectors.
#define ALWAYS_INLINE __attribute__((always_inline)) inline
