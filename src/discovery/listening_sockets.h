// SPDX-License-Identifier: Apache-2.0
// TCP sockets of this machine that listen, and the inodes by which their processes are found.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace inferscope::discovery {

struct ListeningSocket {
    std::string address;  ///< "127.0.0.1" for a wildcard; IPv6 without brackets; v4-mapped as IPv4
    std::uint16_t port = 0;
    std::uint64_t inode = 0;
    std::uint32_t uid = 0;
    auto operator<=>(const ListeningSocket&) const = default;
};

/// Of our network namespace, sorted. Asks the kernel over netlink where `proc` is the real /proc,
/// and reads /proc/net/tcp and tcp6 where that isn't allowed: they cost milliseconds, since the
/// kernel walks its table of all connections for them.
std::vector<ListeningSocket> listening_sockets(const std::string& proc);

/// By netlink (NETLINK_SOCK_DIAG). Nothing if it isn't allowed here.
std::optional<std::vector<ListeningSocket>> listening_sockets_by_netlink();

/// Reads the text of /proc/net/tcp or tcp6 up to the first socket that doesn't listen: the kernel
/// lists the listening ones first. A line cut off at the end is left out.
std::vector<ListeningSocket> parse_listening(std::string_view text);

}  // namespace inferscope::discovery
