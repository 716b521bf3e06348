#include "threads.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace normwise {
namespace {

int allowed_processors() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

int threads_by_default() {
  const int processors = allowed_processors();
  const char* wanted = std::getenv("OMP_NUM_THREADS");
  // OpenMP allows a list, one number a level of nesting; the first is ours.
  const int count = wanted ? std::atoi(wanted) : 0;
  return count > 0 ? std::min(count, processors) : processors;
}

std::atomic<int> chosen{0};

// OpenMP's entry points, where a framework of this process has it; libgomp's, which libomp has too.
std::atomic<GompParallel> gomp_parallel{nullptr};
std::atomic<OmpMaxThreads> omp_max_threads{nullptr};

// Whether this thread is at work for a pool, so that what it calls must not wait for one.
thread_local bool inside = false;

// To sleep and to be woken takes as long as to normalize a small array, and what is waited for is mostly near: the
// other pass of the same call, or the last piece.
constexpr std::chrono::microseconds kPatience{20};

inline void pause_a_little() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits in a loop until the condition holds, for a while; whether it does.
template <typename Condition>
bool soon(const Condition& condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  do {
    for (int i = 0; i < 64; ++i) {
      if (condition()) return true;
      pause_a_little();
    }
  } while (std::chrono::steady_clock::now() < until);
  return condition();
}

// How this thread rounds, and whether it takes denormal numbers for 0, as XLA's threads do: a thread that helps takes
// that over, lest a value depend on who computes it.
#if defined(__SSE2__)
using Arithmetic = unsigned;
inline Arithmetic arithmetic() { return _mm_getcsr(); }
inline void take_over(Arithmetic given) { _mm_setcsr(given); }
#elif defined(__aarch64__)
using Arithmetic = uint64_t;
inline Arithmetic arithmetic() {
  uint64_t found;
  asm volatile("mrs %0, fpcr" : "=r"(found));
  return found;
}
inline void take_over(Arithmetic given) { asm volatile("msr fpcr, %0" : : "r"(given)); }
#else
using Arithmetic = int;
inline Arithmetic arithmetic() { return 0; }
inline void take_over(Arithmetic) {}
#endif

struct Job {
  void (*body)(void*, int64_t);
  void* context;
  int64_t tasks;
  Arithmetic callers;
};

class Pool {
 public:
  // Whether the caller got the pool; else somebody has it.
  bool run(Job job, int helpers) {
    std::unique_lock<std::mutex> mine(busy_, std::try_to_lock);
    if (!mine.owns_lock()) return false;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      start(helpers);
      job_ = job;
      next_.store(0, std::memory_order_relaxed);
      helpers_ = helpers;
      open_ = true;
      ++round_;
    }
    wake_.notify_all();
    take(job);
    // A helper that has not come yet has nothing left to do. It may be long in coming: frameworks have threads that
    // wait in a loop, and hold the processor that it needs.
    {
      std::lock_guard<std::mutex> lock(mutex_);
      open_ = false;
    }
    if (soon([this] { return working_.load(std::memory_order_acquire) == 0; })) return true;
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return working_ == 0; });
    return true;
  }

 private:
  // Fewer where the system has no more to give: the caller does what nobody else does.
  void start(int helpers) {
    try {
      for (; started_ < helpers; ++started_) std::thread(&Pool::work, this, started_).detach();
    } catch (const std::system_error&) {
    } catch (const std::bad_alloc&) {
    }
  }

  void take(const Job& job) {
    for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < job.tasks;) job.body(job.context, i);
  }

  void work(int number) {
    inside = true;
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      lock.unlock();
      soon([&] { return round_.load(std::memory_order_acquire) != seen; });
      lock.lock();
      wake_.wait(lock, [&] { return round_ != seen; });
      seen = round_;
      // A round with fewer helpers than there are threads goes without the others.
      if (!open_ || number >= helpers_) continue;
      ++working_;
      const Job job = job_;
      lock.unlock();
      take_over(job.callers);
      take(job);
      lock.lock();
      if (--working_ == 0) done_.notify_one();
    }
  }

  std::mutex busy_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  Job job_{};
  std::atomic<int64_t> next_{0};
  std::atomic<uint64_t> round_{0};
  int helpers_ = 0;
  bool open_ = false;
  int started_ = 0;
  std::atomic<int> working_{0};
};

// Never deleted: its threads may still wait in it when the process ends. A child of a fork has none of the threads
// and perhaps a locked mutex, so that it gets a pool of its own.
std::atomic<Pool*> pool{nullptr};
std::once_flag fork_handler;

void forget_threads() {
  pool.store(nullptr, std::memory_order_relaxed);
  gomp_parallel.store(nullptr, std::memory_order_relaxed);
}

void forget_threads_in_children() {
  std::call_once(fork_handler, [] { pthread_atfork(nullptr, nullptr, forget_threads); });
}

Pool& the_pool() {
  forget_threads_in_children();
  Pool* found = pool.load(std::memory_order_acquire);
  if (found == nullptr) {
    Pool* made = new Pool;
    if (pool.compare_exchange_strong(found, made)) return *made;
    delete made;
  }
  return *found;
}

struct SharedJob {
  Job job;
  std::atomic<int64_t> next{0};
};

void take_shared(void* data) {
  auto& shared = *static_cast<SharedJob*>(data);
  const Arithmetic mine = arithmetic();
  take_over(shared.job.callers);
  inside = true;
  for (int64_t i; (i = shared.next.fetch_add(1, std::memory_order_relaxed)) < shared.job.tasks;) {
    shared.job.body(shared.job.context, i);
  }
  inside = false;
  take_over(mine);
}

}  // namespace

int threads() {
  const int count = chosen.load(std::memory_order_relaxed);
  if (count > 0) return count;
  if (gomp_parallel.load(std::memory_order_acquire) != nullptr) return omp_max_threads.load(std::memory_order_relaxed)();
  static const int by_default = threads_by_default();
  return by_default;
}

void set_threads(int count) { chosen.store(std::max(0, count), std::memory_order_relaxed); }

void use_openmp(GompParallel parallel_region, OmpMaxThreads max_threads) {
  forget_threads_in_children();
  omp_max_threads.store(max_threads, std::memory_order_relaxed);
  gomp_parallel.store(parallel_region, std::memory_order_release);
}

void parallel(int64_t tasks, void (*body)(void*, int64_t), void* context) {
  const int helpers = static_cast<int>(std::min<int64_t>(threads(), tasks)) - 1;
  if (helpers > 0 && !inside) {
    if (const GompParallel region = gomp_parallel.load(std::memory_order_acquire)) {
      SharedJob shared{{body, context, tasks, arithmetic()}};
      region(take_shared, &shared, static_cast<unsigned>(helpers + 1), 0);
      return;
    }
    inside = true;
    const bool ran = the_pool().run({body, context, tasks, arithmetic()}, helpers);
    inside = false;
    if (ran) return;
  }
  for (int64_t i = 0; i < tasks; ++i) body(context, i);
}

}  // namespace normwise
