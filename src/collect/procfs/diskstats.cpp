// SPDX-License-Identifier: Apache-2.0
#include "collect/procfs/diskstats.h"

#include "collect/scanner.h"

namespace inferscope::collect {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// `name` is `prefix` and digits, nothing else.
bool is_numbered(std::string_view name, std::string_view prefix) {
    return name.starts_with(prefix) && to_unsigned(name.substr(prefix.size()));
}

/// "sda1", "vdb2": a letter disk with a number. "nvme0n1p2": a number after the 'p'.
bool is_partition(std::string_view name) {
    for (const auto* prefix : {"hd", "sd", "vd", "xvd"}) {
        const std::string_view kind(prefix);
        if (name.starts_with(kind) && name.size() > kind.size() + 1 &&
            !is_digit(name[kind.size()]) && to_unsigned(name.substr(kind.size() + 1))) {
            return true;
        }
    }
    const auto p = name.rfind('p');
    return name.starts_with("nvme") && p != std::string_view::npos &&
           to_unsigned(name.substr(p + 1));
}

bool is_whole_disk(std::string_view name) {
    return !is_numbered(name, "ram") && !is_numbered(name, "zram") && !is_numbered(name, "loop") &&
           !is_numbered(name, "fd") && !is_partition(name);
}

/// The nine numbers that we publish; between them stand the merged requests.
bool read_numbers(std::string_view line, DiskStats& disk) {
    std::uint64_t merged = 0;
    for (auto* field : {&disk.reads, &merged, &disk.read_sectors, &disk.read_millis, &disk.writes,
                        &merged, &disk.written_sectors, &disk.write_millis, &disk.in_flight,
                        &disk.busy_millis, &disk.weighted_millis}) {
        const auto value = take_unsigned(line);
        if (!value) return false;
        *field = *value;
    }
    return true;
}

}  // namespace

std::vector<DiskStats> parse_diskstats(std::string_view text) {
    std::vector<DiskStats> disks;
    while (auto line = take_line(text)) {
        take_word(*line);  // major
        take_word(*line);  // minor
        DiskStats disk;
        disk.name = take_word(*line);
        if (!disk.name.empty() && is_whole_disk(disk.name) && read_numbers(*line, disk))
            disks.push_back(disk);
    }
    return disks;
}

}  // namespace inferscope::collect
