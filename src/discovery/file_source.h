// SPDX-License-Identifier: Apache-2.0
// Targets from files (file_sd_configs): read again when they change, by what stat says.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "discovery/config.h"

namespace inferscope::discovery {

/// A group and the meta labels of where it came from (__meta_filepath, __meta_url).
struct DiscoveredGroup {
    TargetGroup group;
    std::vector<std::pair<std::string, std::string>> meta;
};

/// The files that `patterns` (of glob(7)) match now.
std::set<std::string> files_matching(const std::vector<std::string>& patterns);

/// One entry of file_sd_configs. A file that can't be read or parsed keeps the targets that it gave
/// last; a file that is gone takes its targets with it. Thread: confined; blocks for the disk.
class FileSource {
public:
    explicit FileSource(FileSdConfig config) : config_(std::move(config)) {}

    /// Looks at the files; reads those whose size, time or inode changed, and all every
    /// `refresh_interval`. True if groups or errors changed.
    bool look(SteadyTime now);

    [[nodiscard]] const FileSdConfig& config() const { return config_; }
    [[nodiscard]] std::vector<DiscoveredGroup> groups() const;
    /// "PATH:LINE:COLUMN: what is wrong" for each bad file, one in a line; empty if all is well.
    [[nodiscard]] std::string error() const;

private:
    struct Fingerprint {
        std::int64_t modified_ns = 0;
        std::int64_t size = 0;
        std::uint64_t inode = 0;
        bool operator==(const Fingerprint&) const = default;
    };
    struct KnownFile {
        Fingerprint fingerprint;
        std::vector<TargetGroup> groups;
        std::string error;
    };

    static Fingerprint fingerprint_of(const std::string& path);
    bool read(const std::string& path, KnownFile& file);

    FileSdConfig config_;
    std::map<std::string, KnownFile> files_;
    SteadyTime next_refresh_{};
    bool looked_ = false;
};

}  // namespace inferscope::discovery
