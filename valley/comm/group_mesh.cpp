#include "valley/comm/group_mesh.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>

#include "valley/comm/tcp_mesh.h"

namespace valley {

at::Tensor bytes_at(const void* data, int64_t bytes) {
  return at::from_blob(const_cast<void*>(data), {bytes}, at::kByte);
}

void about_peer(int peer, const std::function<void()>& f) {
  try {
    f();
  } catch (const GivenUp&) {
    throw;
  } catch (const std::exception& error) {
    throw PeerError(peer, std::strstr(error.what(), "imed out") != nullptr);
  }
}

void GroupMesh::Buffer::send(int peer, uint64_t slot, int64_t offset, int64_t bytes) {
  std::vector<at::Tensor> tensors = {bytes_at(data_ + offset, bytes)};
  about_peer(peer,
             [&] { sent_.emplace_back(peer, mesh_.group_.send(tensors, peer, mesh_.tag(slot))); });
}

void GroupMesh::Buffer::receive(int peer, uint64_t slot, int64_t offset, int64_t bytes) {
  std::vector<at::Tensor> tensors = {bytes_at(data_ + offset, bytes)};
  about_peer(peer, [&] {
    received_.emplace_back(peer, mesh_.group_.recv(tensors, peer, mesh_.tag(slot)));
  });
}

void GroupMesh::Buffer::wait(Works& works, int peer) {
  const auto first = std::find_if(works.begin(), works.end(),
                                  [&](const auto& work) { return work.first == peer; });
  const auto work = first->second;
  works.erase(first);
  about_peer(peer, [&] { mesh_.lookout_.wait_message(work); });
}

std::vector<int> GroupMesh::closed_peers(uint64_t slot) {
  std::vector<int> closed;
  for (int peer = 0; peer < size(); ++peer) {
    if (peer == rank()) continue;
    std::vector<at::Tensor> tensors = {at::empty({1}, at::kByte)};
    try {
      group_.send(tensors, peer, tag(slot));
    } catch (const std::exception&) {
      closed.push_back(peer);
    }
  }
  return closed;
}

}  // namespace valley
