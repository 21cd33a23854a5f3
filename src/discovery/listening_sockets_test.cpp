// SPDX-License-Identifier: Apache-2.0
#include "discovery/listening_sockets.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "discovery/proc_text.h"

namespace inferscope::discovery {
namespace {

constexpr std::string_view kAnyV6 = "00000000000000000000000000000000";

TEST(ParseListening, ReadsAddressesOfBothFamilies) {
    const std::string header = "  sl  local_address\n";
    const auto line = [](std::string_view address, std::string_view state) {
        return fmt::format("   0: {}:1F90 00000000:0000 {} 0:0 00:0 0 1000 0 77 1 0\n", address,
                           state);
    };
    const auto sockets =
        parse_listening(header + line("00000000", "0A") + line("0100007F", "0A") +
                        line(kAnyV6, "0A") + line("0000000000000000FFFF00000500000A", "0A") +
                        line("B80D0120000000000000000001000000", "0A") + line("0300000A", "01") +
                        line("0400000A", "0A"));
    ASSERT_EQ(sockets.size(), 5u);  // up to the first that doesn't listen
    EXPECT_EQ(sockets[0], (ListeningSocket{"127.0.0.1", 8080, 77, 1000}));
    EXPECT_EQ(sockets[1].address, "127.0.0.1");
    EXPECT_EQ(sockets[2].address, "127.0.0.1");
    EXPECT_EQ(sockets[3].address, "10.0.0.5");
    EXPECT_EQ(sockets[4].address, "2001:db8::1");
}

TEST(ParseListening, LeavesOutALineCutOffAndRubbish) {
    EXPECT_TRUE(
        parse_listening("header\n   0: 00000000:1F90 00000000:0000 0A 0:0 0:0 0 0 0 77").empty());
    EXPECT_TRUE(parse_listening("header\nx y z 0A a b c d e f\n").empty());
    EXPECT_TRUE(parse_listening("").empty());
}

TEST(ListeningSockets, NetlinkTellsWhatProcTells) {
    const auto by_netlink = listening_sockets_by_netlink();
    if (!by_netlink) GTEST_SKIP() << "netlink is not allowed here";
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(bind(server, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(listen(server, 1), 0);
    ASSERT_EQ(getsockname(server, reinterpret_cast<sockaddr*>(&address), &size), 0);
    const auto find = [&](const std::vector<ListeningSocket>& sockets) {
        const auto found =
            std::ranges::find(sockets, ntohs(address.sin_port), &ListeningSocket::port);
        return found == sockets.end() ? ListeningSocket() : *found;
    };
    const auto now = listening_sockets("/proc");
    const auto in_proc = parse_listening(read_proc_file("/proc/net/tcp", 1u << 20));
    EXPECT_EQ(find(now), find(in_proc));
    EXPECT_EQ(find(now).address, "127.0.0.1");
    EXPECT_EQ(find(now).uid, getuid());
    EXPECT_NE(find(now).inode, 0u);
    close(server);
}

}  // namespace
}  // namespace inferscope::discovery
