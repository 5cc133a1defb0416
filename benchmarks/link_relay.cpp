/// A cable with a delay, for kernels without netem: two TUN devices, one in each of two network
/// namespaces, between which this process carries every packet, so many milliseconds late.
///
///     link_relay NAMESPACE_A NAMESPACE_B DEVICE MILLISECONDS
///
/// It says "ready" once both devices are there; addresses, and how fast the link is (tc tbf), are
/// up to whoever started it. It ends with its standard input.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kLargestPacket = 65536;

struct Packet {
  Clock::time_point due;
  std::vector<char> bytes;
};

[[noreturn]] void fail(const std::string& what) {
  std::perror(("link_relay: " + what).c_str());
  std::exit(3);
}

// A TUN device of that name in the namespace, which this thread enters for it.
int device_in(const std::string& space, const std::string& name) {
  const std::string path = "/run/netns/" + space;
  const int handle = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0 || setns(handle, CLONE_NEWNET) != 0) fail(path);
  close(handle);
  const int device = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (device < 0) fail("/dev/net/tun");
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  if (ioctl(device, TUNSETIFF, &request) != 0) fail(name + " in " + space);
  return device;
}

// Takes what is there; it is due after the delay.
void take(int device, Clock::duration delay, std::deque<Packet>& queue) {
  std::array<char, kLargestPacket> buffer;
  for (;;) {
    const ssize_t n = read(device, buffer.data(), buffer.size());
    if (n <= 0) return;
    queue.push_back({Clock::now() + delay, {buffer.data(), buffer.data() + n}});
  }
}

void deliver(int device, std::deque<Packet>& queue) {
  while (!queue.empty() && queue.front().due <= Clock::now()) {
    const std::vector<char>& bytes = queue.front().bytes;
    // What the device does not take is lost, as on any link.
    if (write(device, bytes.data(), bytes.size()) < 0 && errno == EINTR) continue;
    queue.pop_front();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "link_relay NAMESPACE_A NAMESPACE_B DEVICE MILLISECONDS\n");
    return 2;
  }
  const std::array<int, 2> devices = {device_in(argv[1], argv[3]), device_in(argv[2], argv[3])};
  const auto delay = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double, std::milli>(std::atof(argv[4])));
  std::array<std::deque<Packet>, 2> to;  // on their way to that device
  std::printf("ready\n");
  std::fflush(stdout);
  for (;;) {
    std::array<pollfd, 3> files = {pollfd{devices[0], POLLIN, 0}, pollfd{devices[1], POLLIN, 0},
                                   pollfd{STDIN_FILENO, POLLIN, 0}};
    timespec wait{}, *limit = nullptr;
    for (const auto& queue : to) {
      if (queue.empty()) continue;
      const auto left = std::max(Clock::duration::zero(), queue.front().due - Clock::now());
      const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
      if (limit != nullptr && ns >= wait.tv_sec * 1'000'000'000 + wait.tv_nsec) continue;
      wait = {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
      limit = &wait;
    }
    ppoll(files.data(), files.size(), limit, nullptr);
    if (files[2].revents != 0) return 0;
    take(devices[0], delay, to[1]);
    take(devices[1], delay, to[0]);
    deliver(devices[0], to[0]);
    deliver(devices[1], to[1]);
  }
}
