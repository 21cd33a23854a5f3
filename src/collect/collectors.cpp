// SPDX-License-Identifier: Apache-2.0
#include "collect/collectors.h"

#include <sys/statvfs.h>

#include <array>
#include <span>

#include "collect/procfs/diskstats.h"
#include "collect/procfs/loadavg.h"
#include "collect/procfs/meminfo.h"
#include "collect/procfs/mounts.h"
#include "collect/procfs/net_dev.h"
#include "collect/procfs/pressure.h"
#include "collect/procfs/vmstat.h"
#include "collect/series_table.h"
#include "telemetry/families.h"

namespace inferscope::collect {
namespace {

// Names, units and labels are node exporter's (1.5 and later), so that its dashboards and rules
// work.

/// Sets `family{labels..., node labels...}`.
void set_node(Round& round, SeriesRef& ref, const FamilyPtr& family,
              std::initializer_list<Label> labels, double value) {
    if (round.settings.node_labels.empty()) {
        round.rows.set(ref, family, labels, value);
        return;
    }
    std::vector<Label> all(round.settings.node_labels.begin(), round.settings.node_labels.end());
    all.insert(all.end(), labels.begin(), labels.end());
    round.rows.set(ref, family, family->name, all, value);
}

double as_double(std::uint64_t value) { return static_cast<double>(value); }

// --- /proc/stat

constexpr double kTicksPerSecond = 100;  // USER_HZ, the same on every architecture that has GPUs
constexpr std::array<std::string_view, 8> kCpuModeNames = {"user",   "nice", "system",  "idle",
                                                           "iowait", "irq",  "softirq", "steal"};

class StatCollector final : public Collector {
public:
    Result<void> collect(std::string_view text, Round& round) override {
        const auto stat = parse_stat(text);
        if (!stat) return stat.error();
        round.facts.cpu_times = stat->total;
        round.facts.online_cpus = stat->cpus.size();
        if (!round.node_names) return {};
        if (stat->cpus.size() <= round.settings.max_cpus) publish_cpus(*stat, round);
        const std::array<double, 6> values = {
            as_double(stat->interrupts), as_double(stat->context_switches),
            as_double(stat->boot_time),  as_double(stat->forks),
            as_double(stat->running),    as_double(stat->blocked)};
        for (std::size_t i = 0; i < values.size(); ++i) {
            set_node(round, single_refs_[i], single_[i], {}, values[i]);
        }
        return {};
    }

private:
    void publish_cpus(const Stat& stat, Round& round) {
        for (std::size_t i = 0; i < stat.cpus.size(); ++i) {
            const auto& cpu = stat.cpus[i];
            auto& refs = cpu_refs_.at(i, cpu.number);
            for (std::size_t mode = 0; mode < kCpuModeNames.size(); ++mode) {
                set_node(round, refs[mode], seconds_,
                         {{"cpu", cpu.number}, {"mode", kCpuModeNames[mode]}},
                         as_double(cpu.times.ticks[mode]) / kTicksPerSecond);
            }
        }
    }

    FamilyPtr seconds_ =
        make_counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.");
    std::array<FamilyPtr, 6> single_ = {
        make_counter("node_intr_total", "Total number of interrupts serviced."),
        make_counter("node_context_switches_total", "Total number of context switches."),
        make_gauge("node_boot_time_seconds", "Node boot time, in unixtime."),
        make_counter("node_forks_total", "Total number of forks."),
        make_gauge("node_procs_running", "Number of processes in runnable state."),
        make_gauge("node_procs_blocked",
                   "Number of processes blocked waiting for I/O to complete.")};
    std::array<SeriesRef, 6> single_refs_;
    SeriesTable<kCpuModeNames.size()> cpu_refs_;
};

// --- /proc/meminfo

class MeminfoCollector final : public Collector {
public:
    Result<void> collect(std::string_view text, Round& round) override {
        const auto info = parse_meminfo(text);
        if (!info) return info.error();
        round.facts.memory_total = info->get("MemTotal");
        round.facts.memory_available = info->available();
        if (!round.node_names) return {};
        for (std::size_t i = 0; i < info->fields.size() && i < kMaxFields; ++i) {
            auto& series = series_of(i, info->fields[i]);
            set_node(round, series.ref, series.family, {}, as_double(info->fields[i].value));
        }
        return {};
    }

private:
    struct Series {
        std::string key;
        FamilyPtr family;
        SeriesRef ref;
    };
    static constexpr std::size_t kMaxFields = 128;  // kernel 6.18 prints 55

    /// The kernel prints the same fields in the same order each time.
    Series& series_of(std::size_t position, const Meminfo::Field& field) {
        if (series_.size() <= position) series_.resize(position + 1);
        auto& series = series_[position];
        if (series.key == field.key) return series;
        std::string name;  // "Active(anon)" -> "Active_anon"
        for (const char c : field.key) {
            if (c != ')') name += c == '(' ? '_' : c;
        }
        if (field.in_bytes) name += "_bytes";
        series = {std::string(field.key),
                  make_gauge("node_memory_" + name, "Memory information field " + name + "."),
                  {}};
        return series;
    }

    std::vector<Series> series_;
};

// --- /proc/loadavg, /proc/uptime

class LoadavgCollector final : public Collector {
public:
    Result<void> collect(std::string_view text, Round& round) override {
        if (!round.node_names) return {};
        const auto load = parse_loadavg(text);
        if (!load) return load.error();
        for (std::size_t i = 0; i < load->size(); ++i) {
            set_node(round, refs_[i], families_[i], {}, (*load)[i]);
        }
        return {};
    }

private:
    std::array<FamilyPtr, 3> families_ = {make_gauge("node_load1", "1m load average."),
                                          make_gauge("node_load5", "5m load average."),
                                          make_gauge("node_load15", "15m load average.")};
    std::array<SeriesRef, 3> refs_;
};

class UptimeCollector final : public Collector {
public:
    Result<void> collect(std::string_view text, Round& round) override {
        const auto uptime = parse_uptime(text);
        if (!uptime) return uptime.error();
        round.facts.uptime_seconds = *uptime;
        if (round.node_names) {
            set_node(round, ref_, time_, {}, static_cast<double>(round.now) / 1000);
        }
        return {};
    }

private:
    FamilyPtr time_ = make_gauge("node_time_seconds", "System time in seconds since epoch (1970).");
    SeriesRef ref_;
};

// --- /proc/net/dev

class NetDevCollector final : public Collector {
public:
    Result<void> collect(std::string_view text, Round& round) override {
        if (!round.node_names) return {};
        const auto devices = parse_net_dev(text);
        if (!devices) return devices.error();
        const auto count = std::min(devices->size(), round.settings.max_devices);
        round.left_out += devices->size() - count;
        for (std::size_t i = 0; i < count; ++i) {
            const auto& device = (*devices)[i];
            auto& refs = refs_.at(i, device.name);
            for (std::size_t j = 0; j < kKept.size(); ++j) {
                set_node(round, refs[j], families_[j], {{"device", device.name}},
                         as_double(device.counters[kKept[j].index]));
            }
        }
        return {};
    }

private:
    struct Kept {
        std::size_t index;  ///< in NetDevice::counters
        std::string_view name;
    };
    static constexpr std::array<Kept, 8> kKept = {{{0, "receive_bytes"},
                                                   {1, "receive_packets"},
                                                   {2, "receive_errs"},
                                                   {3, "receive_drop"},
                                                   {8, "transmit_bytes"},
                                                   {9, "transmit_packets"},
                                                   {10, "transmit_errs"},
                                                   {11, "transmit_drop"}}};

    static std::array<FamilyPtr, kKept.size()> make_families() {
        std::array<FamilyPtr, kKept.size()> families;
        for (std::size_t i = 0; i < kKept.size(); ++i) {
            const std::string name(kKept[i].name);
            families[i] = make_counter("node_network_" + name + "_total",
                                       "Network device statistic " + name + ".");
        }
        return families;
    }

    std::array<FamilyPtr, kKept.size()> families_ = make_families();
    SeriesTable<kKept.size()> refs_;
};

// --- /proc/pressure/*

/// `some` and `full` as node exporter names them; it knows no "full" of the CPU.
class PressureCollector : public Collector {
public:
    PressureCollector(FamilyPtr waiting, FamilyPtr stalled)
        : waiting_(std::move(waiting)), stalled_(std::move(stalled)) {}

    Result<void> collect(std::string_view text, Round& round) override {
        if (!round.node_names) return {};
        const auto pressure = parse_pressure(text);
        if (!pressure) return pressure.error();
        set_node(round, refs_[0], waiting_, {}, as_double(pressure->some) / 1e6);
        if (stalled_ && pressure->full) {
            set_node(round, refs_[1], stalled_, {}, as_double(*pressure->full) / 1e6);
        }
        return {};
    }

private:
    FamilyPtr waiting_;
    FamilyPtr stalled_;
    std::array<SeriesRef, 2> refs_;
};

std::unique_ptr<Collector> make_cpu_pressure() {
    return std::make_unique<PressureCollector>(
        make_counter("node_pressure_cpu_waiting_seconds_total",
                     "Total time in seconds that processes have waited for CPU time"),
        nullptr);
}

std::unique_ptr<Collector> make_memory_pressure() {
    return std::make_unique<PressureCollector>(
        make_counter("node_pressure_memory_waiting_seconds_total",
                     "Total time in seconds that processes have waited for memory"),
        make_counter(
            "node_pressure_memory_stalled_seconds_total",
            "Total time in seconds no process could make progress due to memory congestion"));
}

std::unique_ptr<Collector> make_io_pressure() {
    return std::make_unique<PressureCollector>(
        make_counter("node_pressure_io_waiting_seconds_total",
                     "Total time in seconds that processes have waited due to IO congestion"),
        make_counter("node_pressure_io_stalled_seconds_total",
                     "Total time in seconds no process could make progress due to IO congestion"));
}

// --- /proc/vmstat

class VmstatCollector final : public Collector {
public:
    Result<void> collect(std::string_view text, Round& round) override {
        if (!round.node_names) return {};
        const auto events = parse_vmstat(text);
        for (std::size_t i = 0; i < events.size() && i < kMaxEvents; ++i) {
            if (series_.size() <= i) series_.resize(i + 1);
            auto& series = series_[i];
            if (series.key != events[i].key) series = make(events[i].key);
            set_node(round, series.ref, series.family, {}, as_double(events[i].count));
        }
        return {};
    }

private:
    struct Series {
        std::string key;
        FamilyPtr family;
        SeriesRef ref;
    };
    static constexpr std::size_t kMaxEvents =
        32;  // kernel 6.18 prints 7 of the kinds that are kept

    static Series make(std::string_view key) {
        std::string name(key);
        auto help = "/proc/vmstat information field " + name + ".";
        return {name,
                std::make_shared<const Family>(
                    Family{"node_vmstat_" + name, MetricType::unknown, std::move(help), ""}),
                {}};
    }

    std::vector<Series> series_;
};

// --- /proc/diskstats

class DiskstatsCollector final : public Collector {
public:
    Result<void> collect(std::string_view text, Round& round) override {
        if (!round.node_names) return {};
        const auto disks = parse_diskstats(text);
        const auto count = std::min(disks.size(), round.settings.max_devices);
        round.left_out += disks.size() - count;
        for (std::size_t i = 0; i < count; ++i)
            publish(disks[i], refs_.at(i, disks[i].name), round);
        return {};
    }

private:
    static constexpr std::size_t kSeries = 9;
    static constexpr double kSectorBytes = 512;

    void publish(const DiskStats& disk, SeriesTable<kSeries>::Refs& refs, Round& round) {
        const std::array<double, kSeries> values = {as_double(disk.read_sectors) * kSectorBytes,
                                                    as_double(disk.written_sectors) * kSectorBytes,
                                                    as_double(disk.reads),
                                                    as_double(disk.writes),
                                                    as_double(disk.read_millis) / 1000,
                                                    as_double(disk.write_millis) / 1000,
                                                    as_double(disk.busy_millis) / 1000,
                                                    as_double(disk.weighted_millis) / 1000,
                                                    as_double(disk.in_flight)};
        for (std::size_t i = 0; i < kSeries; ++i) {
            set_node(round, refs[i], families_[i], {{"device", disk.name}}, values[i]);
        }
    }

    std::array<FamilyPtr, kSeries> families_ = {
        make_counter("node_disk_read_bytes_total", "The total number of bytes read successfully."),
        make_counter("node_disk_written_bytes_total",
                     "The total number of bytes written successfully."),
        make_counter("node_disk_reads_completed_total",
                     "The total number of reads completed successfully."),
        make_counter("node_disk_writes_completed_total",
                     "The total number of writes completed successfully."),
        make_counter("node_disk_read_time_seconds_total",
                     "The total number of seconds spent by all reads."),
        make_counter("node_disk_write_time_seconds_total",
                     "This is the total number of seconds spent by all writes."),
        make_counter("node_disk_io_time_seconds_total", "Total seconds spent doing I/Os."),
        make_counter("node_disk_io_time_weighted_seconds_total",
                     "The weighted # of seconds spent doing I/Os."),
        make_gauge("node_disk_io_now", "The number of I/Os currently in progress.")};
    SeriesTable<kSeries> refs_;
};

// --- /proc/self/mounts and statvfs(2)

class MountsCollector final : public Collector {
public:
    Result<void> collect(std::string_view text, Round& round) override {
        if (text != last_text_) remember(text, round.settings);
        for (std::size_t i = 0; i < mounts_.size(); ++i) {
            struct statvfs stats{};
            if (::statvfs(mounts_[i].mountpoint.c_str(), &stats) != 0) continue;  // just unmounted
            const bool is_memory = mounts_[i].type == "tmpfs";
            if (!is_memory) {
                const auto unit = std::uint64_t{stats.f_frsize};
                round.facts.file_systems.push_back({mounts_[i].mountpoint, stats.f_blocks * unit,
                                                    (stats.f_blocks - stats.f_bfree) * unit});
            }
            if (round.node_names) publish(i, stats, round);
        }
        return {};
    }

private:
    static constexpr std::size_t kSeries = 5;

    void remember(std::string_view text, const HostSettings& settings) {
        last_text_ = text;
        auto all = parse_mounts(text);
        // NCCL and engines with several processes stop with unclear errors when shared memory is
        // full.
        const auto shared_memory = std::ranges::find_if(all, [](const Mount& mount) {
            return mount.mountpoint == "/dev/shm" && mount.type == "tmpfs";
        });
        std::optional<Mount> shm;
        if (shared_memory != all.end()) shm = *shared_memory;
        mounts_ = local_file_systems(std::move(all), settings.max_file_systems);
        if (shm) mounts_.push_back(std::move(*shm));
    }

    void publish(std::size_t position, const struct statvfs& stats, Round& round) {
        const auto& mount = mounts_[position];
        auto& refs = refs_.at(position, mount.mountpoint);
        const auto unit = static_cast<double>(stats.f_frsize);
        const std::array<double, kSeries> values = {
            static_cast<double>(stats.f_blocks) * unit, static_cast<double>(stats.f_bavail) * unit,
            static_cast<double>(stats.f_bfree) * unit, static_cast<double>(stats.f_files),
            static_cast<double>(stats.f_ffree)};
        for (std::size_t i = 0; i < kSeries; ++i) {
            set_node(round, refs[i], families_[i],
                     {{"device", mount.device},
                      {"fstype", mount.type},
                      {"mountpoint", mount.mountpoint}},
                     values[i]);
        }
    }

    std::array<FamilyPtr, kSeries> families_ = {
        make_gauge("node_filesystem_size_bytes", "Filesystem size in bytes."),
        make_gauge("node_filesystem_avail_bytes",
                   "Filesystem space available to non-root users in bytes."),
        make_gauge("node_filesystem_free_bytes", "Filesystem free space in bytes."),
        make_gauge("node_filesystem_files", "Filesystem total file nodes."),
        make_gauge("node_filesystem_files_free", "Filesystem total free file nodes.")};
    std::string last_text_;
    std::vector<Mount> mounts_;
    SeriesTable<kSeries> refs_;
};

template <class T>
std::unique_ptr<Collector> make() {
    return std::make_unique<T>();
}

}  // namespace

std::vector<CollectorRow> collector_table() {
    return {
        {"stat", make<StatCollector>},
        {"meminfo", make<MeminfoCollector>},
        {"loadavg", make<LoadavgCollector>},
        {"uptime", make<UptimeCollector>},
        {"net/dev", make<NetDevCollector>},
        {"pressure/cpu", make_cpu_pressure},
        {"pressure/memory", make_memory_pressure},
        {"pressure/io", make_io_pressure},
        {"vmstat", make<VmstatCollector>},
        {"diskstats", make<DiskstatsCollector>},
        {"self/mounts", make<MountsCollector>},
    };
}

}  // namespace inferscope::collect
