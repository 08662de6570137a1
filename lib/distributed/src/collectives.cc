// TensorFlow's collective operations for tfjs: compiled into tfjs's bridge to TensorFlow.
//
// The bridge keeps its TFE_Context private, it names devices as they were called before the process
// joined others, and it asks each result for its shape, which waits for an operation that is not done
// yet. Set-up compiles the bridge with
//   -DTFE_NewContext=bcssl_new_context -DTFE_TensorHandleCopyToDevice=bcssl_copy_to_device
//   -DTFE_TensorHandleNumDims=bcssl_num_dims -DTFE_TensorHandleDim=bcssl_dim
//   -DTF_NewTensor=bcssl_new_tensor
// so that these calls come to this file.
//
// An operation's own `timeout_seconds` is not used: TensorFlow starts two threads for each operation
// that has one, and they sleep until the timeout. One watchman, below, does the same for all.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tensorflow/c/c_api_experimental.h"
#include "tensorflow/c/eager/c_api.h"
#include "tensorflow/c/eager/c_api_experimental.h"

#undef TFE_NewContext
#undef TFE_TensorHandleCopyToDevice
#undef TFE_TensorHandleNumDims
#undef TFE_TensorHandleDim
extern "C" TFE_Context* TFE_NewContext(const TFE_ContextOptions*, TF_Status*);
extern "C" TFE_TensorHandle* TFE_TensorHandleCopyToDevice(TFE_TensorHandle*, TFE_Context*,
                                                          const char*, TF_Status*);
extern "C" int TFE_TensorHandleNumDims(TFE_TensorHandle*, TF_Status*);
extern "C" int64_t TFE_TensorHandleDim(TFE_TensorHandle*, int, TF_Status*);

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

TFE_Context* context = nullptr;
/** This process among all, as `/job:worker/replica:0/task:1`; empty before it has joined. */
std::string own_task;

/** Copies the status's message for the caller, frees the status and returns its code. */
int report(TF_Status* status, char* message, size_t size) {
  const int code = TF_GetCode(status);
  if (size > 0) {
    std::strncpy(message, TF_Message(status), size - 1);
    message[size - 1] = '\0';
  }
  TF_DeleteStatus(status);
  return code;
}

std::string task_of(int rank) { return "/job:worker/replica:0/task:" + std::to_string(rank); }

/** TF_OK if the process answers, TF_DEADLINE_EXCEEDED if it does not, another code if it is gone. */
int check_peer(int rank, int64_t milliseconds) {
  TF_Status* status = TF_NewStatus();
  TFE_CollectiveOpsCheckPeerHealth(context, task_of(rank).c_str(), milliseconds, status);
  return report(status, nullptr, 0);
}

/**
 * Watches the collective operation that the main thread waits in. Once a second it asks the other
 * processes whether they are there. It aborts the operation if one is gone, or has been silent for
 * longer than `patience`, or if all are there and the operation has taken longer than `limit`.
 */
class Watchman {
 public:
  Watchman(int rank, int size, Seconds patience, Seconds limit)
      : rank_(rank), answered_(size), patience_(patience), limit_(limit) {
    std::thread([this] { run(); }).detach();
  }

  void begin() {
    std::lock_guard<std::mutex> lock(mutex_);
    ++operation_;
    began_ = Clock::now();
    under_way_ = true;
  }

  void end() {
    std::lock_guard<std::mutex> lock(mutex_);
    under_way_ = false;
  }

  /** The ranks for whose loss it aborted an operation; if it did not, those that are lost now. */
  std::vector<int> lost() {
    std::lock_guard<std::mutex> lock(mutex_);
    return aborted_ ? lost_ : missing(Seconds(0));
  }

 private:
  void run() {
    long watched = -1;
    for (;;) {
      std::this_thread::sleep_for(Seconds(1));
      std::unique_lock<std::mutex> lock(mutex_);
      const auto same = [&] { return under_way_ && operation_ == watched; };
      if (!same()) { // most operations end before they are looked at again
        watched = operation_;
        std::fill(answered_.begin(), answered_.end(), Clock::now());
        continue;
      }
      lock.unlock();
      std::vector<int> lost = missing(patience_);
      lock.lock();
      if (!same() || (lost.empty() && Clock::now() - began_ < limit_)) continue;
      lost_ = std::move(lost);
      aborted_ = true;
      abort();
      return;
    }
  }

  /**
   * The ranks that are gone, or have not answered for longer than `patience`. Asks all at once, so
   * that a silent one does not delay the others.
   */
  std::vector<int> missing(Seconds patience) {
    const int size = static_cast<int>(answered_.size());
    std::vector<int> codes(size, TF_OK);
    std::vector<std::thread> questions;
    for (int peer = 0; peer < size; ++peer) {
      if (peer != rank_) {
        questions.emplace_back([&codes, peer] { codes[peer] = check_peer(peer, 2000); });
      }
    }
    for (std::thread& question : questions) question.join();
    std::vector<int> lost;
    for (int peer = 0; peer < size; ++peer) {
      if (codes[peer] == TF_OK) answered_[peer] = Clock::now();
      const bool silent = Clock::now() - answered_[peer] > patience;
      if (codes[peer] == TF_DEADLINE_EXCEEDED ? silent : codes[peer] != TF_OK) lost.push_back(peer);
    }
    return lost;
  }

  void abort() {
    TF_Status* status = TF_NewStatus();
    TF_SetStatus(status, TF_ABORTED,
                 lost_.empty() ? "all processes answer, but they wait for different things"
                               : "a process is lost");
    TFE_AbortCollectiveOps(context, status);
    TF_DeleteStatus(status);
  }

  std::mutex mutex_;
  long operation_ = 0;
  bool under_way_ = false;
  Clock::time_point began_;
  bool aborted_ = false;
  std::vector<int> lost_;
  const int rank_;
  std::vector<Clock::time_point> answered_;
  const Seconds patience_, limit_;
};

/** Lives until the process ends: its thread does. */
Watchman* watchman = nullptr;

/** What runs the main thread's operations: at once, or in a thread that takes them in turn. */
TFE_Executor *foreground = nullptr, *background = nullptr;
/** The length of the vector that is computed in the background; −1 in the foreground. */
int64_t background_length = -1;

}  // namespace

extern "C" TFE_Context* bcssl_new_context(const TFE_ContextOptions* options, TF_Status* status) {
  return context = TFE_NewContext(options, status);
}

/** After joining, `/job:localhost/…/device:CPU:0` is called `/job:worker/…/device:CPU:0`. */
extern "C" TFE_TensorHandle* bcssl_copy_to_device(TFE_TensorHandle* handle, TFE_Context* where,
                                                  const char* device, TF_Status* status) {
  std::string name = device;
  if (!own_task.empty()) name.replace(0, name.find("/device:"), own_task);
  return TFE_TensorHandleCopyToDevice(handle, where, name.c_str(), status);
}

/** The shape of a result, without waiting for one that is computed in the background. */
extern "C" int bcssl_num_dims(TFE_TensorHandle* handle, TF_Status* status) {
  return background_length < 0 ? TFE_TensorHandleNumDims(handle, status) : 1;
}
extern "C" int64_t bcssl_dim(TFE_TensorHandle* handle, int axis, TF_Status* status) {
  return background_length < 0 ? TFE_TensorHandleDim(handle, axis, status) : background_length;
}

/**
 * A tensor with a copy of a JavaScript array's numbers. TensorFlow's own function shares the array's
 * memory, if that is aligned, until the last user of the tensor is done. For an operation in the
 * background that is another thread, where the array must not be given back: Deno ends the process
 * then, with "Check failed: node->IsInUse()".
 */
extern "C" TF_Tensor* bcssl_new_tensor(TF_DataType type, const int64_t* shape, int rank, void* data,
                                       size_t size, void (*give_back)(void*, size_t, void*),
                                       void* array) {
  TF_Tensor* tensor = TF_AllocateTensor(type, shape, rank, size);
  if (size > 0) std::memcpy(TF_TensorData(tensor), data, size);
  give_back(data, size, array);
  return tensor;
}

/**
 * Starts this process's server, which the others ask for data.
 *
 * @param server_def TensorFlow's ServerDef as text.
 * @param patience Seconds for which a process may be silent, as one that is stopped.
 * @param limit Seconds that an operation may take if all processes answer.
 * @return TF_OK, or another code, with the message written to `message`.
 */
EXPORT int bcssl_join(const char* server_def, int rank, int size, double patience, double limit,
                      char* message, size_t message_size) {
  TF_Status* status = TF_NewStatus();
  TF_Buffer* parsed = TFE_GetServerDef(server_def, status);
  if (parsed != nullptr) {
    TFE_EnableCollectiveOps(context, parsed->data, parsed->length, status);
    TF_DeleteBuffer(parsed);
  }
  if (TF_GetCode(status) == TF_OK) {
    own_task = task_of(rank);
    watchman = new Watchman(rank, size, Seconds(patience), Seconds(limit));
    foreground = TFE_ContextGetExecutorForThread(context);
    background = TFE_NewExecutor(/*is_async=*/true, /*enable_streaming_enqueue=*/false,
                                 /*in_flight_nodes_limit=*/0);
  }
  return report(status, message, message_size);
}

/** Whether a process is there: TF_OK if it answers within the milliseconds. */
EXPORT int bcssl_check_peer(int rank, int64_t milliseconds) {
  return check_peer(rank, milliseconds);
}

/** From here to `bcssl_end`, the watchman watches. */
EXPORT void bcssl_begin() { watchman->begin(); }
EXPORT void bcssl_end() { watchman->end(); }

/**
 * From here to `bcssl_foreground`, the calling thread's operations only begin, and are run one after
 * the other in another thread. Each must have a vector of this length as its only result.
 */
EXPORT void bcssl_background(int64_t length) {
  background_length = length;
  TFE_ContextSetExecutorForThread(context, background);
}
EXPORT void bcssl_foreground() {
  TFE_ContextSetExecutorForThread(context, foreground);
  background_length = -1;
}

/** Waits for all operations in the background. @return As `bcssl_join`. */
EXPORT int bcssl_await_background(char* message, size_t message_size) {
  TF_Status* status = TF_NewStatus();
  TFE_ExecutorWaitForAllPendingNodes(background, status);
  return report(status, message, message_size);
}

/**
 * After an operation has failed: writes 1 for each rank that is lost.
 *
 * @param lost One byte for each rank, zero before.
 */
EXPORT void bcssl_lost(unsigned char* lost) {
  for (int rank : watchman->lost()) lost[rank] = 1;
}
