#include "valley/comm/sites.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <sstream>
#include <utility>

#include "valley/comm/meeting.h"
#include "valley/core/clock.h"

namespace valley {
namespace {

constexpr double kLookSeconds = 0.1;  // between two looks into the store

std::string was_key(int number, int64_t incarnation) {
  return fmt::format("sites/{}/was/{}", number, incarnation);
}
std::string place_of_site(int number, int64_t incarnation) {
  return fmt::format("sites/{}/{}", number, incarnation);
}
std::string said_key(int64_t index) { return fmt::format("said/{}", index); }
std::string told_key(int64_t index) { return fmt::format("told/{}", index); }
constexpr const char* kBeat = "beat";

// The first number from 1 on under which nobody else has come.
int64_t claim(Store& store, const std::function<std::string(int64_t)>& key) {
  const std::string me = fresh_token();
  int64_t number = 1;
  while (store.set_if_absent(key(number), me) != me) ++number;
  return number;
}

}  // namespace

int claim_worker(Store& store) {
  return static_cast<int>(
      claim(store, [](int64_t n) { return fmt::format("sites/worker/{}", n); }) - 1);
}

Site::Site(std::shared_ptr<Store> store, int number) {
  const int64_t incarnation = claim(*store, [&](int64_t n) { return was_key(number, n); });
  store_ = with_prefix(std::move(store), place_of_site(number, incarnation));
}

void Site::say(const std::string& word) { store_->set(said_key(said_++), word); }

void Site::started(int id) { say(fmt::format("started {}", id)); }

void Site::ended(int id, const std::string& how, bool finished) {
  say(fmt::format("ended {} {} {}", id, int(finished), how));
}

std::vector<int> Site::look() {
  const double now = now_seconds();
  if (now < last_look_ + kLookSeconds) return {};
  last_look_ = now;
  store_->set(kBeat, std::to_string(++beats_));
  std::vector<int> ids;
  while (const auto word = store_->get(told_key(heard_))) {
    ++heard_;
    std::istringstream in(*word);
    std::string verb;
    int id = -1;
    in >> verb >> id;
    if (verb == "kill") ids.push_back(id);
    lost_ = lost_ || verb == "lost";
    over_ = over_ || verb == "over";
  }
  return ids;
}

Sites::Sites(std::shared_ptr<Store> store, int count, double timeout_seconds)
    : store_(std::move(store)), timeout_(timeout_seconds), seen_(static_cast<size_t>(count)) {}

void Sites::tell(int number, const std::string& word) {
  Seen& site = seen_[static_cast<size_t>(number)];
  with_prefix(store_, place_of_site(number, site.incarnation))->set(told_key(site.told++), word);
}

void Sites::kill(int id) { tell(workers_.at(id), fmt::format("kill {}", id)); }

void Sites::over() {
  if (std::exchange(over_, true)) return;
  for (size_t number = 1; number < seen_.size(); ++number)
    if (seen_[number].incarnation > 0) tell(static_cast<int>(number), "over");
}

void Sites::lose(int number, Gatherer& gatherer) {
  tell(number, "lost");
  seen_[static_cast<size_t>(number)].lost = true;
  std::erase_if(workers_, [&](const auto& worker) {
    if (worker.second != number) return false;
    gatherer.ended(worker.first, "its machine was not heard of");
    return true;
  });
}

void Sites::hear(int number, Gatherer& gatherer) {
  Seen& site = seen_[static_cast<size_t>(number)];
  const auto place = with_prefix(store_, place_of_site(number, site.incarnation));
  while (const auto word = place->get(said_key(site.heard))) {
    ++site.heard;
    std::istringstream in(*word);
    std::string verb, how;
    int id = -1, finished = 0;
    in >> verb >> id;
    if (verb == "started") {
      workers_[id] = number;
      gatherer.started(id);
      if (over_) tell(number, fmt::format("kill {}", id));
    } else if (verb == "ended" && workers_.erase(id) > 0) {
      in >> finished;
      in.get();
      std::getline(in, how);
      gatherer.ended(id, how, finished != 0);
    }
  }
  const std::string beat = place->get(kBeat).value_or("");
  if (beat != site.beat) site.beat = beat, site.last_beat = now_seconds();
}

std::vector<std::string> Sites::look(Gatherer& gatherer) {
  const double now = now_seconds();
  if (now < last_look_ + kLookSeconds) return {};
  last_look_ = now;
  std::vector<std::string> lines;
  for (size_t n = 1; n < seen_.size(); ++n) {
    Seen& site = seen_[n];
    const int number = static_cast<int>(n);
    if (store_->get(was_key(number, site.incarnation + 1))) {
      if (site.incarnation > 0 && !site.lost) lose(number, gatherer);
      site = {.incarnation = site.incarnation + 1, .last_beat = now};
      if (over_) tell(number, "over");
    }
    if (site.incarnation == 0 || site.lost) continue;
    hear(number, gatherer);
    const bool runs = std::any_of(workers_.begin(), workers_.end(),
                                  [&](const auto& worker) { return worker.second == number; });
    if (!runs || now < site.last_beat + timeout_) continue;
    lose(number, gatherer);
    lines.push_back(fmt::format("machine {} was silent for {:.0f} s: its workers are done without",
                                number, timeout_));
  }
  return lines;
}

}  // namespace valley
