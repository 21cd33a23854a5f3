// SPDX-License-Identifier: Apache-2.0
// /proc/diskstats: what each block device did since boot. Source: kernel,
// Documentation/admin-guide/iostats.rst.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace inferscope::collect {

struct DiskStats {
    std::string_view name;  ///< view into the text
    std::uint64_t reads = 0;
    std::uint64_t read_sectors = 0;  ///< of 512 bytes, whatever the disk's own size
    std::uint64_t read_millis = 0;
    std::uint64_t writes = 0;
    std::uint64_t written_sectors = 0;
    std::uint64_t write_millis = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t busy_millis = 0;
    std::uint64_t weighted_millis = 0;
};

/// Whole disks only: RAM disks, loop devices, floppies and partitions are left out, as node
/// exporter does.
std::vector<DiskStats> parse_diskstats(std::string_view text);

}  // namespace inferscope::collect
