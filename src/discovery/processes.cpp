// SPDX-License-Identifier: Apache-2.0
#include "discovery/processes.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace inferscope::discovery {
namespace {

constexpr std::size_t kMaxSocketListBytes = 1u << 20;     // some 6,000 listening sockets
constexpr std::size_t kMaxCommandLineBytes = 128u << 10;  // the kernel's bound on one argument
constexpr std::size_t kMaxDescriptors = 65'536;
constexpr int kMaxAncestors = 64;  // a number used again while the table is read may close a circle

template <class T>
std::optional<T> read_number(std::string_view text, int base = 10) {
    T number{};
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// The kernel prints the address as 32-bit words in the machine's order: their bytes are in network
/// order.
std::string read_address(std::string_view hex) {
    std::array<unsigned char, 16> bytes{};
    const std::size_t words = hex.size() / 8;
    for (std::size_t i = 0; i < words; ++i) {
        const auto word = read_number<std::uint32_t>(hex.substr(8 * i, 8), 16);
        if (!word) return {};
        std::memcpy(bytes.data() + 4 * i, &*word, 4);
    }
    const bool is_wildcard = std::ranges::all_of(bytes, [](auto byte) { return byte == 0; });
    if (is_wildcard) return "127.0.0.1";
    static constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0,    0,
                                                           0, 0, 0, 0, 0xff, 0xff};
    const bool is_mapped = words == 4 && std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
    char text[INET6_ADDRSTRLEN] = {};
    const bool is_v4 = words == 1 || is_mapped;
    inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes.data() + (is_mapped ? 12 : 0), text, sizeof text);
    return std::string(text) == "0.0.0.0" ? "127.0.0.1" : text;
}

std::vector<std::string_view> split_words(std::string_view line) {
    std::vector<std::string_view> words;
    while (true) {
        const auto start = line.find_first_not_of(' ');
        if (start == std::string_view::npos) return words;
        line.remove_prefix(start);
        const auto end = std::min(line.find(' '), line.size());
        words.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

/// Columns: sl, local address, remote address, state, queues, timer, retransmits, uid, time-out,
/// inode, ... Source: Linux, Documentation/networking/proc_net_tcp.rst.
std::optional<ListeningSocket> read_socket(std::string_view line) {
    static constexpr std::string_view kListen = "0A";
    const auto words = split_words(line);
    if (words.size() < 10 || words[3] != kListen) return std::nullopt;
    const auto colon = words[1].find(':');
    if (colon != 8 && colon != 32) return std::nullopt;
    const auto port = read_number<std::uint16_t>(words[1].substr(colon + 1), 16);
    const auto uid = read_number<std::uint32_t>(words[7]);
    const auto inode = read_number<std::uint64_t>(words[9]);
    const auto address = read_address(words[1].substr(0, colon));
    if (!port || !uid || !inode || address.empty()) return std::nullopt;
    return ListeningSocket{address, *port, *inode, *uid};
}

class File {
public:
    explicit File(const std::string& path)
        : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~File() {
        if (descriptor_ >= 0) close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    /// Appends at most `limit` bytes; false at the end of the file.
    bool read_some(std::string& out, std::size_t limit) const {
        if (descriptor_ < 0) return false;
        const std::size_t before = out.size();
        out.resize(before + limit);
        const auto count = read(descriptor_, out.data() + before, limit);
        out.resize(before + static_cast<std::size_t>(std::max<ssize_t>(0, count)));
        return count > 0;
    }

private:
    int descriptor_;
};

std::string read_file(const std::string& path, std::size_t limit) {
    const File file(path);
    std::string text;
    while (text.size() < limit &&
           file.read_some(text, std::min<std::size_t>(4096, limit - text.size()))) {
    }
    return text;
}

/// The names in a directory; nothing if it can't be opened.
std::optional<std::vector<std::string>> list(const std::string& path, std::size_t limit) {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), &closedir);
    if (!directory) return std::nullopt;
    std::vector<std::string> names;
    while (names.size() < limit) {
        const auto* const entry =
            readdir(directory.get());  // NOLINT(concurrency-mt-unsafe): own stream
        if (entry == nullptr) break;
        names.emplace_back(entry->d_name);
    }
    return names;
}

/// A process that serves an engine's HTTP, or forwards to one.
struct Candidate {
    int pid = 0;
    EngineCommand command;
    std::vector<ListeningSocket> sockets;
};

/// All processes at one moment.
struct ProcessTable {
    std::map<int, int> parents;
    std::vector<Candidate> candidates;

    [[nodiscard]] const Candidate* find(int pid) const {
        const auto found = std::ranges::find(candidates, pid, &Candidate::pid);
        return found == candidates.end() ? nullptr : &*found;
    }
    [[nodiscard]] int parent(int pid) const {
        const auto found = parents.find(pid);
        return found == parents.end() ? 0 : found->second;
    }
    /// The topmost process above `pid` that serves the same kind of engine: launchers and forks are
    /// one engine.
    [[nodiscard]] int root(const Candidate& candidate) const {
        int root = candidate.pid;
        int pid = parent(root);
        for (int steps = 0; pid > 1 && steps < kMaxAncestors; ++steps, pid = parent(pid)) {
            const auto* const above = find(pid);
            if (above == nullptr || above->command.kind != candidate.command.kind) break;
            root = pid;
        }
        return root;
    }
    [[nodiscard]] bool is_below(int pid, int root) const {
        for (int steps = 0; pid > 1 && steps < kMaxAncestors; ++steps) {
            pid = parent(pid);
            if (pid == root) return true;
        }
        return false;
    }
};

/// Field 4 of /proc/PID/stat; the name in field 2 may hold spaces and brackets.
int parent_from_stat(std::string_view stat) {
    const auto close = stat.rfind(')');
    if (close == std::string_view::npos) return 0;
    const auto words = split_words(stat.substr(close + 1));
    return words.size() < 2 ? 0 : read_number<int>(words[1]).value_or(0);
}

/// The sockets of the process among `sockets`; nothing if it won't let us see.
std::optional<std::vector<ListeningSocket>> sockets_of(
    const std::string& process, const std::vector<ListeningSocket>& sockets) {
    const auto names = list(process + "/fd", kMaxDescriptors);
    if (!names) return std::nullopt;
    std::set<std::uint64_t> inodes;
    for (const auto& name : *names) {
        char link[64] = {};
        const auto length =
            readlink(fmt::format("{}/fd/{}", process, name).c_str(), link, sizeof link - 1);
        std::string_view text(link, static_cast<std::size_t>(std::max<ssize_t>(0, length)));
        if (!text.starts_with("socket:[") || !text.ends_with(']')) continue;
        text.remove_prefix(std::string_view("socket:[").size());
        text.remove_suffix(1);
        if (const auto inode = read_number<std::uint64_t>(text)) inodes.insert(*inode);
    }
    std::vector<ListeningSocket> own;
    std::ranges::copy_if(sockets, std::back_inserter(own),
                         [&](const auto& socket) { return inodes.contains(socket.inode); });
    return own;
}

/// Of another user's engine: the socket on the port that its flags name, if it is that user's.
std::vector<ListeningSocket> sockets_by_port(const std::string& process,
                                             const EngineCommand& command,
                                             const std::vector<ListeningSocket>& sockets) {
    struct stat status{};
    std::vector<ListeningSocket> own;
    if (stat(process.c_str(), &status) != 0) return own;
    std::ranges::copy_if(sockets, std::back_inserter(own), [&](const auto& socket) {
        return socket.port == command.port && socket.uid == status.st_uid;
    });
    return own;
}

/// The API's among the sockets of an engine: on the port that its flags name, else the lowest.
const ListeningSocket* api_socket(const Candidate& candidate) {
    const auto named =
        std::ranges::find(candidate.sockets, candidate.command.port, &ListeningSocket::port);
    if (named != candidate.sockets.end()) return &*named;
    const auto lowest = std::ranges::min_element(candidate.sockets, {}, &ListeningSocket::port);
    return lowest == candidate.sockets.end() ? nullptr : &*lowest;
}

FoundEngine found(const Candidate& candidate, const ListeningSocket& socket) {
    FoundEngine engine;
    engine.pid = candidate.pid;
    engine.kind = candidate.command.kind;
    engine.address = socket.address;
    engine.port = socket.port;
    engine.metrics_port =
        candidate.command.metrics_port != 0 ? candidate.command.metrics_port : socket.port;
    engine.metrics_off = candidate.command.metrics_off;
    engine.tls = candidate.command.tls;
    return engine;
}

std::vector<int> descendants(const ProcessTable& table, int root) {
    std::vector<int> pids;
    for (const auto& [pid, parent] : table.parents) {
        if (table.is_below(pid, root)) pids.push_back(pid);
    }
    return pids;
}

/// One engine for each tree of processes of one kind.
std::vector<FoundEngine> engines_of(const ProcessTable& table) {
    std::map<int, FoundEngine> by_root;
    for (const auto& candidate : table.candidates) {
        if (candidate.command.role != EngineCommand::Role::server) continue;
        const auto* const socket = api_socket(candidate);
        if (socket == nullptr) continue;
        const int root = table.root(candidate);
        if (!by_root.try_emplace(root, found(candidate, *socket)).second) continue;
        by_root.at(root).worker_pids = descendants(table, root);
    }
    std::vector<FoundEngine> engines;
    for (auto& [root, engine] : by_root) engines.push_back(std::move(engine));
    return engines;
}

/// Engines in containers have their sockets elsewhere; Docker's proxy has one here for each
/// published port.
std::vector<FoundEngine> engines_behind_proxies(const ProcessTable& table) {
    std::vector<FoundEngine> engines;
    for (const auto& proxy : table.candidates) {
        if (proxy.command.role != EngineCommand::Role::proxy || proxy.sockets.empty()) continue;
        std::vector<const Candidate*> behind;
        for (const auto& candidate : table.candidates) {
            if (candidate.command.role == EngineCommand::Role::server &&
                candidate.sockets.empty() &&
                candidate.command.port == proxy.command.container_port &&
                table.root(candidate) == candidate.pid) {
                behind.push_back(&candidate);
            }
        }
        if (behind.empty()) continue;
        auto engine = found(*behind.front(), proxy.sockets.front());
        if (engine.metrics_port != engine.port)
            continue;             // which port that one is published as isn't known
        if (behind.size() > 1) {  // which of them it is can't be told from here
            engine.pid = 0;
            engine.metrics_off =
                std::ranges::all_of(behind, [](auto* one) { return one->command.metrics_off; });
            const bool same_kind = std::ranges::all_of(
                behind, [&](auto* one) { return one->command.kind == engine.kind; });
            if (!same_kind) engine.kind.clear();
        } else {
            engine.worker_pids = descendants(table, engine.pid);
        }
        engines.push_back(std::move(engine));
    }
    return engines;
}

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

std::vector<ListeningSocket> EngineProcesses::read_listening() const {
    std::vector<ListeningSocket> sockets;
    for (const auto* const name : {"/net/tcp", "/net/tcp6"}) {
        const File file(proc_ + name);
        std::string text;
        std::vector<ListeningSocket> listening;
        // A machine may have a million connections; the listening sockets come first.
        while (text.size() < kMaxSocketListBytes && file.read_some(text, 16u << 10)) {
            listening = parse_listening(text);
            const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
            if (listening.size() + 1 < lines) break;
        }
        std::ranges::move(listening, std::back_inserter(sockets));
    }
    std::ranges::sort(sockets);
    return sockets;
}

bool EngineProcesses::look() {
    auto sockets = read_listening();
    if (looked_ && sockets == sockets_) return false;
    looked_ = true;
    auto engines = scan(sockets);
    sockets_ = std::move(sockets);
    if (engines == engines_) return false;
    engines_ = std::move(engines);
    return true;
}

std::vector<FoundEngine> EngineProcesses::scan(const std::vector<ListeningSocket>& sockets) {
    ++scans_;
    unreadable_ = 0;
    ProcessTable table;
    for (const auto& name : list(proc_, SIZE_MAX).value_or(std::vector<std::string>())) {
        const auto pid = read_number<int>(name);
        if (!pid) continue;
        const std::string process = fmt::format("{}/{}", proc_, name);
        table.parents[*pid] = parent_from_stat(read_file(process + "/stat", 4096));
        const auto command =
            recognise_command(read_file(process + "/cmdline", kMaxCommandLineBytes));
        if (!command) continue;
        auto own = sockets_of(process, sockets);
        if (!own) {
            ++unreadable_;
            own = sockets_by_port(process, *command, sockets);
        }
        table.candidates.push_back({*pid, *command, std::move(*own)});
    }
    std::ranges::sort(table.candidates, {}, &Candidate::pid);
    auto engines = engines_of(table);
    std::ranges::move(engines_behind_proxies(table), std::back_inserter(engines));
    std::ranges::sort(engines, {},
                      [](const auto& engine) { return std::tuple(engine.port, engine.address); });
    return engines;
}

}  // namespace inferscope::discovery
