#include <cstdlib>
#include <cstring>

#include "tiles.h"

namespace normwise {

extern const Target target_baseline;
#ifdef NORMWISE_X86
extern const Target target_avx2;
extern const Target target_avx512;
#endif

namespace {

const Target& best() {
#ifdef NORMWISE_X86
  __builtin_cpu_init();
  const char* most = std::getenv("NORMWISE_SIMD");
  const auto is = [most](const char* name) { return most != nullptr && std::strcmp(most, name) == 0; };
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (avx512 && !is("avx2") && !is("baseline")) return target_avx512;
  if (avx2 && !is("baseline")) return target_avx2;
#endif
  return target_baseline;
}

}  // namespace

const Target& target() {
  static const Target& found = best();
  return found;
}

}  // namespace normwise
