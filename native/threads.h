// A small pool of threads that stay: starting a thread costs more than normalizing a small array.
#pragma once

#include <cstdint>

namespace normwise {

// How many threads work together: OMP_NUM_THREADS where that is set, at most the processors of this process.
int threads();

// Overrides that number; 0 goes back to it. For tests.
void set_threads(int count);

using GompParallel = void (*)(void (*body)(void*), void* data, unsigned threads, unsigned flags);
using OmpMaxThreads = int (*)();

// Takes OpenMP's threads from now on, as many as it has: a framework's own wait in a loop for what comes next, and hold
// the processors that ours would need. A child process of a fork goes back to its own.
void use_openmp(GompParallel parallel_region, OmpMaxThreads max_threads);

// Runs body(context, i) for each i in [0, tasks), in any order, on the caller's thread and on others, and returns
// when all have run. A second caller at the same time runs its tasks alone rather than wait; so does a body that
// calls back here, and a child process of a fork starts threads of its own.
void parallel(int64_t tasks, void (*body)(void* context, int64_t i), void* context);

template <typename Body>
void parallel_for(int64_t tasks, bool worthwhile, const Body& body) {
  if (!worthwhile || tasks < 2) {
    for (int64_t i = 0; i < tasks; ++i) body(i);
    return;
  }
  parallel(
      tasks, [](void* context, int64_t i) { (*static_cast<const Body*>(context))(i); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace normwise
