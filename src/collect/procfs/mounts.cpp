// SPDX-License-Identifier: Apache-2.0
#include "collect/procfs/mounts.h"

#include <algorithm>
#include <array>
#include <utility>

#include "collect/scanner.h"

namespace inferscope::collect {
namespace {

// What isn't here is a pseudo file system, read-only by nature, or served by somebody who may not
// answer (nfs, cifs, ceph, lustre, fuse ...).
constexpr auto kLocalTypes = std::to_array<std::string_view>(
    {"bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "ntfs", "ntfs3",
     "reiserfs", "ufs", "vfat", "xfs", "zfs"});

bool is_octal(char c) { return c >= '0' && c <= '7'; }

/// The kernel writes blank, tab, newline, '\' and '#' as a backslash and three octal digits.
std::string unescape(std::string_view word) {
    std::string out;
    out.reserve(word.size());
    for (std::size_t i = 0; i < word.size(); ++i) {
        const bool escaped = word[i] == '\\' && i + 3 < word.size() && word[i + 1] <= '3' &&
                             is_octal(word[i + 1]) && is_octal(word[i + 2]) &&
                             is_octal(word[i + 3]);
        if (!escaped) {
            out += word[i];
            continue;
        }
        out += static_cast<char>((word[i + 1] - '0') * 64 + (word[i + 2] - '0') * 8 +
                                 (word[i + 3] - '0'));
        i += 3;
    }
    return out;
}

bool is_local(const Mount& mount) {
    if (mount.type == "overlay") return mount.mountpoint == "/";
    return std::ranges::find(kLocalTypes, mount.type) != kLocalTypes.end();
}

}  // namespace

std::vector<Mount> parse_mounts(std::string_view text) {
    std::vector<Mount> mounts;
    while (auto line = take_line(text)) {
        const auto device = take_word(*line);
        const auto mountpoint = take_word(*line);
        const auto type = take_word(*line);
        if (type.empty()) continue;
        mounts.push_back({unescape(device), unescape(mountpoint), unescape(type)});
    }
    return mounts;
}

std::vector<Mount> local_file_systems(std::vector<Mount> mounts, std::size_t limit) {
    std::vector<Mount> visible;
    for (auto& mount : mounts) {  // a later mount hides an earlier one at the same place
        std::erase_if(visible,
                      [&](const Mount& other) { return other.mountpoint == mount.mountpoint; });
        visible.push_back(std::move(mount));
    }
    std::erase_if(visible, [](const Mount& mount) { return !is_local(mount); });
    std::ranges::sort(visible, {}, [](const Mount& mount) {
        return std::pair(mount.mountpoint.size(), std::string_view(mount.mountpoint));
    });
    std::vector<Mount> local;
    for (auto& mount : visible) {
        const bool known = std::ranges::any_of(
            local, [&](const Mount& other) { return other.device == mount.device; });
        if (!known && local.size() < limit) local.push_back(std::move(mount));
    }
    std::ranges::sort(local, {}, &Mount::mountpoint);
    return local;
}

}  // namespace inferscope::collect
