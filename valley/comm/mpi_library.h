#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "valley/comm/mpi_module.h"

namespace valley {

/// MPI, as this process has it: loaded and initialised once, on demand, and finalised when the
/// process exits.
///
/// Any thread may call it. Calls are made one at a time, behind a mutex, since none of them waits:
/// so MPI_THREAD_SERIALIZED is enough, which costs a library less than MPI_THREAD_MULTIPLE and
/// which all of them have. Who waits asks again and again (MpiMesh).
///
/// MPI's own waits for all workers, MPI_Init and MPI_Finalize, are on a thread of their own, so
/// that they can be given up.
class MpiLibrary {
 public:
  using Request = MpiModule::Request;

  /// @throws UsageError if it cannot be loaded, or somebody else has initialised it for one thread;
  /// CommError if MPI_Init does not return within the timeout.
  static MpiLibrary& start(double timeout_seconds);

  int rank() const { return world_.rank; }  ///< of MPI_COMM_WORLD
  int size() const { return world_.size; }
  int largest_tag() const { return world_.largest_tag; }
  std::string name() const;  ///< "Open MPI v4.1.4"

  // @throws std::runtime_error with MPI's words.
  Request send(const void* data, int bytes, int to, int tag);
  Request receive(void* data, int bytes, int from, int tag);
  bool test(Request& request);
  int take(void* data, int bytes, int tag);  ///< whom it is from, or -1

  /// Nobody waits for them any more. A receive's memory may be freed afterwards.
  void forget_send(Request request) noexcept;
  void forget_receive(Request request) noexcept;

  /// Where something has failed, others may not come to MPI_Finalize: it is not waited for long.
  void expect_orderly_end(bool whether) { orderly_ = whether; }

  /// A number for a group of workers, see MpiMesh: that of this process, or a larger one that they
  /// have agreed on.
  int64_t next_group() const { return next_group_; }
  void take_group(int64_t group) { next_group_ = group + 1; }

 private:
  struct Thread;  // see above

  MpiLibrary(const MpiModule& module, double timeout_seconds);
  void initialize();
  void finish(int status);
  std::unique_lock<std::mutex> enter();
  void check(int error);

  const MpiModule& module_;
  const double timeout_seconds_;
  Thread& thread_;
  MpiModule::World world_;
  std::mutex mutex_;
  bool closed_ = false;  // memory that was given to MPI is gone: it must not be called any more
  std::atomic<bool> orderly_ = true;
  std::atomic<int64_t> next_group_ = 1;  // 0: the door, see mpi_join.cpp
};

}  // namespace valley
