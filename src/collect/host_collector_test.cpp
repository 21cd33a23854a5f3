// SPDX-License-Identifier: Apache-2.0
#include "collect/host_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "telemetry/recording_appender.h"

namespace inferscope::collect {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::DoubleNear;

constexpr SteadyTime kStart{};

/// A machine of files: /proc, /sys and os-release below a directory of the test's own.
class HostCollectorTest : public testing::Test {
protected:
    void SetUp() override {
        root_ =
            fs::temp_directory_path() /
            fs::path("inferscope-host-" +
                     std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
        fs::remove_all(root_);
        put("proc/stat",
            "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 50 0 50 400 0\ncpu1 50 0 50 400 0\nctxt 7\n");
        put("proc/meminfo",
            "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 250 kB\nActive(anon): 9 kB\n");
        put("proc/loadavg", "0.5 0.25 0.125 1/2 3\n");
        put("proc/uptime", "1568.74 3013.26\n");
        put("os-release", "NAME=\"Test Linux\"\nVERSION=\"1 one\"\n");
    }
    void TearDown() override { fs::remove_all(root_); }

    void put(const std::string& file, const std::string& text) {
        fs::create_directories((root_ / file).parent_path());
        std::ofstream(root_ / file, std::ios::trunc) << text;
    }

    [[nodiscard]] HostSettings settings() const {
        HostSettings made;
        made.proc_root = root_ / "proc";
        made.sys_root = root_ / "sys";
        made.os_release = root_ / "os-release";
        made.worker_labels = Labels::from({{"worker_name", "w"}});
        return made;
    }

    std::map<std::string, double> collect(HostCollector& host, SteadyTime at = kStart) {
        host.collect(1000, at, rows_);
        EXPECT_TRUE(rows_.flush(++time_));
        return appender_.latest();
    }

    fs::path root_;
    RecordingAppender appender_;
    RowWriter rows_{appender_, "host"};
    Timestamp time_ = 0;
};

TEST_F(HostCollectorTest, WritesWorkerNamesWithWorkerLabels) {
    HostCollector host(settings());
    collect(host);
    put("proc/stat", "cpu  130 0 110 860 0 0 0 0 0 0\ncpu0 50 0 50 400 0\ncpu1 50 0 50 400 0\n");
    const auto series = collect(host);
    EXPECT_EQ(
        series.at(
            R"(gpustack:worker_node_os_info{name="Test Linux",version="1 one",worker_name="w"})"),
        1);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_uptime_seconds{worker_name="w"})"), 1568.74);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_cpu_cores{worker_name="w"})"), 2);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_cpu_utilization_rate{worker_name="w"})"), 40);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_memory_total_bytes{worker_name="w"})"), 1024000);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_memory_used_bytes{worker_name="w"})"), 768000);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_memory_utilization_rate{worker_name="w"})"), 75);
    const auto kernel = series.lower_bound("gpustack:worker_node_kernel_info{architecture=");
    ASSERT_NE(kernel, series.end());
    EXPECT_THAT(kernel->first, testing::HasSubstr(R"(name="Linux",release=)"));
}

TEST_F(HostCollectorTest, HasNoCpuUseBeforeTheSecondCollectionAndKeepsItWithinATick) {
    HostCollector host(settings());
    const auto* name = R"(gpustack:worker_node_cpu_utilization_rate{worker_name="w"})";
    EXPECT_FALSE(collect(host).contains(name));
    put("proc/stat", "cpu  110 0 100 890 0 0 0 0 0 0\n");
    EXPECT_EQ(collect(host).at(name), 10);
    EXPECT_EQ(collect(host).at(name), 10);  // no tick has passed
}

TEST_F(HostCollectorTest, WritesNodeExportersNamesWithNoLabelsOfOurs) {
    put("proc/net/dev", "Inter-|\n face |bytes\n eth0: 1 2 3 4 0 0 0 0 9 10 11 12 0 0 0 0\n");
    put("proc/pressure/memory", "some total=2500000\nfull total=1500000\n");
    put("proc/pressure/cpu", "some total=1\nfull total=2\n");
    put("proc/vmstat", "oom_kill 3\n");
    put("proc/diskstats", " 254 0 vda 1 2 4 3000 5 6 8 7000 9 10000 11000\n");
    HostCollector host(settings());
    const auto series = collect(host);
    EXPECT_EQ(series.at("node_load15"), 0.125);
    EXPECT_EQ(series.at(R"(node_cpu_seconds_total{cpu="1",mode="idle"})"), 4);
    EXPECT_EQ(series.at("node_context_switches_total"), 7);
    EXPECT_EQ(series.at("node_memory_Active_anon_bytes"), 9216);
    EXPECT_EQ(series.at("node_time_seconds"), 1);
    EXPECT_EQ(series.at(R"(node_network_receive_drop_total{device="eth0"})"), 4);
    EXPECT_EQ(series.at(R"(node_network_transmit_bytes_total{device="eth0"})"), 9);
    EXPECT_EQ(series.at("node_pressure_memory_waiting_seconds_total"), 2.5);
    EXPECT_EQ(series.at("node_pressure_memory_stalled_seconds_total"), 1.5);
    EXPECT_FALSE(
        series.contains("node_pressure_cpu_stalled_seconds_total"));  // node exporter has none
    EXPECT_EQ(series.at("node_vmstat_oom_kill"), 3);
    EXPECT_EQ(series.at(R"(node_disk_read_bytes_total{device="vda"})"), 2048);
    EXPECT_EQ(series.at(R"(node_disk_io_time_seconds_total{device="vda"})"), 10);
}

TEST_F(HostCollectorTest, SetsItsNodeNamesAsideForANodeExporterAndKeepsTheWorkers) {
    HostCollector host(settings());
    collect(host);
    host.set_node_exporter_present(true);
    for (const auto& [name, value] : collect(host)) EXPECT_FALSE(name.starts_with("node_")) << name;
    EXPECT_TRUE(appender_.latest().contains(R"(gpustack:worker_node_cpu_cores{worker_name="w"})"));
    host.set_node_exporter_present(false);
    EXPECT_TRUE(collect(host).contains("node_load1"));
}

TEST_F(HostCollectorTest, ShowsFileSystemsOfLocalDisksAndSharedMemoryApart) {
    put("proc/self/mounts",
        "/dev/vda " + root_.string() + " ext4 rw 0 0\nnas:/x /nowhere nfs rw 0 0\n");
    HostCollector host(settings());
    const auto series = collect(host);
    const auto place = "mountpoint=\"" + root_.string() + "\"";
    const auto total =
        series.at("gpustack:worker_node_filesystem_total_bytes{" + place + ",worker_name=\"w\"}");
    const auto used =
        series.at("gpustack:worker_node_filesystem_used_bytes{" + place + ",worker_name=\"w\"}");
    EXPECT_GT(total, 0);
    EXPECT_LE(used, total);
    EXPECT_THAT(series.at("gpustack:worker_node_filesystem_utilization_rate{" + place +
                          ",worker_name=\"w\"}"),
                DoubleNear(used / total * 100, 1e-3));
    EXPECT_EQ(
        series.at("node_filesystem_size_bytes{device=\"/dev/vda\",fstype=\"ext4\"," + place + "}"),
        total);
    put("proc/self/mounts", "none /dev/shm tmpfs rw 0 0\n");
    for (const auto& [name, value] : collect(host)) {
        EXPECT_FALSE(name.starts_with("gpustack:worker_node_filesystem")) << name;
    }
}

TEST_F(HostCollectorTest, BoundsCpusAndMemoryByTheContainersLimits) {
    put("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
    put("sys/fs/cgroup/cpu.max", "50000 100000\n");
    put("sys/fs/cgroup/cpuset.cpus.effective", "0-1\n");
    put("sys/fs/cgroup/cpu.stat", "usage_usec 1000000\nnr_periods 10\nnr_throttled 4\n");
    put("sys/fs/cgroup/memory.max", "512000\n");
    put("sys/fs/cgroup/memory.current", "300000\n");
    put("sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 44000\n");
    HostCollector host(settings());
    collect(host);
    put("sys/fs/cgroup/cpu.stat", "usage_usec 2000000\nnr_periods 30\nnr_throttled 5\n");
    const auto series = collect(host, kStart + 10s);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_cpu_cores{worker_name="w"})"), 0.5);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_cpu_utilization_rate{worker_name="w"})"),
              20);  // 1 s of 5 s
    EXPECT_EQ(series.at(R"(gpustack:worker_node_memory_total_bytes{worker_name="w"})"), 512000);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_memory_used_bytes{worker_name="w"})"), 256000);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_memory_utilization_rate{worker_name="w"})"), 50);
    EXPECT_EQ(series.at(R"(container_cpu_cfs_throttled_periods_total{worker_name="w"})"), 5);
    EXPECT_EQ(series.at("node_memory_MemTotal_bytes"),
              1024000);  // the machine's, as node exporter has it
}

TEST_F(HostCollectorTest, BoundsThemByVersionOnesLimits) {
    put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/cpu/cpu.stat", "nr_periods 1\nnr_throttled 0\n");
    put("sys/fs/cgroup/cpuacct/cpuacct.usage", "5000000000\n");
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");  // none
    HostCollector host(settings());
    collect(host);
    put("sys/fs/cgroup/cpuacct/cpuacct.usage", "6000000000\n");
    const auto series = collect(host, kStart + 2s);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_cpu_cores{worker_name="w"})"), 1);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_cpu_utilization_rate{worker_name="w"})"), 50);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_memory_total_bytes{worker_name="w"})"), 1024000);
}

TEST_F(HostCollectorTest, TakesTheWholeMachineWhereTheLimitsBoundNothing) {
    put("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
    put("sys/fs/cgroup/cpu.max", "max 100000\n");
    put("sys/fs/cgroup/cpuset.cpus.effective", "0-1\n");
    put("sys/fs/cgroup/memory.max", "max\n");
    HostCollector host(settings());
    const auto series = collect(host);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_cpu_cores{worker_name="w"})"), 2);
    EXPECT_EQ(series.at(R"(gpustack:worker_node_memory_used_bytes{worker_name="w"})"), 768000);
    EXPECT_FALSE(series.contains(R"(container_cpu_cfs_periods_total{worker_name="w"})"));
}

TEST_F(HostCollectorTest, CountsADamagedFileAndKeepsTheOthers) {
    put("proc/meminfo", "nothing here\n");
    HostCollector host(settings());
    collect(host);
    const auto series = collect(host);
    EXPECT_EQ(series.at(R"(inferscope_collect_errors_total{file="meminfo"})"), 2);
    EXPECT_FALSE(series.contains("node_memory_MemTotal_bytes"));
    EXPECT_EQ(series.at("node_load1"), 0.5);
}

TEST_F(HostCollectorTest, LeavesOutPerCpuTimesAndDevicesAboveTheirLimits) {
    put("proc/net/dev",
        "Inter-|\n face |bytes\n a: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n b: 1 1 1 1 1 1 1 1 1 1 1 1 1 "
        "1 1 1\n");
    auto bounded = settings();
    bounded.max_cpus = 1;
    bounded.max_devices = 1;
    HostCollector host(bounded);
    const auto series = collect(host);
    EXPECT_FALSE(series.contains(R"(node_cpu_seconds_total{cpu="0",mode="idle"})"));
    EXPECT_TRUE(series.contains(R"(node_network_receive_bytes_total{device="a"})"));
    EXPECT_FALSE(series.contains(R"(node_network_receive_bytes_total{device="b"})"));
    EXPECT_EQ(series.at("inferscope_collect_left_out"), 1);
}

TEST_F(HostCollectorTest, KeepsEachDevicesSeriesWhenOthersComeAndGo) {
    const auto device = [](char name, int bytes) {
        return std::string(" ") + name + ": " + std::to_string(bytes) +
               " 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n";
    };
    const std::string head = "Inter-|\n face |bytes\n";
    HostCollector host(settings());
    put("proc/net/dev", head + device('a', 1) + device('b', 2) + device('c', 3));
    collect(host);
    put("proc/net/dev", head + device('b', 20) + device('c', 30));
    auto series = collect(host);
    EXPECT_FALSE(series.contains(R"(node_network_receive_bytes_total{device="a"})"));
    EXPECT_EQ(series.at(R"(node_network_receive_bytes_total{device="b"})"), 20);
    EXPECT_EQ(series.at(R"(node_network_receive_bytes_total{device="c"})"), 30);
    put("proc/net/dev", head + device('d', 400) + device('a', 100) + device('c', 300));
    series = collect(host);
    EXPECT_EQ(series.at(R"(node_network_receive_bytes_total{device="d"})"), 400);
    EXPECT_EQ(series.at(R"(node_network_receive_bytes_total{device="a"})"), 100);
    EXPECT_EQ(series.at(R"(node_network_receive_bytes_total{device="c"})"), 300);
    EXPECT_FALSE(series.contains(R"(node_network_receive_bytes_total{device="b"})"));
}

TEST(HostCollector, ReadsThisMachine) {
    RecordingAppender appender;
    RowWriter rows(appender, "host");
    HostCollector host({});
    host.collect(0, kStart, rows);
    ASSERT_TRUE(rows.flush(1));
    const auto series = appender.latest();
    EXPECT_GT(series.at("node_memory_MemTotal_bytes"), 0);
    EXPECT_GE(series.at("node_boot_time_seconds"), 1);
    EXPECT_GT(series.at("gpustack:worker_node_cpu_cores"), 0);
    for (const auto& [name, value] : series)
        EXPECT_FALSE(name.starts_with("inferscope_collect_errors")) << name;
}

}  // namespace
}  // namespace inferscope::collect
