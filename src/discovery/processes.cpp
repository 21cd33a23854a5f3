// SPDX-License-Identifier: Apache-2.0
#include "discovery/processes.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "discovery/engine_command.h"
#include "discovery/proc_text.h"

namespace inferscope::discovery {
namespace {

constexpr std::size_t kMaxCommandLineBytes = 128u << 10;  // the kernel's bound on one argument
constexpr std::size_t kMaxDescriptors = 65'536;
constexpr int kMaxAncestors = 64;  // a number used again while the table is read may close a circle

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
    bool is_here = true;  ///< in our network namespace: its port will be one of this machine
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
    const auto words = proc_words(stat.substr(close + 1));
    return words.size() < 2 ? 0 : proc_number<int>(words[1]).value_or(0);
}

/// Names the network namespace of a process; empty if it won't let us see.
std::string network_of(const std::string& process) {
    std::error_code ignored;
    return std::filesystem::read_symlink(process + "/ns/net", ignored).string();
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
        if (const auto inode = proc_number<std::uint64_t>(text)) inodes.insert(*inode);
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

FoundEngine found(const Candidate& candidate, std::string_view address, std::uint16_t port) {
    FoundEngine engine;
    engine.pid = candidate.pid;
    engine.kind = candidate.command.kind;
    engine.address = address;
    engine.port = port;
    engine.metrics_port =
        candidate.command.metrics_port != 0 ? candidate.command.metrics_port : port;
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

using EnginesByRoot = std::map<int, FoundEngine>;

void add_engine(EnginesByRoot& engines, const ProcessTable& table, int root, FoundEngine engine) {
    const auto [at, is_new] = engines.try_emplace(root, std::move(engine));
    if (is_new) at->second.worker_pids = descendants(table, root);
}

/// It loads its model: its port is the one that its flags name, unless somebody else has that.
void add_loading_engines(EnginesByRoot& engines, const ProcessTable& table,
                         const std::vector<ListeningSocket>& sockets) {
    std::set<std::uint16_t> taken;
    for (const auto& socket : sockets) taken.insert(socket.port);
    for (const auto& candidate : table.candidates) {
        const bool may_load = candidate.command.role == EngineCommand::Role::server &&
                              candidate.sockets.empty() && candidate.is_here;
        const int root = table.root(candidate);
        if (!may_load || candidate.pid != root || engines.contains(root)) continue;
        if (!taken.insert(candidate.command.port).second) continue;
        auto engine = found(candidate, "127.0.0.1", candidate.command.port);
        engine.listens = false;
        add_engine(engines, table, root, std::move(engine));
    }
}

/// One engine for each tree of processes of one kind.
std::vector<FoundEngine> engines_of(const ProcessTable& table,
                                    const std::vector<ListeningSocket>& sockets) {
    EnginesByRoot by_root;
    for (const auto& candidate : table.candidates) {
        if (candidate.command.role != EngineCommand::Role::server) continue;
        const auto* const socket = api_socket(candidate);
        if (socket == nullptr) continue;
        add_engine(by_root, table, table.root(candidate),
                   found(candidate, socket->address, socket->port));
    }
    add_loading_engines(by_root, table, sockets);
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
        const auto& socket = proxy.sockets.front();
        auto engine = found(*behind.front(), socket.address, socket.port);
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

bool EngineProcesses::look() {
    auto sockets = listening_sockets(proc_);
    // One that loads may end without having opened a port: its process is looked at each time.
    const bool loads = std::ranges::any_of(engines_, [](const auto& one) { return !one.listens; });
    if (looked_ && !loads && sockets == sockets_) return false;
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
    const auto our_network = network_of(proc_ + "/self");
    for (const auto& name : list(proc_, SIZE_MAX).value_or(std::vector<std::string>())) {
        const auto pid = proc_number<int>(name);
        if (!pid) continue;
        const std::string process = fmt::format("{}/{}", proc_, name);
        table.parents[*pid] = parent_from_stat(read_proc_file(process + "/stat", 4096));
        const auto command =
            recognise_command(read_proc_file(process + "/cmdline", kMaxCommandLineBytes));
        if (!command) continue;
        auto own = sockets_of(process, sockets);
        if (!own) {
            ++unreadable_;
            own = sockets_by_port(process, *command, sockets);
        }
        const auto network = network_of(process);
        const bool is_here = !network.empty() && network == our_network;
        table.candidates.push_back({*pid, *command, std::move(*own), is_here});
    }
    std::ranges::sort(table.candidates, {}, &Candidate::pid);
    auto engines = engines_of(table, sockets);
    std::ranges::move(engines_behind_proxies(table), std::back_inserter(engines));
    std::ranges::sort(engines, {},
                      [](const auto& engine) { return std::tuple(engine.port, engine.address); });
    return engines;
}

}  // namespace inferscope::discovery
