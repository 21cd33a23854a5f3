// SPDX-License-Identifier: Apache-2.0
#include "discovery/listening_sockets.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <span>
#include <utility>

#include "discovery/proc_text.h"

namespace inferscope::discovery {
namespace {

constexpr std::size_t kMaxSocketListBytes = 1u << 20;  // some 6,000 listening sockets

/// The address in `bytes`, 4 or 16 of them, in network order.
std::string address_text(std::span<const unsigned char> bytes) {
    static constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0,    0,
                                                           0, 0, 0, 0, 0xff, 0xff};
    const bool is_mapped =
        bytes.size() == 16 && std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
    if (is_mapped) bytes = bytes.subspan(kMapped.size());
    if (std::ranges::all_of(bytes, [](auto byte) { return byte == 0; })) return "127.0.0.1";
    char text[INET6_ADDRSTRLEN] = {};
    inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
    return text;
}

/// The kernel prints the address as 32-bit words in the machine's order: their bytes are in network
/// order.
std::string read_address(std::string_view hex) {
    std::array<unsigned char, 16> bytes{};
    const std::size_t words = hex.size() / 8;
    for (std::size_t i = 0; i < words; ++i) {
        const auto word = proc_number<std::uint32_t>(hex.substr(8 * i, 8), 16);
        if (!word) return {};
        std::memcpy(bytes.data() + 4 * i, &*word, 4);
    }
    return address_text(std::span(bytes).first(4 * words));
}

/// Columns: sl, local address, remote address, state, queues, timer, retransmits, uid, time-out,
/// inode, ... Source: Linux, Documentation/networking/proc_net_tcp.rst.
std::optional<ListeningSocket> read_socket(std::string_view line) {
    static constexpr std::string_view kListen = "0A";
    const auto words = proc_words(line);
    if (words.size() < 10 || words[3] != kListen) return std::nullopt;
    const auto colon = words[1].find(':');
    if (colon != 8 && colon != 32) return std::nullopt;
    const auto port = proc_number<std::uint16_t>(words[1].substr(colon + 1), 16);
    const auto uid = proc_number<std::uint32_t>(words[7]);
    const auto inode = proc_number<std::uint64_t>(words[9]);
    const auto address = read_address(words[1].substr(0, colon));
    if (!port || !uid || !inode || address.empty()) return std::nullopt;
    return ListeningSocket{address, *port, *inode, *uid};
}

/// A netlink socket that asks for one family's listening sockets.
class Dump {
public:
    Dump() : descriptor_(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) {}
    ~Dump() {
        if (descriptor_ >= 0) close(descriptor_);
    }
    Dump(const Dump&) = delete;
    Dump& operator=(const Dump&) = delete;

    /// Source: Linux, sock_diag(7).
    bool append(std::uint8_t family, std::vector<ListeningSocket>& out) const {
        struct {
            nlmsghdr header;
            inet_diag_req_v2 request;
        } message{};
        message.header.nlmsg_len = sizeof message;
        message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
        message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        message.request.sdiag_family = family;
        message.request.sdiag_protocol = IPPROTO_TCP;
        message.request.idiag_states = 1u << kStateListen;
        if (descriptor_ < 0 || send(descriptor_, &message, sizeof message, 0) < 0) return false;
        alignas(nlmsghdr) std::array<char, 32 * 1024> buffer;
        while (true) {
            const auto length = recv(descriptor_, buffer.data(), buffer.size(), 0);
            if (length <= 0) return false;
            const auto part = read_part({buffer.data(), static_cast<std::size_t>(length)}, out);
            if (part != Part::more) return part == Part::end;
        }
    }

private:
    static constexpr int kStateListen = 10;  // TCP_LISTEN of the kernel's net/tcp_states.h
    enum class Part { more, end, error };

    static Part read_part(std::span<const char> part, std::vector<ListeningSocket>& out) {
        while (part.size() >= sizeof(nlmsghdr)) {
            nlmsghdr header;
            std::memcpy(&header, part.data(), sizeof header);
            if (header.nlmsg_len < sizeof header || header.nlmsg_len > part.size())
                return Part::error;
            if (header.nlmsg_type == NLMSG_DONE) return Part::end;
            if (header.nlmsg_type == NLMSG_ERROR) return Part::error;
            if (header.nlmsg_len >= NLMSG_HDRLEN + sizeof(inet_diag_msg)) {
                inet_diag_msg socket;
                std::memcpy(&socket, part.data() + NLMSG_HDRLEN, sizeof socket);
                out.push_back(read_socket(socket));
            }
            part = part.subspan(std::min<std::size_t>(part.size(), NLMSG_ALIGN(header.nlmsg_len)));
        }
        return Part::more;
    }

    static ListeningSocket read_socket(const inet_diag_msg& socket) {
        std::array<unsigned char, 16> address{};
        std::memcpy(address.data(), socket.id.idiag_src, address.size());
        const std::size_t size = socket.idiag_family == AF_INET ? 4 : 16;
        return {address_text(std::span(address).first(size)), ntohs(socket.id.idiag_sport),
                socket.idiag_inode, socket.idiag_uid};
    }

    int descriptor_;
};

}  // namespace

std::vector<ListeningSocket> parse_listening(std::string_view text) {
    std::vector<ListeningSocket> sockets;
    bool is_header = true;
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        const auto line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (is_header) {
            is_header = false;
            continue;
        }
        auto socket = read_socket(line);
        if (!socket) break;
        sockets.push_back(std::move(*socket));
    }
    return sockets;
}

std::optional<std::vector<ListeningSocket>> listening_sockets_by_netlink() {
    const Dump dump;
    std::vector<ListeningSocket> sockets;
    for (const auto family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
        if (!dump.append(family, sockets)) return std::nullopt;
    }
    std::ranges::sort(sockets);
    return sockets;
}

std::vector<ListeningSocket> listening_sockets(const std::string& proc) {
    if (proc == "/proc") {
        if (auto sockets = listening_sockets_by_netlink()) return std::move(*sockets);
    }
    std::vector<ListeningSocket> sockets;
    for (const auto* const name : {"/net/tcp", "/net/tcp6"}) {
        // A machine may have a million connections; the listening sockets come first.
        const auto text =
            read_proc_file(proc + name, kMaxSocketListBytes, [](std::string_view so_far) {
                const auto lines = static_cast<std::size_t>(std::ranges::count(so_far, '\n'));
                return parse_listening(so_far).size() + 1 < lines;
            });
        std::ranges::move(parse_listening(text), std::back_inserter(sockets));
    }
    std::ranges::sort(sockets);
    return sockets;
}

}  // namespace inferscope::discovery
