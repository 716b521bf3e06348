// Large results are written into memory that is often new: a page at a time, the system would be called thousands
// of times, which takes longer than the arithmetic.
#pragma once

#include <cstddef>

namespace normwise {

// Asks for huge pages where [data, data + bytes) has none yet; a hint, without effect where the system has no such.
void prefer_huge_pages(void* data, size_t bytes);

}  // namespace normwise
