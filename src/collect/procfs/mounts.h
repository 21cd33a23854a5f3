// SPDX-License-Identifier: Apache-2.0
// /proc/self/mounts: which file systems are mounted where. Source: proc_pid_mounts(5), fstab(5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace inferscope::collect {

struct Mount {
    std::string device;
    std::string mountpoint;
    std::string type;

    bool operator==(const Mount&) const = default;
};

/// In the file's order, escapes (\040 for a blank) resolved. Lines with fewer than three words are
/// skipped.
std::vector<Mount> parse_mounts(std::string_view text);

/// The file systems whose fill level is worth knowing and whose statvfs(2) asks nobody else: those
/// on local disks, and overlay at "/" (a container's root). Each device once, at its shortest mount
/// point: bind mounts (a container's /etc/hosts) would count the same disk again. Sorted by mount
/// point, at most `limit`.
std::vector<Mount> local_file_systems(std::vector<Mount> mounts, std::size_t limit);

}  // namespace inferscope::collect
