#pragma once

#include <c10/core/DeviceType.h>
#include <c10/util/intrusive_ptr.h>

#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "valley/comm/communicator.h"

namespace valley {

struct ProcessGroupOptions {
  /// Of the workers of the group: there a failure's cause, and who has left, is told. Null: whoever
  /// is lost is named only where its connection tells, abort() reaches nobody who waits, and
  /// split() is refused.
  c10::intrusive_ptr<c10d::Store> store = {};

  /// A group of the same workers and ranks for headers, texts and all tensors on the CPU, where the
  /// group itself cannot send them with tags (NCCL). Null: the group itself.
  c10::intrusive_ptr<c10d::ProcessGroup> side_group = {};

  std::vector<c10::DeviceType> devices = {c10::DeviceType::CPU};  ///< where tensors may be
  double timeout_seconds = 300;                                   ///< of every wait

  /// Of its keys in the store and its tags: no other communicator's of this group.
  std::string prefix = "valley";
  std::string interface = {};  ///< where parts of split() listen; "": GLOO_SOCKET_IFNAME, if set
  std::string name = "process-group";  ///< what backend() and errors call it
};

/// A worker of any c10d process group: torch.distributed's default group, or one that was made for
/// it. Its ranks are those of the group. Of a group of one: solo.
///
/// The group stays whose it is. Others may use it between two operations of the communicator,
/// though not while one lasts, from another thread, say; all workers in the same order. Nothing
/// happens to it when the communicator is destroyed. After a CommError it may hold an operation
/// that never ends: what can be done with it then is for its owner to know. Several communicators
/// may use one group, one after the other or in turns, each with a prefix of its own.
///
/// An operation starts with 64 bytes from everyone to everyone, by send and receive with a tag of
/// its own, so that nobody hangs in a sum that a worker does not join. all_reduce on the CPU is
/// that of `gloo` over the group's sends and receives, so that norms are taken of each part while
/// it is in cache; on other devices, and all_gather and broadcast on all, it is the group's own.
/// exchange is sends and receives, pair by pair in the same order on all workers, so that a group
/// without tags (NCCL) does not block. What is on another device than the CPU has arrived when the
/// operation returns.
///
/// The parts of split() meet over the store and talk over sockets of their own, as `gloo` does, on
/// the CPU alone. Without a store split() is a UsageError on all workers, after which the
/// communicator is unusable.
///
/// @throws UsageError for no group, no device, a timeout <= 0, a side group of another size.
std::unique_ptr<Communicator> make_process_group(c10::intrusive_ptr<c10d::ProcessGroup> group,
                                                 ProcessGroupOptions options);

}  // namespace valley
