#pragma once

#include <c10/core/DeviceType.h>
#include <c10/util/intrusive_ptr.h>

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <type_traits>
#include <utility>

namespace valley {

enum class GroupKind { kGloo, kNccl };

/// The group of c10d whose only backend is this one. Until LibTorch 2.0 a backend was a group;
/// since then a group has one for each kind of device.
template <typename Group, typename Backend>
c10::intrusive_ptr<Group> group_of(c10::intrusive_ptr<Backend> backend,
                                   const c10::intrusive_ptr<c10d::Store>& store, GroupKind kind) {
  if constexpr (std::is_base_of_v<Group, Backend>) {
    return backend;
  } else {
    const bool gloo = kind == GroupKind::kGloo;
    const auto type = gloo ? Group::BackendType::GLOO : Group::BackendType::NCCL;
    auto group = c10::make_intrusive<Group>(store, backend->getRank(), backend->getSize());
    group->setBackend(gloo ? c10::DeviceType::CPU : c10::DeviceType::CUDA, type,
                      std::move(backend));
    group->setDefaultBackend(type);
    return group;
  }
}

}  // namespace valley
