#include "threads.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

#ifdef __linux__
#include <sched.h>
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

// Whether this thread is at work for a pool, so that what it calls must not wait for one.
thread_local bool inside = false;

struct Job {
  void (*body)(void*, int64_t);
  void* context;
  int64_t tasks;
};

class Pool {
 public:
  // Whether the caller got the pool; else somebody has it.
  bool run(Job job, int helpers) {
    std::unique_lock<std::mutex> mine(busy_, std::try_to_lock);
    if (!mine.owns_lock()) return false;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      while (started_ < helpers) {
        std::thread(&Pool::work, this, started_++).detach();
      }
      job_ = job;
      next_.store(0, std::memory_order_relaxed);
      helpers_ = helpers;
      open_ = true;
      ++round_;
    }
    wake_.notify_all();
    take(job);
    std::unique_lock<std::mutex> lock(mutex_);
    // A helper that has not come yet has nothing left to do. It may be long in coming: frameworks have threads that
    // wait in a loop, and hold the processor that it needs.
    open_ = false;
    done_.wait(lock, [this] { return working_ == 0; });
    return true;
  }

 private:
  void take(const Job& job) {
    for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < job.tasks;) job.body(job.context, i);
  }

  void work(int number) {
    inside = true;
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return round_ != seen; });
      seen = round_;
      // A round with fewer helpers than there are threads goes without the others.
      if (!open_ || number >= helpers_) continue;
      ++working_;
      const Job job = job_;
      lock.unlock();
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
  uint64_t round_ = 0;
  int helpers_ = 0;
  bool open_ = false;
  int started_ = 0;
  int working_ = 0;
};

// Never deleted: its threads may still wait in it when the process ends. A child of a fork has none of the threads
// and perhaps a locked mutex, so that it gets a pool of its own.
std::atomic<Pool*> pool{nullptr};
std::once_flag fork_handler;

Pool& the_pool() {
  std::call_once(fork_handler, [] {
    pthread_atfork(nullptr, nullptr, [] { pool.store(nullptr, std::memory_order_relaxed); });
  });
  Pool* found = pool.load(std::memory_order_acquire);
  if (found == nullptr) {
    Pool* made = new Pool;
    if (pool.compare_exchange_strong(found, made)) return *made;
    delete made;
  }
  return *found;
}

}  // namespace

int threads() {
  const int count = chosen.load(std::memory_order_relaxed);
  if (count > 0) return count;
  static const int by_default = threads_by_default();
  return by_default;
}

void set_threads(int count) { chosen.store(std::max(0, count), std::memory_order_relaxed); }

void parallel(int64_t tasks, void (*body)(void*, int64_t), void* context) {
  const int helpers = static_cast<int>(std::min<int64_t>(threads(), tasks)) - 1;
  if (helpers > 0 && !inside) {
    inside = true;
    const bool ran = the_pool().run({body, context, tasks}, helpers);
    inside = false;
    if (ran) return;
  }
  for (int64_t i = 0; i < tasks; ++i) body(context, i);
}

}  // namespace normwise
