#include "valley/comm/gloo_mesh.h"

#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/store.h>
#include <gloo/transport/tcp/device.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "valley/core/error.h"

namespace valley {
namespace {

using std::chrono::milliseconds;

milliseconds to_milliseconds(double seconds) {
  return milliseconds(std::max<int64_t>(1, static_cast<int64_t>(seconds * 1000)));
}

class StoreForGloo : public gloo::rendezvous::Store {
 public:
  StoreForGloo(valley::Store& store, double timeout_seconds)
      : store_(store), timeout_seconds_(timeout_seconds) {}

  void set(const std::string& key, const std::vector<char>& value) override {
    store_.set(key, {value.begin(), value.end()});
  }

  std::vector<char> get(const std::string& key) override {
    wait({key});
    const std::string value = store_.get(key).value();
    return {value.begin(), value.end()};
  }

  void wait(const std::vector<std::string>& keys) override {
    wait(keys, to_milliseconds(timeout_seconds_));
  }

  void wait(const std::vector<std::string>& keys, const milliseconds& timeout) override {
    for (const std::string& key : keys) {
      if (store_.wait(key, static_cast<double>(timeout.count()) / 1000)) continue;
      throw CommError(
          fmt::format("a worker joined and vanished: no address under {} in the store", key));
    }
  }

 private:
  valley::Store& store_;
  double timeout_seconds_;
};

void ignore_sigpipe() {
  struct sigaction now {};
  if (sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
    signal(SIGPIPE, SIG_IGN);
  }
}

}  // namespace

GlooMesh::GlooMesh(const JoinOptions& options, Store& store)
    : timeout_(to_milliseconds(options.timeout_seconds)) {
  ignore_sigpipe();
  gloo::transport::tcp::attr attr;
  attr.hostname = options.address;  // Gloo crashes over names that do not resolve
  auto device = gloo::transport::tcp::CreateDevice(attr);

  auto context = std::make_shared<gloo::rendezvous::Context>(options.rank, options.size);
  // A pair waits five times the context's timeout for its connection.
  context->setTimeout(to_milliseconds(options.timeout_seconds / 5));
  StoreForGloo adapter(store, options.timeout_seconds);
  context->connectFullMesh(adapter, device);
  context->setTimeout(timeout_);
  context_ = std::move(context);
}

void GlooMesh::close() noexcept {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (gloo::transport::UnboundBuffer* buffer : buffers_) {
      buffer->abortWaitRecv();
      buffer->abortWaitSend();
    }
  }
  try {
    context_->closeConnections();
  } catch (...) {  // closed is closed
  }
}

GlooMesh::Buffer::Buffer(GlooMesh& mesh, const void* data, int64_t bytes)
    : mesh_(mesh),
      buffer_(
          mesh.context_->createUnboundBuffer(const_cast<void*>(data), static_cast<size_t>(bytes))) {
  std::lock_guard lock(mesh_.mutex_);
  mesh_.buffers_.push_back(buffer_.get());
}

GlooMesh::Buffer::~Buffer() {
  std::lock_guard lock(mesh_.mutex_);
  std::erase(mesh_.buffers_, buffer_.get());
}

template <typename F>
void GlooMesh::Buffer::named(int peer, const F& f) {
  try {
    {
      std::lock_guard lock(mesh_.mutex_);
      if (mesh_.closed_) throw PeerError(peer, false, "connection closed");
    }
    if (!f()) throw PeerError(peer, false, "connection closed");
  } catch (const PeerError&) {
    throw;
  } catch (const std::exception& error) {
    const bool timed_out = std::strstr(error.what(), "imed out") != nullptr;
    throw PeerError(peer, timed_out, timed_out ? "timed out" : "connection closed");
  }
}

void GlooMesh::Buffer::send(int peer, uint64_t slot, int64_t offset, int64_t bytes) {
  named(peer, [&] {
    buffer_->send(peer, slot, static_cast<size_t>(offset), static_cast<size_t>(bytes));
    return true;
  });
}

void GlooMesh::Buffer::receive(int peer, uint64_t slot, int64_t offset, int64_t bytes) {
  named(peer, [&] {
    buffer_->recv(peer, slot, static_cast<size_t>(offset), static_cast<size_t>(bytes));
    return true;
  });
}

void GlooMesh::Buffer::wait_sent(int peer) {
  named(peer, [&] { return buffer_->waitSend(nullptr, mesh_.timeout_); });
}

void GlooMesh::Buffer::wait_received(int peer) {
  named(peer, [&] { return buffer_->waitRecv(nullptr, mesh_.timeout_); });
}

}  // namespace valley
