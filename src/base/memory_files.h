// SPDX-License-Identifier: Apache-2.0
// A disk in memory that fails on command, for tests: full after so many bytes, sync that fails, a
// crash after which what wasn't synced is there, half there or gone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/guarded.h"

namespace inferscope {

/// Thread: any.
class MemoryFiles final : public Files {
public:
    static constexpr std::uint64_t kEndless = UINT64_MAX;

    /// From now on all files together may grow (or take room) by `bytes`. An append that meets the
    /// bound leaves what fitted.
    void set_room(std::uint64_t bytes);
    /// sync() of files answers EIO while this is set.
    void fail_syncs(bool fail);
    /// truncate() likewise.
    void fail_truncates(bool fail);
    /// allocate() does nothing, as on a file system that can't.
    void refuse_allocation(bool refuse);
    /// link() fails, as on a file system that can't.
    void refuse_links(bool refuse);
    /// Power is cut: of each file what wasn't synced is lost from a place that follows from `seed`,
    /// and behind the synced part bytes may be zero; a file whose name wasn't synced may be gone.
    /// Open files and locks are dead from then on.
    void crash(std::uint64_t seed);

    /// The bytes of a file, empty if there is none.
    [[nodiscard]] std::string bytes(const std::string& path) const;
    void set_bytes(const std::string& path, std::string bytes);

    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
    Result<void> remove(const std::string& path) override;
    Result<void> rename(const std::string& from, const std::string& to) override;
    Result<void> link(const std::string& from, const std::string& to) override;
    Result<void> make_folder(const std::string& folder) override;
    Result<std::vector<std::string>> list(const std::string& folder) override;
    Result<void> sync_folder(const std::string& folder) override;
    Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;

private:
    friend class MemoryFile;
    friend class MemoryLock;

    struct Node {
        std::string bytes;
        std::size_t synced = 0;       ///< bytes that a crash leaves alone
        std::uint64_t allocated = 0;  ///< room that was taken, at least bytes.size()
        bool name_synced = false;
    };
    struct Disk {
        std::map<std::string, std::shared_ptr<Node>> nodes;  ///< by path; an open file has one, too
        std::map<std::string, int> locks;                    ///< path -> which lock() holds it
        std::uint64_t room = kEndless;
        int last_lock = 0;
        bool fail_syncs = false;
        bool fail_truncates = false;
        bool refuse_allocation = false;
        bool refuse_links = false;

        std::uint64_t take(Node& node, std::uint64_t wanted);
        void give_back(Node& node, std::uint64_t bytes);
    };
    Guarded<Disk> disk_;
};

}  // namespace inferscope
