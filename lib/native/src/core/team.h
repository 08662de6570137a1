// The threads that run the kernels.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "core/kernels.h"

namespace bcssl {

/** Tells the core that the loop around this call is waiting. */
inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/**
 * Runs the parts of a task on the calling thread and on helper threads.
 *
 * A helper without work spins for a moment before it goes to sleep: the next kernel of a network
 * comes within microseconds, and waking a thread takes longer than most kernels of a small network.
 * TensorFlow's threads are not used: there are as many of them as cores, so together with the
 * calling thread they are one too many.
 */
class Team : public Workers {
 public:
  /** `size` includes the calling thread. */
  explicit Team(Index size) {
    for (Index i = 1; i < size; ++i) {
      std::thread([this] { serve(); }).detach();
      ++helpers_;
    }
  }
  Team(const Team&) = delete;

  /** The team of this process, which lasts as long as it; the first call sets the size. */
  static Team& shared(Index size) {
    static Team* const team = new Team(size);  // its threads outlive every destructor
    return *team;
  }

  /**
   * The caller takes parts like the helpers. At the end it waits for parts that have begun, never
   * for a helper to wake.
   */
  void run(Index parts, const std::function<void(Index)>& task) const override {
    std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
    if (parts < 2 || helpers_ == 0 || !turn.owns_lock()) {  // another thread's call has the helpers
      for (Index part = 0; part < parts; ++part) task(part);
      return;
    }
    const auto job = std::make_shared<Job>(parts, task);
    std::atomic_store(&job_, job);
    ++calls_;
    if (sleeping_ > 0) {
      std::lock_guard<std::mutex> lock(mutex_);
      woken_.notify_all();
    }
    job->work();
    for (int i = 0; job->done != parts; ++i) i < kSpins ? relax() : std::this_thread::yield();
  }

 private:
  /**
   * One call's parts. A helper that comes too late still holds the job after the call has ended; it
   * then finds no part left and does not touch `task`, which is gone.
   */
  struct Job {
    Job(Index parts, const std::function<void(Index)>& task) : parts(parts), task(task) {}
    void work() {
      for (Index part = next++; part < parts; part = next++) {
        task(part);
        ++done;
      }
    }
    const Index parts;
    const std::function<void(Index)>& task;
    std::atomic<Index> next{0}, done{0};
  };

  void serve() const {
    for (std::uint64_t seen = 0;;) {
      for (int i = 0; i < kSpins && calls_ == seen; ++i) relax();
      if (calls_ == seen) {
        std::unique_lock<std::mutex> lock(mutex_);
        ++sleeping_;
        woken_.wait(lock, [&] { return calls_ != seen; });
        --sleeping_;
      }
      seen = calls_;
      std::atomic_load(&job_)->work();
    }
  }

  static constexpr int kSpins = 3000;  // some fifty microseconds
  Index helpers_ = 0;
  mutable std::mutex turn_, mutex_;
  mutable std::condition_variable woken_;
  mutable std::shared_ptr<Job> job_;
  mutable std::atomic<std::uint64_t> calls_{0};
  mutable std::atomic<Index> sleeping_{0};
};

}  // namespace bcssl
