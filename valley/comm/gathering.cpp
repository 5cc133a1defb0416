#include "valley/comm/gathering.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <sstream>
#include <utility>

#include "valley/comm/gloo.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/core/numbers.h"

namespace valley {
namespace {

constexpr const char* kNumber = "number";  // of the last group that was formed
constexpr double kStartSeconds = 60;       // that all first workers have at least
constexpr double kAnyTime = 1e9;           // seconds: whoever gathers, ends it

std::string group_key(int64_t number) { return fmt::format("group/{}", number); }
std::string call_key(int64_t number) { return fmt::format("call/{}", number); }
std::string word_key(int64_t number, int id) { return fmt::format("word/{}/{}", number, id); }
std::string place(int64_t number) { return fmt::format("at/{}", number); }

int64_t last_number(Store& store) {
  const std::string text = store.get(kNumber).value_or("0");
  const auto number = parse_number<int64_t>(text);
  require(number && 0 <= *number && *number < std::numeric_limits<int64_t>::max(),
          "the launcher says '{}' where the number of a group belongs: it runs another version of "
          "valley",
          text);
  return *number;
}

}  // namespace

int GatheredGroup::rank_of(int id) const {
  const auto found = std::find_if(workers.begin(), workers.end(),
                                  [&](const Gathered& worker) { return worker.id == id; });
  return found == workers.end() ? -1 : static_cast<int>(found - workers.begin());
}

// "12 1 0" and a line for every worker: "3 what it says".
std::string GatheredGroup::encode() const {
  std::string code = fmt::format("{} {} {}\n", number, int(enough), int(finished));
  for (const Gathered& worker : workers) code += fmt::format("{} {}\n", worker.id, worker.word);
  return code;
}

GatheredGroup GatheredGroup::decode(const std::string& code) {
  GatheredGroup group;
  std::istringstream in(code);
  in >> group.number >> group.enough >> group.finished;
  Gathered worker;
  while (in >> worker.id) {
    in.get();
    std::getline(in, worker.word);
    group.workers.push_back(worker);
  }
  return group;
}

Gathering::Gathering(std::shared_ptr<Store> store, int id, std::string address)
    : store_(with_prefix(std::move(store), "gathering")), id_(id), address_(std::move(address)) {}

GatheredGroup Gathering::next(const std::string& word) {
  const bool member = number_ > 0;
  while (true) {
    // A newcomer may be late for the group after the last one it knows of: then for the next.
    const int64_t number = 1 + (member ? number_ : last_number(*store_));
    store_->set(word_key(number, id_), word);
    store_->wait(group_key(number), kAnyTime);
    const GatheredGroup group = GatheredGroup::decode(store_->get(group_key(number)).value());
    if (rank(group) >= 0) {
      number_ = number;
      return group;
    }
    if (member) {
      throw CommError(
          fmt::format("worker {} was not heard of in time: the others go on without it", id_));
    }
  }
}

bool Gathering::called() { return store_->get(call_key(number_)).has_value(); }

std::unique_ptr<Communicator> Gathering::connect(const GatheredGroup& group, JoinOptions options) {
  options.rank = rank(group);
  options.size = static_cast<int>(group.workers.size());
  if (options.address.empty()) options.address = address_;
  return make_gloo(options, with_prefix(store_, place(group.number)));
}

Gathering open_gathering(const WorkerEnvironment& environment, double timeout_seconds,
                         const std::string& token) {
  const TcpStore tcp = open_tcp_store({.address = environment.master_address,
                                       .port = environment.master_port,
                                       .timeout_seconds = timeout_seconds,
                                       .token = token});
  return {tcp.store, environment.gathered, tcp.local_address};
}

Gatherer::Gatherer(std::shared_ptr<Store> store, int min, double timeout_seconds)
    : store_(with_prefix(std::move(store), "gathering")), min_(min), timeout_(timeout_seconds) {}

void Gatherer::ended(int id, const std::string& how, bool finished) {
  if (finished && !finished_) finished_ = now_seconds();
  if (is_member(id) && !broken_) broken_ = now_seconds();
  alive_.erase(id);
  words_.erase(id);
  if (const int rank = group_.rank_of(id); rank >= 0)
    store_->set(fmt::format("{}/exit/{}", place(group_.number), rank), how);
}

// Those that are to end and do not know yet.
template <typename Condition>
std::vector<int> Gatherer::tell(const Condition& condition) {
  std::vector<int> ids;
  for (auto& [id, told] : alive_) {
    if (told || !condition(id)) continue;
    told = true;
    ids.push_back(id);
  }
  return ids;
}

std::vector<int> Gatherer::look() {
  const double now = now_seconds();
  const auto is_asked = [&](int id) { return is_member(id) || group_.number == 0; };
  int awaited = 0, newcomers = 0;
  for (const auto& [id, told] : alive_) {
    if (!words_.contains(id)) {
      if (auto word = store_->get(word_key(group_.number + 1, id))) words_[id] = *word;
    }
    const bool here = words_.contains(id);
    if (here && is_asked(id) && !broken_) broken_ = now;
    if (!here && is_asked(id)) ++awaited;
    if (here && !is_asked(id)) ++newcomers;
  }
  if (finished_) {
    const bool late = now >= *finished_ + timeout_;
    const std::vector<int> ids = tell([&](int id) { return late || !is_member(id); });
    if (!ids.empty()) return ids;
  }
  if (newcomers > 0 && !called_) {
    store_->set(call_key(group_.number), "");
    called_ = now;
  }
  if (words_.empty()) return {};
  const bool more = group_.number == 0 && static_cast<int>(alive_.size()) < expected_;
  if (more && now < *broken_ + timeout_) return {};
  if (awaited > 0) {
    const double patience = group_.number == 0 ? std::max(timeout_, kStartSeconds) : timeout_;
    const double deadline = broken_ ? *broken_ + patience : *called_ + 3 * timeout_;
    return tell([&](int id) { return now >= deadline && !words_.contains(id) && is_asked(id); });
  }
  if (static_cast<int>(words_.size()) >= min_ || finished_) {
    form();
  } else {
    if (!too_few_) too_few_ = now;
    if (now - *too_few_ >= timeout_) form();
  }
  return {};
}

void Gatherer::form() {
  GatheredGroup next;
  next.number = group_.number + 1;
  next.enough = static_cast<int>(words_.size()) >= min_;
  next.finished = finished();
  for (const Gathered& former : group_.workers) {
    const auto found = words_.find(former.id);
    if (found == words_.end()) continue;
    next.workers.push_back({found->first, found->second});
    words_.erase(found);
  }
  for (const auto& [id, word] : words_) next.workers.push_back({id, word});
  store_->set(kNumber, std::to_string(next.number));
  store_->set(group_key(next.number), next.encode());
  group_ = std::move(next);
  words_.clear();
  broken_.reset(), called_.reset(), too_few_.reset();
}

}  // namespace valley
