// SPDX-License-Identifier: Apache-2.0
#include "collect/nvml/nvml_collector.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "collect/gpu_rows.h"
#include "doubles/fake_nvml.h"
#include "telemetry/recording_appender.h"

namespace inferscope::collect {
namespace {

using namespace std::chrono_literals;
using doubles::FakeNvml;
using testing::ElementsAre;

constexpr SteadyTime kStart{1h};
constexpr std::string_view kLabels0 =
    R"({DCGM_FI_DRIVER_VERSION="580.65.06",Hostname="host",UUID="GPU-0",device="nvidia7",gpu="0",)"
    R"(modelName="Fake H100",pci_bus_id="00000000:00:00.0"})";

/// The controls of the double that `path` is; it stays loaded, so that its state outlives a
/// session.
FakeNvml& controls(const char* path) {
    void* library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(library, nullptr) << ::dlerror();
    return *reinterpret_cast<FakeNvml* (*)()>(::dlsym(library, "fake_nvml_controls"))();
}

NvmlSettings with_library(std::string library) {
    NvmlSettings settings;
    settings.library = std::move(library);
    return settings;
}

GpuRowSettings row_settings() {
    GpuRowSettings settings;
    settings.host_name = "host";
    settings.worker_labels = Labels::from({{"worker_name", "w"}});
    return settings;
}

class NvmlCollectorTest : public testing::Test {
protected:
    void SetUp() override { fake_.reset(2); }

    std::map<std::string, double> rows_at(SteadyTime now) {
        const auto snapshot = collector_->newest();
        gpu_rows_.write(snapshot.get(), now, rows_);
        EXPECT_TRUE(rows_.flush(++time_));
        return appender_.latest();
    }
    std::map<std::string, double> step_and_rows(SteadyTime now) {
        collector_->step(now);
        return rows_at(now);
    }
    [[nodiscard]] const GpuState& gpu(std::size_t index) {
        snapshot_ = collector_->newest();
        return snapshot_->gpus.at(index);
    }
    [[nodiscard]] double value(std::size_t index, GpuField field) {
        return gpu(index).values.get(field);
    }
    void use_old_library() {
        controls(FAKE_NVML_OLD).reset(1);
        collector_ = std::make_shared<NvmlCollector>(with_library(FAKE_NVML_OLD));
    }

    FakeNvml& fake_ = controls(FAKE_NVML);
    std::shared_ptr<NvmlCollector> collector_ =
        std::make_shared<NvmlCollector>(with_library(FAKE_NVML));
    std::shared_ptr<const GpuSnapshot> snapshot_;
    RecordingAppender appender_;
    RowWriter rows_{appender_, "gpu"};
    GpuRows gpu_rows_{row_settings()};
    Timestamp time_ = 0;
};

TEST_F(NvmlCollectorTest, GivesTheDcgmNamesWithTheExportersLabelsAndUnits) {
    step_and_rows(kStart);
    const auto series = step_and_rows(kStart + 5s);
    const auto at = [&](const char* name) { return series.at(name + std::string(kLabels0)); };
    EXPECT_EQ(at("DCGM_FI_DEV_GPU_UTIL"), 90);
    EXPECT_EQ(at("DCGM_FI_DEV_FB_USED"), 61440);
    EXPECT_EQ(at("DCGM_FI_DEV_FB_FREE"), 19456);
    EXPECT_EQ(at("DCGM_FI_DEV_GPU_TEMP"), 50);
    EXPECT_EQ(at("DCGM_FI_DEV_POWER_USAGE"), 650.5);
    EXPECT_EQ(at("DCGM_FI_DEV_SM_CLOCK"), 1755);
    EXPECT_EQ(at("DCGM_FI_DEV_MEM_CLOCK"), 2619);
    EXPECT_EQ(at("DCGM_FI_DEV_PCIE_TX_THROUGHPUT"), 20 * 1048576);
    EXPECT_EQ(at("DCGM_FI_DEV_PCIE_RX_THROUGHPUT"), 21 * 1048576);
    EXPECT_EQ(at("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL"), 1);
    EXPECT_EQ(at("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL"), 2);
}

TEST_F(NvmlCollectorTest, GivesTheFurtherDcgmNames) {
    step_and_rows(kStart);
    const auto series = step_and_rows(kStart + 5s);
    const auto at = [&](const char* name) { return series.at(name + std::string(kLabels0)); };
    EXPECT_EQ(at("DCGM_FI_DEV_FB_TOTAL"), 81920);
    EXPECT_EQ(at("DCGM_FI_DEV_FB_RESERVED"), 1024);
    EXPECT_EQ(at("DCGM_FI_DEV_MEMORY_TEMP"), 60);
    EXPECT_EQ(at("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"), 123456789012);
    EXPECT_EQ(at("DCGM_FI_DEV_PCIE_REPLAY_COUNTER"), 5);
    EXPECT_EQ(at("DCGM_FI_DEV_MEM_COPY_UTIL"), 40);
    EXPECT_EQ(at("DCGM_FI_DEV_ENC_UTIL"), 3);
    EXPECT_EQ(at("DCGM_FI_DEV_DEC_UTIL"), 4);
    EXPECT_EQ(at("DCGM_FI_DEV_XID_ERRORS"), 0);
    EXPECT_EQ(at("DCGM_FI_DEV_POWER_MGMT_LIMIT"), 700);
    EXPECT_EQ(at("DCGM_FI_DEV_ENFORCED_POWER_LIMIT"), 690);
    EXPECT_EQ(at("DCGM_FI_DEV_SLOWDOWN_TEMP"), 87);
    EXPECT_EQ(at("DCGM_FI_DEV_SHUTDOWN_TEMP"), 92);
    EXPECT_EQ(at("DCGM_FI_DEV_PSTATE"), 0);
    EXPECT_EQ(at("DCGM_FI_DEV_FAN_SPEED"), 30);
    EXPECT_EQ(at("DCGM_FI_DEV_PCIE_LINK_GEN"), 4);
    EXPECT_EQ(at("DCGM_FI_DEV_PCIE_MAX_LINK_WIDTH"), 16);
    EXPECT_EQ(at("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS"), 2);
    EXPECT_EQ(at("DCGM_FI_DEV_ROW_REMAP_PENDING"), 1);
    EXPECT_EQ(at("DCGM_FI_DEV_RETIRED_DBE"), 30000);
    EXPECT_EQ(at("DCGM_FI_DEV_THERMAL_VIOLATION"), 75000);
    EXPECT_EQ(at("DCGM_FI_DEV_CLOCKS_EVENT_REASONS"), 0x24);
    EXPECT_EQ(at("DCGM_FI_DEV_ECC_DBE_AGG_TOTAL"), 12);
    EXPECT_EQ(at("DCGM_FI_PROF_SM_ACTIVE"), 0.02);
    EXPECT_EQ(at("DCGM_FI_PROF_NVLINK_RX_BYTES"), 60 * 1048576);
    EXPECT_EQ(at("DCGM_FI_DEV_GET_GPU_RECOVERY_ACTION"), 230000);
}

TEST_F(NvmlCollectorTest, GivesOurNamesByGpuAndUuid) {
    fake_.set_processes(0, {{77, 1000}});
    const auto series = step_and_rows(kStart);
    EXPECT_EQ(
        series.at(
            R"(inferscope_gpu_clock_event_active{UUID="GPU-0",gpu="0",reason="sw_power_cap"})"),
        1);
    EXPECT_EQ(
        series.at(
            R"(inferscope_gpu_clock_event_active{UUID="GPU-0",gpu="0",reason="hw_slowdown"})"),
        0);
    EXPECT_EQ(
        series.at(
            R"(inferscope_gpu_clock_event_seconds_total{UUID="GPU-0",gpu="0",reason="hw_thermal_slowdown"})"),
        270000 / 1e9);
    EXPECT_EQ(series.at(R"(inferscope_gpu_nvlink_transmit_bytes_total{UUID="GPU-0",gpu="0"})"),
              138000 * 1024);
    EXPECT_EQ(series.at(R"(inferscope_gpu_process_memory_bytes{UUID="GPU-0",pid="77"})"), 1000);
    EXPECT_EQ(series.at(R"(inferscope_gpu_lost{UUID="GPU-1",gpu="1"})"), 0);
    EXPECT_EQ(series.at("inferscope_gpu_driver_responsive"), 1);
}

TEST_F(NvmlCollectorTest, GivesGpustacksWorkerNamesAndTheInfoUnderBoth) {
    fake_.set_processes(0, {{77, 1000}, {78, 500}});
    const auto series = step_and_rows(kStart);
    const auto at = [&](const std::string& name) {
        return series.at(
            name + R"({gpu_chip_index="0",gpu_index="0",gpu_name="Fake H100",worker_name="w"})");
    };
    EXPECT_EQ(at("worker_node_gpu_info"), 1);
    EXPECT_EQ(at("gpustack:worker_node_gpu_info"), 1);
    EXPECT_EQ(at("gpustack:worker_node_gpu_cores"), 16896);
    EXPECT_EQ(at("gpustack:worker_node_gpu_utilization_rate"), 90);
    EXPECT_EQ(at("gpustack:worker_node_gpu_temperature_celsius"), 50);
    EXPECT_EQ(at("gpustack:worker_node_gpu_power_used_watts"), 650.5);
    EXPECT_EQ(at("gpustack:worker_node_gpu_power_limit_watts"), 700);
    EXPECT_EQ(at("gpustack:worker_node_gram_total_bytes"), 80.0 * (1 << 30));
    EXPECT_EQ(at("gpustack:worker_node_gram_used_bytes"), 60.0 * (1 << 30));
    EXPECT_EQ(at("gpustack:worker_node_gram_allocated_bytes"), 1500);
    EXPECT_EQ(at("gpustack:worker_node_gram_utilization_rate"), 75);
}

TEST_F(NvmlCollectorTest, SetsItsDcgmNamesAsideForADcgmExporterAndKeepsTheRest) {
    gpu_rows_.set_dcgm_exporter_present(true);
    const auto series = step_and_rows(kStart);
    for (const auto& [name, value] : series) EXPECT_FALSE(name.starts_with("DCGM_")) << name;
    EXPECT_TRUE(series.contains(R"(inferscope_gpu_lost{UUID="GPU-0",gpu="0"})"));
    EXPECT_TRUE(series.contains(
        R"(gpustack:worker_node_gpu_info{gpu_chip_index="0",gpu_index="1",gpu_name="Fake H100",worker_name="w"})"));
}

TEST_F(NvmlCollectorTest, DropsTheNumberOfACallThatTheCardLacksAndAsksAgainLater) {
    fake_.set_result("nvmlDeviceGetPowerUsage", nvml::kNotSupported, 1);
    collector_->step(kStart);
    EXPECT_TRUE(gpu(0).values.has(GpuField::power_milliwatts));
    EXPECT_FALSE(gpu(1).values.has(GpuField::power_milliwatts));
    EXPECT_TRUE(gpu(1).values.has(GpuField::temperature_celsius));
    EXPECT_EQ(fake_.calls("nvmlDeviceGetPowerUsage"), 2);
    collector_->step(kStart + 5s);
    EXPECT_EQ(fake_.calls("nvmlDeviceGetPowerUsage"), 3);  // GPU 0 alone
    fake_.set_result("nvmlDeviceGetPowerUsage", nvml::kSuccess, 1);
    collector_->step(kStart + 10min);
    EXPECT_EQ(value(1, GpuField::power_milliwatts), 650501);
}

TEST_F(NvmlCollectorTest, DropsAFieldThatTheCardLacksAndKeepsTheOthers) {
    fake_.set_result("field 82", nvml::kNotSupported);
    collector_->step(kStart);
    EXPECT_FALSE(gpu(0).values.has(GpuField::memory_temperature_celsius));
    EXPECT_TRUE(gpu(0).values.has(GpuField::thermal_violation_nanos));
}

TEST_F(NvmlCollectorTest, DropsAMemoryTemperatureOfZero) {
    collector_->step(kStart);
    EXPECT_EQ(value(0, GpuField::memory_temperature_celsius), 60);
    EXPECT_FALSE(gpu(1).values.has(GpuField::memory_temperature_celsius));  // no sensor there
}

TEST_F(NvmlCollectorTest, AsksAgainInTheNextRoundAfterAnErrorThatMayPass) {
    fake_.set_result("nvmlDeviceGetUtilizationRates", nvml::kUnknown);
    collector_->step(kStart);
    EXPECT_FALSE(gpu(0).values.has(GpuField::utilization_percent));
    fake_.set_result("nvmlDeviceGetUtilizationRates", nvml::kSuccess);
    collector_->step(kStart + 5s);
    EXPECT_EQ(value(0, GpuField::utilization_percent), 90);
}

TEST_F(NvmlCollectorTest, AsksRarelyForWhatHardlyChanges) {
    for (int i = 0; i < 12; ++i) collector_->step(kStart + i * 5s);
    EXPECT_EQ(fake_.calls("nvmlDeviceGetPowerManagementLimit"), 2);  // one for each GPU
    EXPECT_EQ(fake_.calls("nvmlDeviceGetPowerUsage"), 24);
    EXPECT_EQ(value(0, GpuField::power_limit_milliwatts), 700000);  // and still shows it
    collector_->step(kStart + 60s);
    EXPECT_EQ(fake_.calls("nvmlDeviceGetPowerManagementLimit"), 4);
}

TEST_F(NvmlCollectorTest, KeepsTheOtherGpusWhenOneIsLostAndTakesItBackWhenItReturns) {
    step_and_rows(kStart);
    fake_.set_result("*", nvml::kGpuIsLost, 0);
    auto series = step_and_rows(kStart + 5s);
    EXPECT_EQ(series.at(R"(inferscope_gpu_lost{UUID="GPU-0",gpu="0"})"), 1);
    for (const auto& [name, value] : series) {
        const bool is_of_lost = name.contains("GPU-0") || name.contains(R"(gpu_index="0")");
        EXPECT_TRUE(!is_of_lost || name.starts_with("inferscope_gpu_lost")) << name;
    }
    EXPECT_TRUE(
        series.contains(R"(inferscope_gpu_nvlink_receive_bytes_total{UUID="GPU-1",gpu="1"})"));
    EXPECT_EQ(series.at("inferscope_gpu_driver_responsive"), 1);
    fake_.set_result("*", nvml::kSuccess, 0);
    collector_->step(kStart + 10s);  // a lost GPU comes back with a new session only
    EXPECT_TRUE(gpu(0).lost);
    collector_->step(kStart + 60s);
    EXPECT_FALSE(gpu(0).lost);
    EXPECT_EQ(value(0, GpuField::utilization_percent), 90);
}

TEST_F(NvmlCollectorTest, LeavesOutAGpuThatCannotBeOpened) {
    fake_.set_result("nvmlDeviceGetHandleByIndex_v2", nvml::kGpuIsLost, 0);
    collector_->step(kStart);
    ASSERT_EQ(collector_->newest()->gpus.size(), 1u);
    EXPECT_EQ(gpu(0).uuid, "GPU-1");
    EXPECT_EQ(gpu(0).index, 1u);
}

TEST_F(NvmlCollectorTest, ShowsAGpuAsLostThatWasThereAndCannotBeOpenedAnyMore) {
    collector_->step(kStart);
    fake_.set_result("*", nvml::kGpuIsLost, 0);
    collector_->step(kStart + 5s);
    collector_->step(kStart + 60s);  // the new session can't open it
    const auto series = step_and_rows(kStart + 65s);
    EXPECT_EQ(series.at(R"(inferscope_gpu_lost{UUID="GPU-0",gpu="0"})"), 1);
    EXPECT_EQ(series.at(R"(inferscope_gpu_lost{UUID="GPU-1",gpu="1"})"), 0);
}

TEST_F(NvmlCollectorTest, ListsTheGpusAnewWhenTheirNumberChanges) {
    collector_->step(kStart);
    fake_.set_gpus(3);
    collector_->step(kStart + 5s);
    EXPECT_EQ(collector_->newest()->gpus.size(), 2u);
    collector_->step(kStart + 60s);
    EXPECT_EQ(collector_->newest()->gpus.size(), 3u);
}

TEST_F(NvmlCollectorTest, FallsBackToWhatAnOldLibraryHas) {
    use_old_library();
    controls(FAKE_NVML_OLD).set_processes(0, {{5, 50}});
    collector_->step(kStart);
    EXPECT_EQ(value(0, GpuField::memory_used_bytes),
              61.0 * (1 << 30));  // version 1 counts the reserved
    EXPECT_FALSE(gpu(0).values.has(GpuField::memory_reserved_bytes));
    EXPECT_EQ(value(0, GpuField::temperature_celsius), 50);
    EXPECT_EQ(value(0, GpuField::clock_event_reasons), 0x24);
    EXPECT_THAT(gpu(0).processes, ElementsAre(GpuProcess{5, 50}));
    EXPECT_FALSE(gpu(0).values.has(GpuField::remapped_rows_corrected));
    EXPECT_FALSE(gpu(0).values.has(GpuField::sm_active_percent));
}

TEST_F(NvmlCollectorTest, MeasuresPcieThroughputAfterTheSnapshotWhereTheCardHasNoCounters) {
    use_old_library();
    auto& old = controls(FAKE_NVML_OLD);
    collector_->step(kStart);
    EXPECT_FALSE(gpu(0).values.has(GpuField::pcie_tx_bytes_per_second));
    EXPECT_EQ(old.calls("nvmlDeviceGetPcieThroughput"), 2);
    collector_->step(kStart + 5s);
    EXPECT_EQ(value(0, GpuField::pcie_tx_bytes_per_second), 1500e3);
    EXPECT_EQ(value(0, GpuField::pcie_rx_bytes_per_second), 2500e3);
}

TEST_F(NvmlCollectorTest, SparesTheSlowPcieCallWhereTheProfilerGivesIt) {
    for (int i = 0; i < 5; ++i) collector_->step(kStart + i * 5s);
    EXPECT_EQ(fake_.calls("nvmlDeviceGetPcieThroughput"),
              4);  // the first round, before there are two samples
    EXPECT_EQ(value(0, GpuField::pcie_tx_bytes_per_second), 20 * 1048576);
}

TEST_F(NvmlCollectorTest, MeasuresPcieThroughputWhereTheProfilerIsNotPermitted) {
    fake_.set_result("nvmlGpmSampleGet", nvml::kNoPermission);
    collector_->step(kStart);
    collector_->step(kStart + 5s);
    EXPECT_EQ(fake_.calls("nvmlGpmSampleGet"), 2);  // once for each GPU, then not for a while
    EXPECT_EQ(value(0, GpuField::pcie_tx_bytes_per_second), 1500e3);
}

TEST_F(NvmlCollectorTest, SumsTheLinksWhereNvlinkGivesNoSum) {
    fake_.set_result("field 138", nvml::kNotSupported);
    collector_->step(kStart);
    EXPECT_EQ(value(0, GpuField::nvlink_tx_bytes), 18 * 7);
    EXPECT_EQ(value(0, GpuField::nvlink_rx_bytes), 18 * 9);
}

TEST_F(NvmlCollectorTest, SumsAProcessOverItsInstancesAndSortsByMemory) {
    fake_.set_processes(0, {{1, 10}, {2, 30}, {1, 25}, {3, nvml::kBytesNotAvailable}});
    collector_->step(kStart);
    EXPECT_THAT(gpu(0).processes, ElementsAre(GpuProcess{1, 35}, GpuProcess{2, 30}));
}

TEST_F(NvmlCollectorTest, ListsTheLargestProcessesWhenThereAreMany) {
    std::vector<FakeNvml::Process> many;
    for (unsigned pid = 1; pid <= 300; ++pid) many.push_back({pid, pid});
    fake_.set_processes(0, many);
    collector_->step(kStart);
    ASSERT_EQ(gpu(0).processes.size(), kMaxGpuProcesses);
    EXPECT_EQ(gpu(0).processes.front(), (GpuProcess{300, 300}));
}

TEST_F(NvmlCollectorTest, GivesNoAllocatedMemoryWhereProcessesCannotBeListed) {
    fake_.set_result("nvmlDeviceGetComputeRunningProcesses_v3", nvml::kNoPermission);
    for (const auto& [name, value] : step_and_rows(kStart)) {
        EXPECT_FALSE(name.starts_with("gpustack:worker_node_gram_allocated_bytes")) << name;
    }
}

TEST_F(NvmlCollectorTest, CountsXidEventsByCodeAndShowsTheLastOne) {
    collector_->step(kStart);
    for (const unsigned xid : {31U, 79U, 79U}) fake_.push_xid(1, xid);
    EXPECT_TRUE(collector_->take_events(0ms));
    const auto series = step_and_rows(kStart + 5s);
    EXPECT_EQ(value(0, GpuField::last_xid), 0);
    EXPECT_EQ(value(1, GpuField::last_xid), 79);
    EXPECT_EQ(series.at(R"(inferscope_gpu_xid_events_total{UUID="GPU-1",gpu="1",xid="31"})"), 1);
    EXPECT_EQ(series.at(R"(inferscope_gpu_xid_events_total{UUID="GPU-1",gpu="1",xid="79"})"), 2);
}

TEST_F(NvmlCollectorTest, KeepsItsXidCountsOverSessionsAndWhileTheGpuIsLost) {
    collector_->step(kStart);
    fake_.push_xid(0, 79);
    collector_->take_events(0ms);
    fake_.set_result("*", nvml::kGpuIsLost, 0);
    const auto series = step_and_rows(kStart + 5s);
    EXPECT_EQ(series.at(R"(inferscope_gpu_xid_events_total{UUID="GPU-0",gpu="0",xid="79"})"), 1);
    fake_.set_result("*", nvml::kSuccess, 0);
    collector_->step(kStart + 60s);
    EXPECT_THAT(gpu(0).xids, ElementsAre(XidCount{79, 1}));
}

TEST_F(NvmlCollectorTest, CountsRareXidCodesTogetherWhenThereAreTooMany) {
    collector_->step(kStart);
    for (std::uint64_t xid = 1; xid <= 2 * kMaxXids; ++xid) fake_.push_xid(0, xid);
    collector_->take_events(0ms);
    collector_->step(kStart + 5s);
    ASSERT_EQ(gpu(0).xids.size(), kMaxXids);
    EXPECT_EQ(gpu(0).xids.back(), (XidCount{999, kMaxXids + 1}));
}

TEST_F(NvmlCollectorTest, DoesNotSpinWhenEventsCannotBeHad) {
    fake_.set_result("nvmlEventSetWait_v2", nvml::kGpuIsLost);
    collector_->step(kStart);
    EXPECT_FALSE(collector_->take_events(200ms));
    fake_.set_result("nvmlDeviceRegisterEvents", nvml::kNotSupported);
    auto unwatched = std::make_shared<NvmlCollector>(with_library(FAKE_NVML));
    unwatched->step(kStart);
    EXPECT_FALSE(unwatched->take_events(200ms));
    EXPECT_FALSE(unwatched->newest()->gpus[0].values.has(GpuField::last_xid));
}

TEST_F(NvmlCollectorTest, SaysNothingOnAMachineWithoutTheLibraryAndLooksAgainEverMoreRarely) {
    collector_ = std::make_shared<NvmlCollector>(with_library("/nonexistent/libnvidia-ml.so.1"));
    EXPECT_EQ(collector_->step(kStart), kStart + 5s);
    EXPECT_EQ(collector_->newest()->driver, DriverState::absent);
    EXPECT_THAT(collector_->newest()->problem,
                testing::HasSubstr("/nonexistent/libnvidia-ml.so.1"));
    EXPECT_TRUE(rows_at(kStart + 1h).empty());
    EXPECT_EQ(collector_->step(kStart + 5s), kStart + 15s);
    auto due = kStart + 15s;
    for (int i = 0; i < 20; ++i) due = collector_->step(due);
    EXPECT_EQ(collector_->step(due) - due, 5min);
}

TEST_F(NvmlCollectorTest, SaysNothingWhileTheDriverIsNotLoadedAndStartsWhenItIs) {
    fake_.set_result("nvmlInit_v2", nvml::kDriverNotLoaded);
    EXPECT_TRUE(step_and_rows(kStart).empty());
    fake_.set_result("nvmlInit_v2", nvml::kSuccess);
    EXPECT_EQ(step_and_rows(kStart + 5s).at("inferscope_gpu_driver_responsive"), 1);
}

TEST_F(NvmlCollectorTest, SaysThatABrokenDriverDoesNotRespond) {
    fake_.set_result("nvmlInit_v2", nvml::kLibraryMismatch);
    EXPECT_EQ(step_and_rows(kStart),
              (std::map<std::string, double>{{"inferscope_gpu_driver_responsive", 0}}));
    EXPECT_EQ(collector_->newest()->problem, "nvmlInit_v2 answers LIB_RM_VERSION_MISMATCH");
}

TEST_F(NvmlCollectorTest, StartsTheLibraryAnewWhenTheDriverWasUnloaded) {
    step_and_rows(kStart);
    fake_.set_result("nvmlDeviceGetUtilizationRates", nvml::kUninitialized);
    EXPECT_EQ(step_and_rows(kStart + 5s),
              (std::map<std::string, double>{{"inferscope_gpu_driver_responsive", 0}}));
    EXPECT_EQ(fake_.calls("nvmlShutdown"), 1);
    fake_.set_result("nvmlInit_v2",
                     nvml::kDriverNotLoaded);  // it ran before: not absent, but failed
    EXPECT_EQ(step_and_rows(kStart + 10s).at("inferscope_gpu_driver_responsive"), 0);
    fake_.set_result("nvmlInit_v2", nvml::kSuccess);
    fake_.set_result("nvmlDeviceGetUtilizationRates", nvml::kSuccess);
    EXPECT_EQ(step_and_rows(kStart + 20s).at("inferscope_gpu_driver_responsive"), 1);
}

TEST_F(NvmlCollectorTest, RefusesALibraryThatIsNotTheDrivers) {
    collector_ = std::make_shared<NvmlCollector>(with_library("libm.so.6"));
    EXPECT_TRUE(step_and_rows(kStart).empty());
    EXPECT_THAT(collector_->newest()->problem,
                testing::StartsWith("libm.so.6 is not the GPU driver's library"));
}

TEST_F(NvmlCollectorTest, DeclaresASnapshotStaleWhenNoNewOneComes) {
    step_and_rows(kStart);
    EXPECT_TRUE(rows_at(kStart + 20s).contains(R"(inferscope_gpu_lost{UUID="GPU-0",gpu="0"})"));
    EXPECT_EQ(rows_at(kStart + 21s),
              (std::map<std::string, double>{{"inferscope_gpu_driver_responsive", 0}}));
}

/// run() on a detached thread, as in the application.
class NvmlThread : public NvmlCollectorTest {
protected:
    void start() {
        NvmlSettings settings = with_library(FAKE_NVML);
        settings.interval = 1ms;
        collector_ = std::make_shared<NvmlCollector>(settings);
        std::thread([collector = collector_] { collector->run(); }).detach();
    }
    void wait_for_snapshot(DriverState state) {
        while (!collector_->newest() || collector_->newest()->driver != state)
            std::this_thread::yield();
    }
};

TEST_F(NvmlThread, HandsOverSnapshotsUntilItIsStopped) {
    start();
    wait_for_snapshot(DriverState::running);
    EXPECT_EQ(value(1, GpuField::utilization_percent), 91);
    EXPECT_TRUE(collector_->stop(1min));
    EXPECT_EQ(fake_.calls("nvmlShutdown"), 1);
}

TEST_F(NvmlThread, LeavesReadersAndTheirEndUntouchedWhenTheDriverHangs) {
    start();
    wait_for_snapshot(DriverState::running);
    fake_.hang_in("nvmlDeviceGetPowerUsage");
    fake_.wait_for_hang();
    const auto hung_since = collector_->newest()->taken;
    EXPECT_EQ(rows_at(hung_since).at("inferscope_gpu_driver_responsive"), 1);
    EXPECT_EQ(rows_at(hung_since + 21s),
              (std::map<std::string, double>{{"inferscope_gpu_driver_responsive", 0}}));
    EXPECT_FALSE(collector_->stop(1ms));
    const std::weak_ptr<NvmlCollector> watched = collector_;
    collector_.reset();
    EXPECT_FALSE(watched.expired());  // the hung thread still holds what it will touch
    fake_.release();
    while (!watched.expired()) std::this_thread::yield();
}

TEST_F(NvmlThread, SaysThatADriverWhichHangsInItsStartDoesNotRespond) {
    fake_.hang_in("nvmlInit_v2");
    start();
    fake_.wait_for_hang();
    const auto begun = collector_->newest()->taken;
    EXPECT_EQ(collector_->newest()->driver, DriverState::starting);
    EXPECT_TRUE(rows_at(begun + 1s).empty());
    EXPECT_EQ(rows_at(begun + 21s),
              (std::map<std::string, double>{{"inferscope_gpu_driver_responsive", 0}}));
    fake_.release();
    wait_for_snapshot(DriverState::running);
    EXPECT_TRUE(collector_->stop(1min));
}

TEST(RealGpu, GivesPlausibleNumbers) {
    NvmlCollector collector((NvmlSettings()));
    collector.step(kStart);
    auto snapshot = collector.newest();
    if (snapshot->driver != DriverState::running || snapshot->gpus.empty()) {
        GTEST_SKIP() << "no NVIDIA GPU here: " << snapshot->problem;
    }
    collector.step(SystemClock().steady() + 1h);
    snapshot = collector.newest();
    for (const auto& gpu : snapshot->gpus) {
        EXPECT_THAT(gpu.uuid, testing::StartsWith("GPU-"));
        EXPECT_FALSE(gpu.name.empty());
        const auto total = gpu.values.get(GpuField::memory_total_bytes);
        EXPECT_GT(total, 1e9);
        EXPECT_LE(gpu.values.get(GpuField::memory_used_bytes), total);
        EXPECT_GT(gpu.values.get(GpuField::temperature_celsius), 0);
        EXPECT_LT(gpu.values.get(GpuField::temperature_celsius), 120);
        EXPECT_GT(gpu.values.get(GpuField::power_milliwatts), 1000);
        EXPECT_TRUE(gpu.values.has(GpuField::pcie_tx_bytes_per_second));
        EXPECT_TRUE(gpu.values.has(GpuField::cores));
    }
}

}  // namespace
}  // namespace inferscope::collect
