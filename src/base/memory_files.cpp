// SPDX-License-Identifier: Apache-2.0
#include "base/memory_files.h"

#include <algorithm>
#include <random>
#include <utility>

namespace inferscope {
namespace {

Error full(const std::string& path) {
    return {Errc::no_space, path + ": can't be written: No space left on device"};
}

Error broken(const std::string& path, std::string_view what) {
    return {Errc::io_error, path + ": can't be " + std::string(what) + ": Input/output error"};
}

Error missing(const std::string& path) {
    return {Errc::not_found, path + ": can't be opened: No such file or directory"};
}

bool is_in(std::string_view path, std::string_view folder) {
    return path.starts_with(folder) && path.size() > folder.size() + 1 &&
           path[folder.size()] == '/' && path.find('/', folder.size() + 1) == path.npos;
}

}  // namespace

/// Takes room so that the node has `wanted` bytes; returns how many it has then.
std::uint64_t MemoryFiles::Disk::take(Node& node, std::uint64_t wanted) {
    if (wanted > node.allocated) {
        const auto taken = std::min(room, wanted - node.allocated);
        node.allocated += taken;
        if (room != kEndless) room -= taken;
    }
    return std::min(wanted, node.allocated);
}

void MemoryFiles::Disk::give_back(Node& node, std::uint64_t bytes) {
    if (bytes >= node.allocated) return;
    if (room != kEndless) room += node.allocated - bytes;
    node.allocated = bytes;
}

class MemoryFile final : public File {
public:
    MemoryFile(MemoryFiles& files, std::string path, std::shared_ptr<MemoryFiles::Node> node)
        : files_(files), path_(std::move(path)), node_(std::move(node)) {}

    [[nodiscard]] Result<std::uint64_t> size() const override {
        return files_.disk_.with([&](auto&) -> std::uint64_t { return node_->bytes.size(); });
    }

    Result<void> append(std::string_view bytes) override {
        return files_.disk_.with([&](auto& disk) -> Result<void> {
            const auto before = node_->bytes.size();
            const auto fits = disk.take(*node_, before + bytes.size()) - before;
            node_->bytes += bytes.substr(0, fits);
            if (fits < bytes.size()) return full(path_);
            return {};
        });
    }

    Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const override {
        return files_.disk_.with([&](auto&) -> std::size_t {
            if (offset >= node_->bytes.size()) return 0;
            return node_->bytes.copy(into.data(), into.size(), offset);
        });
    }

    Result<void> sync() override {
        return files_.disk_.with([&](auto& disk) -> Result<void> {
            if (disk.fail_syncs) return broken(path_, "synced");
            node_->synced = node_->bytes.size();
            return {};
        });
    }

    Result<void> allocate(std::uint64_t bytes) override {
        return files_.disk_.with([&](auto& disk) -> Result<void> {
            if (disk.refuse_allocation || bytes <= node_->allocated) return {};
            if (disk.room < bytes - node_->allocated) return full(path_);
            disk.take(*node_, bytes);
            return {};
        });
    }

    Result<void> truncate(std::uint64_t bytes) override {
        return files_.disk_.with([&](auto& disk) -> Result<void> {
            if (disk.fail_truncates) return broken(path_, "cut");
            node_->bytes.resize(bytes);
            node_->synced = std::min<std::size_t>(node_->synced, bytes);
            disk.give_back(*node_, bytes);
            return {};
        });
    }

private:
    MemoryFiles& files_;
    std::string path_;
    std::shared_ptr<MemoryFiles::Node> node_;
};

class MemoryLock final : public FileLock {
public:
    MemoryLock(MemoryFiles& files, std::string path, int number)
        : files_(files), path_(std::move(path)), number_(number) {}
    MemoryLock(const MemoryLock&) = delete;
    MemoryLock& operator=(const MemoryLock&) = delete;
    ~MemoryLock() override {
        files_.disk_.with([&](auto& disk) {
            const auto held = disk.locks.find(path_);
            if (held != disk.locks.end() && held->second == number_) disk.locks.erase(held);
        });
    }

private:
    MemoryFiles& files_;
    std::string path_;
    int number_;
};

void MemoryFiles::set_room(std::uint64_t bytes) {
    disk_.with([&](auto& disk) { disk.room = bytes; });
}

void MemoryFiles::fail_syncs(bool fail) {
    disk_.with([&](auto& disk) { disk.fail_syncs = fail; });
}

void MemoryFiles::fail_truncates(bool fail) {
    disk_.with([&](auto& disk) { disk.fail_truncates = fail; });
}

void MemoryFiles::refuse_allocation(bool refuse) {
    disk_.with([&](auto& disk) { disk.refuse_allocation = refuse; });
}

void MemoryFiles::refuse_links(bool refuse) {
    disk_.with([&](auto& disk) { disk.refuse_links = refuse; });
}

void MemoryFiles::crash(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    disk_.with([&](auto& disk) {
        std::map<std::string, std::shared_ptr<Node>> left;
        for (const auto& [path, node] : disk.nodes) {
            if (!node->name_synced && random() % 2 == 0) continue;
            // A copy: files that are still open write to what is no longer there.
            auto after = std::make_shared<Node>(*node);
            const auto unsynced = after->bytes.size() - after->synced;
            after->bytes.resize(after->synced + random() % (unsynced + 1));
            if (after->bytes.size() > after->synced && random() % 2 == 0) {
                const auto hole = after->synced + random() % (after->bytes.size() - after->synced);
                const auto end = hole + random() % (after->bytes.size() - hole + 1);
                std::fill(after->bytes.begin() + static_cast<std::ptrdiff_t>(hole),
                          after->bytes.begin() + static_cast<std::ptrdiff_t>(end), '\0');
            }
            after->synced = after->bytes.size();
            after->name_synced = true;
            left.emplace(path, std::move(after));
        }
        disk.nodes = std::move(left);
        disk.locks.clear();
    });
}

std::string MemoryFiles::bytes(const std::string& path) const {
    return disk_.with([&](const auto& disk) -> std::string {
        const auto found = disk.nodes.find(path);
        return found == disk.nodes.end() ? std::string() : found->second->bytes;
    });
}

void MemoryFiles::set_bytes(const std::string& path, std::string bytes) {
    auto node = std::make_shared<Node>();
    node->synced = node->allocated = bytes.size();
    node->bytes = std::move(bytes);
    node->name_synced = true;
    disk_.with([&](auto& disk) { disk.nodes[path] = std::move(node); });
}

Result<std::unique_ptr<File>> MemoryFiles::open(const std::string& path, OpenMode mode) {
    return disk_.with([&](auto& disk) -> Result<std::unique_ptr<File>> {
        if (mode != OpenMode::fresh && !disk.nodes.contains(path)) return missing(path);
        auto& node = disk.nodes[path];
        if (mode == OpenMode::fresh) {
            if (node) disk.give_back(*node, 0);
            node = std::make_shared<Node>();
        }
        return std::make_unique<MemoryFile>(*this, path, node);
    });
}

Result<void> MemoryFiles::remove(const std::string& path) {
    return disk_.with([&](auto& disk) -> Result<void> {
        const auto found = disk.nodes.find(path);
        if (found == disk.nodes.end()) return missing(path);
        const auto node = std::move(found->second);
        disk.nodes.erase(found);
        const auto is_node = [&](const auto& other) { return other.second == node; };
        if (std::ranges::none_of(disk.nodes, is_node)) disk.give_back(*node, 0);
        return {};
    });
}

Result<void> MemoryFiles::rename(const std::string& from, const std::string& to) {
    return disk_.with([&](auto& disk) -> Result<void> {
        const auto found = disk.nodes.find(from);
        if (found == disk.nodes.end()) return missing(from);
        auto node = std::move(found->second);
        disk.nodes.erase(found);
        disk.nodes[to] = std::move(node);
        return {};
    });
}

Result<void> MemoryFiles::link(const std::string& from, const std::string& to) {
    return disk_.with([&](auto& disk) -> Result<void> {
        const auto found = disk.nodes.find(from);
        if (found == disk.nodes.end()) return missing(from);
        if (disk.refuse_links || disk.nodes.contains(to)) return broken(from, "linked to " + to);
        disk.nodes[to] = found->second;
        return {};
    });
}

Result<void> MemoryFiles::make_folder(const std::string&) { return {}; }

Result<std::vector<std::string>> MemoryFiles::list(const std::string& folder) {
    return disk_.with([&](auto& disk) -> Result<std::vector<std::string>> {
        std::vector<std::string> names;
        for (const auto& [path, node] : disk.nodes)
            if (is_in(path, folder)) names.push_back(path.substr(folder.size() + 1));
        return names;
    });
}

Result<void> MemoryFiles::sync_folder(const std::string& folder) {
    return disk_.with([&](auto& disk) -> Result<void> {
        if (disk.fail_syncs) return broken(folder, "synced");
        for (auto& [path, node] : disk.nodes)
            if (is_in(path, folder)) node->name_synced = true;
        return {};
    });
}

Result<std::unique_ptr<FileLock>> MemoryFiles::lock(const std::string& path) {
    return disk_.with([&](auto& disk) -> Result<std::unique_ptr<FileLock>> {
        if (disk.locks.contains(path)) {
            return Error{Errc::already_exists, path + ": in use by this process"};
        }
        const int number = disk.locks[path] = ++disk.last_lock;
        return std::make_unique<MemoryLock>(*this, path, number);
    });
}

}  // namespace inferscope
