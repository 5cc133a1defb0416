#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "valley/comm/store.h"
#include "valley/core/error.h"

namespace valley::fuzz {

/// A store in which others have left what they like. Nobody comes any more: a wait is over at once,
/// and after a while the store is gone.
class HeardStore : public Store {
 public:
  explicit HeardStore(std::map<std::string, std::string> texts) : texts_(std::move(texts)) {}

  void set(const std::string& key, const std::string& value) override { texts_[key] = value; }

  std::optional<std::string> get(const std::string& key) override {
    const auto found = texts_.find(key);
    return found == texts_.end() ? std::nullopt : std::optional(found->second);
  }

  std::string set_if_absent(const std::string& key, const std::string& value) override {
    return texts_.emplace(key, value).first->second;
  }

  bool wait(const std::string& key, double seconds) override {
    const bool there = texts_.count(key) > 0;
    if (++waits_ > 20 || (!there && seconds > 1e6)) throw CommError("the store is gone");
    return there;
  }

 private:
  std::map<std::string, std::string> texts_;
  int waits_ = 0;
};

}  // namespace valley::fuzz
