// SPDX-License-Identifier: Apache-2.0
// The parsers of kernel files: whatever stands there, they end, and never read outside of it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "collect/os_release.h"
#include "collect/procfs/diskstats.h"
#include "collect/procfs/loadavg.h"
#include "collect/procfs/meminfo.h"
#include "collect/procfs/mounts.h"
#include "collect/procfs/net_dev.h"
#include "collect/procfs/pressure.h"
#include "collect/procfs/stat.h"
#include "collect/procfs/vmstat.h"
#include "collect/sysfs/cgroup.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace inferscope::collect;
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 10) {
        case 0:
            static_cast<void>(parse_stat(text));
            break;
        case 1:
            static_cast<void>(parse_meminfo(text));
            break;
        case 2:
            static_cast<void>(parse_loadavg(text));
            break;
        case 3:
            static_cast<void>(parse_net_dev(text));
            break;
        case 4:
            static_cast<void>(parse_pressure(text));
            break;
        case 5:
            static_cast<void>(local_file_systems(parse_mounts(text), 8));
            break;
        case 6:
            static_cast<void>(parse_diskstats(text));
            break;
        case 7:
            static_cast<void>(parse_vmstat(text));
            break;
        case 8:
            static_cast<void>(parse_os_release(text));
            break;
        default:
            static_cast<void>(parse_cpu_max(text));
            static_cast<void>(count_cpu_list(text));
            static_cast<void>(find_flat_key(text, "inactive_file"));
    }
    return 0;
}
