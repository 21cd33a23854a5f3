// SPDX-License-Identifier: Apache-2.0
// The pure parsers of kernel files, on pages of real kernels and on damaged ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

namespace inferscope::collect {
namespace {

using testing::ElementsAre;
using testing::Field;

TEST(Stat, ReadsTotalsCpusAndSingleNumbers) {
    const auto stat = parse_stat(
        "cpu  9455 1 2240 301325 457 2 61 64 10 3\n"
        "cpu0 4586 0 1212 150600 360 0 9 31 0 0\n"
        "cpu3 4868 0 1028 150724 96 0 51 33 0 0\n"
        "intr 241175 0 9 0 0\n"
        "ctxt 429305\nbtime 1795308650\nprocesses 4242\nprocs_running 3\nprocs_blocked 1\n"
        "softirq 1 2 3\n");
    ASSERT_TRUE(stat);
    EXPECT_THAT(stat->total.ticks, ElementsAre(9455, 1, 2240, 301325, 457, 2, 61, 64, 10, 3));
    ASSERT_EQ(stat->cpus.size(), 2u);
    EXPECT_EQ(stat->cpus[1].number, "3");
    EXPECT_EQ(stat->cpus[1].times.at(CpuMode::steal), 33u);
    EXPECT_EQ(stat->interrupts, 241175u);
    EXPECT_EQ(stat->context_switches, 429305u);
    EXPECT_EQ(stat->boot_time, 1795308650u);
    EXPECT_EQ(stat->forks, 4242u);
    EXPECT_EQ(stat->running, 3u);
    EXPECT_EQ(stat->blocked, 1u);
}

TEST(Stat, FailsWithoutTheLineOfAllCpus) {
    EXPECT_FALSE(parse_stat(""));
    EXPECT_FALSE(parse_stat("cpu0 1 2 3 4\n"));
    EXPECT_FALSE(parse_stat("cpu 1 2 x 4\n"));
}

TEST(Stat, CountsNeitherIdleNorIoWaitNorGuestTwiceAsBusy) {
    CpuTimes before{.ticks = {100, 0, 100, 1000, 50, 0, 0, 0, 40, 0}};
    CpuTimes after{.ticks = {130, 0, 110, 1050, 60, 0, 0, 0, 70, 0}};  // guest is in user already
    EXPECT_DOUBLE_EQ(after.busy_ratio_since(before), 0.4);             // 40 of 100
    EXPECT_DOUBLE_EQ(after.busy_ratio_since(after), 0);
    before.ticks[4] = 90;  // the kernel's iowait ran backwards: 90 -> 60 counts as no time
    EXPECT_DOUBLE_EQ(after.busy_ratio_since(before), 40.0 / 90);
}

TEST(Meminfo, GivesBytesAndPlainCounts) {
    const auto info = parse_meminfo(
        "MemTotal:       24684084 kB\nMemFree:        100 kB\nBuffers: 10 kB\nCached: 20 kB\n"
        "Active(anon): 5 kB\nHugePages_Total:       4\nrubbish\nBad: x kB\n");
    ASSERT_TRUE(info);
    EXPECT_EQ(info->get("MemTotal"), 25276502016u);
    EXPECT_EQ(info->get("HugePages_Total"), 4u);
    EXPECT_EQ(info->get("Bad"), std::nullopt);
    EXPECT_EQ(info->available(), 130u * 1024);  // an old kernel: no MemAvailable
    EXPECT_FALSE(info->fields.back().in_bytes);
}

TEST(Meminfo, FailsWithoutMemTotal) { EXPECT_FALSE(parse_meminfo("MemFree: 1 kB\n")); }

TEST(Loadavg, ReadsThreeMeansAndRefusesRubbish) {
    const auto load = parse_loadavg("0.52 1.04 12.00 2/345 6789\n");
    ASSERT_TRUE(load);
    EXPECT_THAT(*load, ElementsAre(0.52, 1.04, 12));
    EXPECT_EQ(parse_loadavg("0.5 much").error().text, "'much' is not a number");
}

TEST(Uptime, ReadsSeconds) {
    EXPECT_EQ(parse_uptime("1568.74 3013.26\n"), 1568.74);
    EXPECT_FALSE(parse_uptime(""));
}

TEST(NetDev, ReadsNamesWithColonsAndCountersWithoutBlankBeforeThem) {
    const auto devices = parse_net_dev(
        "Inter-|   Receive                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
        "    lo:    3267      29    0    0    0     0          0         0     3267      29    0   "
        " 0    0"
        "     0       0          0\n"
        "eth0:1:18446744073709551615 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
        "  bad: 1 2 3\n");
    ASSERT_TRUE(devices);
    ASSERT_EQ(devices->size(), 2u);
    EXPECT_EQ((*devices)[0].name, "lo");
    EXPECT_EQ((*devices)[0].counters[8], 3267u);
    EXPECT_EQ((*devices)[1].name, "eth0:1");
    EXPECT_EQ((*devices)[1].counters[0], 18446744073709551615u);
    EXPECT_EQ((*devices)[1].counters[11], 12u);
    EXPECT_FALSE(parse_net_dev("eth0: 1 2\n"));
}

TEST(Pressure, ReadsTotalsAndDoesWithoutFull) {
    const auto both = parse_pressure(
        "some avg10=0.00 avg60=0.00 avg300=0.12 total=3575157\nfull avg10=0.00 total=3417305\n");
    ASSERT_TRUE(both);
    EXPECT_EQ(both->some, 3575157u);
    EXPECT_EQ(both->full, 3417305u);
    const auto old_kernel = parse_pressure("some avg10=0.00 total=7\n");
    ASSERT_TRUE(old_kernel);
    EXPECT_EQ(old_kernel->full, std::nullopt);
    EXPECT_FALSE(parse_pressure("some avg10=0.00\n"));
}

TEST(Mounts, ResolvesOctalEscapes) {
    EXPECT_THAT(parse_mounts("/dev/sda1 /mnt/my\\040disk\\134x ext4 rw 0 0\nshort line\n"),
                ElementsAre(Mount{"/dev/sda1", "/mnt/my disk\\x", "ext4"}));
}

TEST(Mounts, KeepsLocalDisksOnceEachAndNoNetworkFileSystem) {
    const auto local = local_file_systems(parse_mounts("overlay / overlay rw 0 0\n"
                                                       "proc /proc proc rw 0 0\n"
                                                       "/dev/sdb1 /etc/hosts ext4 rw 0 0\n"
                                                       "/dev/sdb1 /srv ext4 rw 0 0\n"
                                                       "nas:/models /models nfs4 rw 0 0\n"
                                                       "overlay /var/lib/docker/x overlay rw 0 0\n"
                                                       "/dev/sdc1 /data xfs rw 0 0\n"
                                                       "/dev/sdd1 /data btrfs rw 0 0\n"),
                                          8);
    EXPECT_THAT(local,
                ElementsAre(Mount{"overlay", "/", "overlay"}, Mount{"/dev/sdd1", "/data", "btrfs"},
                            Mount{"/dev/sdb1", "/srv", "ext4"}));
}

TEST(Mounts, AreAtMostAsManyAsTheLimit) {
    EXPECT_EQ(local_file_systems(parse_mounts("/dev/a /a ext4 rw\n/dev/b /b ext4 rw\n"), 1).size(),
              1u);
}

TEST(Diskstats, KeepsWholeDisksOnly) {
    const auto disks = parse_diskstats(
        "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0\n"
        " 254       0 vda 30999 7915 3311034 10165 25314 10538 2546128 7851 2 6176 18329 4908 65\n"
        " 254       1 vda1 1 1 1 1 1 1 1 1 1 1 1\n"
        " 259       0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11\n"
        " 259       1 nvme0n1p1 1 2 3 4 5 6 7 8 9 10 11\n"
        " 253       0 zram0 0 0 0 0 0 0 0 0 0 0 0\n"
        "   9       0 md0 1 2 3 4 5 6 7 8 9 10 11\n"
        "   8       0 sda 1 2 3\n");
    EXPECT_THAT(disks,
                ElementsAre(Field(&DiskStats::name, "vda"), Field(&DiskStats::name, "nvme0n1"),
                            Field(&DiskStats::name, "md0")));
    EXPECT_EQ(disks[0].reads, 30999u);
    EXPECT_EQ(disks[0].read_sectors, 3311034u);
    EXPECT_EQ(disks[0].read_millis, 10165u);
    EXPECT_EQ(disks[0].writes, 25314u);
    EXPECT_EQ(disks[0].written_sectors, 2546128u);
    EXPECT_EQ(disks[0].write_millis, 7851u);
    EXPECT_EQ(disks[0].in_flight, 2u);
    EXPECT_EQ(disks[0].busy_millis, 6176u);
    EXPECT_EQ(disks[0].weighted_millis, 18329u);
}

TEST(Vmstat, KeepsWhatNodeExporterKeeps) {
    const auto events =
        parse_vmstat("nr_free_pages 1\npgpgin 2\npswpout 3\npgmajfault 4\npgsteal 5\noom_kill 6\n");
    EXPECT_THAT(events,
                ElementsAre(Field(&VmEvent::key, "pgpgin"), Field(&VmEvent::key, "pswpout"),
                            Field(&VmEvent::key, "pgmajfault"), Field(&VmEvent::key, "oom_kill")));
    EXPECT_EQ(events.back().count, 6u);
}

TEST(OsRelease, UnquotesAndFallsBackToTheVersionId) {
    const auto debian = parse_os_release(
        "PRETTY_NAME=\"x\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 "
        "(\\\"bookworm\\\")\"\n");
    EXPECT_EQ(debian.name, "Debian GNU/Linux");
    EXPECT_EQ(debian.version, "12 (\"bookworm\")");
    const auto alpine = parse_os_release("NAME='Alpine Linux'\nVERSION_ID=3.20.1\n");
    EXPECT_EQ(alpine.name, "Alpine Linux");
    EXPECT_EQ(alpine.version, "3.20.1");
    EXPECT_EQ(parse_os_release("").name, "Linux");
}

TEST(Cgroup, ReadsLimitsOfBothVersions) {
    EXPECT_EQ(parse_cpu_max("150000 100000\n"), 1.5);
    EXPECT_EQ(parse_cpu_max("max 100000\n"), std::nullopt);
    EXPECT_EQ(parse_cpu_max("100000 0\n"), std::nullopt);
    EXPECT_EQ(parse_cfs_quota("-1\n", "100000\n"), std::nullopt);
    EXPECT_EQ(parse_cfs_quota("50000\n", "100000\n"), 0.5);
    EXPECT_EQ(parse_byte_count("max\n"), std::nullopt);
    EXPECT_EQ(parse_byte_count("1073741824\n"), 1073741824u);
    EXPECT_EQ(find_flat_key("anon 1\ninactive_file 42\n", "inactive_file"), 42u);
    EXPECT_EQ(find_flat_key("anon 1\n", "inactive_file"), std::nullopt);
}

TEST(Cgroup, CountsTheCpusOfAList) {
    EXPECT_EQ(count_cpu_list("0-3,8,10-11\n"), 7);
    EXPECT_EQ(count_cpu_list("5\n"), 1);
    EXPECT_EQ(count_cpu_list("\n"), std::nullopt);
    EXPECT_EQ(count_cpu_list("3-1\n"), std::nullopt);
    EXPECT_EQ(count_cpu_list("0-99999999999\n"), std::nullopt);
    EXPECT_EQ(count_cpu_list("a-b\n"), std::nullopt);
}

}  // namespace
}  // namespace inferscope::collect
