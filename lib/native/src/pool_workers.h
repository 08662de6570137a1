// Threads for the kernels: those TensorFlow has.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "kernels.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace bcssl {

namespace tf = ::tensorflow;

/**
 * TensorFlow's own threads, so that ours are never more than the user asked for.
 *
 * The caller takes parts like everyone else, and waits for parts that have begun, never for a thread to wake up: most
 * kernels of a small network are over before that.
 */
class PoolWorkers : public Workers {
 public:
  explicit PoolWorkers(tf::OpKernelContext* ctx)
      : pool_(ctx->device()->tensorflow_cpu_worker_threads()->workers) {}

  void run(Index parts, const std::function<void(Index)>& task) const override {
    const Index helpers = std::min<Index>(parts, pool_->NumThreads()) - 1;
    if (helpers <= 0) {
      for (Index part = 0; part < parts; ++part) task(part);
      return;
    }
    const auto job = std::make_shared<Job>(parts, task);
    for (Index i = 0; i < helpers; ++i) pool_->Schedule([job] { job->work(); });
    job->work();
    job->wait();
  }

 private:
  /** Outlives the call if a thread comes too late to help; `task` does not, and is not touched then. */
  struct Job {
    Job(Index parts, const std::function<void(Index)>& task) : parts(parts), task(task) {}

    void work() {
      for (Index part = next++; part < parts; part = next++) {
        task(part);
        if (++done == parts) {
          std::lock_guard<std::mutex> lock(mutex);
          finished.notify_one();
        }
      }
    }

    void wait() {
      for (int i = 0; i < kSpins && done != parts; ++i) {}  // the last part of another thread is usually nearly done
      std::unique_lock<std::mutex> lock(mutex);
      finished.wait(lock, [this] { return done == parts; });
    }

    static constexpr int kSpins = 4000;  // some microseconds
    const Index parts;
    const std::function<void(Index)>& task;
    std::atomic<Index> next{0}, done{0};
    std::mutex mutex;
    std::condition_variable finished;
  };

  tf::thread::ThreadPool* pool_;
};

}  // namespace bcssl
