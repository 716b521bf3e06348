#include "huge_pages.h"

#include <cstdint>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace normwise {

void prefer_huge_pages([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr uintptr_t huge = uintptr_t{1} << 21;
  if (bytes < huge) return;
  // Whole huge pages, as far as the memory around is mapped too: small pages at both ends, half a huge one each on
  // average, would cost more than all that lies between.
  const auto begin = reinterpret_cast<uintptr_t>(data);
  const uintptr_t first = begin / huge * huge, last = (begin + bytes + huge - 1) / huge * huge;
  // What is not mapped is passed over, and said to be an error; advice may fail anyway.
  madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}

}  // namespace normwise
