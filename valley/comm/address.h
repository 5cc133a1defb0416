#pragma once

#include <string>
#include <vector>

namespace valley {

/// A host as people write it, with the port where they wrote one.
struct HostPort {
  std::string host;
  int port = 0;  ///< 0: none was given
};

/// Reads "node1", "10.0.0.1", "fd00::1", "[fd00::1]", each with ":29500" behind it (IPv6 then in
/// brackets) and with "tcp://" before it.
/// @throws UsageError for anything else; the text begins with `variable`, where it was given.
HostPort parse_host_port(const std::string& variable, const std::string& text);

/// "node1:29500", "[fd00::1]:29500".
std::string host_and_port(const std::string& host, int port);

// From here on an address is numeric: "10.0.0.1", "fd00::1", "fe80::1%eth0".

bool is_loopback(const std::string& address);
bool is_ipv6(const std::string& address);
/// Whether an interface of this machine has it.
bool is_own_address(const std::string& address);

/// One address of one interface that is up.
struct InterfaceAddress {
  std::string interface;
  std::string address;
};
std::vector<InterfaceAddress> interface_addresses();

/// The interface that has the address, or "".
std::string interface_of(const std::string& address);

/// The address to listen at of the interface `name`; of several names ("eth0,ib0") the first that
/// is there. `like` is an address of the family that is preferred, and may be empty; addresses that
/// hold on one cable only (fe80::) come last.
/// @throws UsageError, beginning with `said_by` ("--interface eth7"), if there is no such
/// interface, or it has no address; names those there are.
std::string address_of_interface(const std::string& name, const std::string& said_by,
                                 const std::string& like);

/// What came of an attempt to reach a host.
struct Route {
  std::string local, remote;  ///< addresses of both ends; empty if it was not reached
  std::string reason;         ///< then: "Name or service not known", "Connection refused"
  bool resolved = false;      ///< the host has an address

  bool reached() const { return !remote.empty(); }
};

/// Connects to host:port, at the first address that takes it, and closes again.
Route try_to_connect(const std::string& host, int port);

/// Asks the kernel which way to the host, and sends nothing. Of several addresses of the host one
/// of this machine itself goes first.
Route find_route(const std::string& host);

}  // namespace valley
