#pragma once

#include <c10/util/intrusive_ptr.h>

#include <chrono>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "valley/comm/store.h"

namespace valley {

/// A timeout as c10d takes one: whole milliseconds, one at least.
std::chrono::milliseconds c10d_timeout(double seconds);

/// A store of c10d as this room sees one; `where` is what errors call it.
std::shared_ptr<Store> share_store(c10::intrusive_ptr<c10d::Store> store, const std::string& where);

/// What is under such a store, or under the part of one: the same keys. @throws std::logic_error
c10::intrusive_ptr<c10d::Store> c10d_store(const Store& store);

}  // namespace valley
