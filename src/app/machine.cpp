// SPDX-License-Identifier: Apache-2.0
#include "app/machine.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/log.h"
#include "collect/gpu_rows.h"
#include "collect/host_collector.h"
#include "collect/nvml/nvml_collector.h"
#include "discovery/target_finder.h"
#include "telemetry/row_writer.h"

namespace inferscope::app {
namespace {

/// A driver that doesn't end its call within this time is left behind.
constexpr Nanos kPatienceWithDriver = std::chrono::milliseconds(500);

Labels worker_labels(const MachineSettings& settings) {
    LabelsBuilder labels(settings.place);
    labels.set("instance", settings.host_name);
    return labels.build();
}

void flush(RowWriter& rows, Timestamp now) {
    if (const auto flushed = rows.flush(now); !flushed) log::error("{}", flushed.error().text);
}

}  // namespace

struct Machine::State {
    State(Appender& appender, const Clock& the_clock, MachineSettings the_settings)
        : clock(the_clock),
          settings(std::move(the_settings)),
          host_rows(appender, "host"),
          gpu_rows(appender, "gpu") {
        if (settings.host) {
            collect::HostSettings host_settings;
            host_settings.worker_labels = worker_labels(settings);
            host = std::make_unique<collect::HostCollector>(std::move(host_settings));
        }
        if (settings.gpu) {
            collect::NvmlSettings nvml;
            nvml.interval = settings.interval;
            gpus = std::make_shared<collect::NvmlCollector>(nvml);
            collect::GpuRowSettings rows;
            rows.worker_labels = worker_labels(settings);
            rows.host_name = settings.host_name;
            rows.stale_after = std::max<Nanos>(rows.stale_after, 4 * settings.interval);
            gpu_series = std::make_unique<collect::GpuRows>(std::move(rows));
        }
    }

    const Clock& clock;
    MachineSettings settings;
    RowWriter host_rows;
    RowWriter gpu_rows;
    std::unique_ptr<collect::HostCollector> host;
    std::shared_ptr<collect::NvmlCollector> gpus;
    std::unique_ptr<collect::GpuRows> gpu_series;
    bool is_driver_running = false;
};

Machine::Machine(Appender& appender, const Clock& clock, MachineSettings settings)
    : state_(std::make_unique<State>(appender, clock, std::move(settings))) {}

Machine::~Machine() = default;

void Machine::start() {
    if (!state_->gpus) return;
    std::thread([gpus = state_->gpus] { gpus->run(); }).detach();
    state_->is_driver_running = true;
}

bool Machine::stop() {
    return !state_->is_driver_running || state_->gpus->stop(kPatienceWithDriver);
}

void Machine::collect(Timestamp now) {
    const SteadyTime steady = state_->clock.steady();
    if (state_->host) {
        state_->host->collect(now, steady, state_->host_rows);
        flush(state_->host_rows, now);
    }
    if (state_->gpus) {
        const auto snapshot = state_->gpus->newest();
        state_->gpu_series->write(snapshot.get(), steady, state_->gpu_rows);
        flush(state_->gpu_rows, now);
    }
}

void Machine::set_exporters_present(bool node, bool dcgm) {
    if (state_->host) state_->host->set_node_exporter_present(node);
    if (state_->gpu_series) state_->gpu_series->set_dcgm_exporter_present(dcgm);
}

std::vector<GpuOfProcess> Machine::gpu_processes() const {
    std::vector<GpuOfProcess> all;
    const auto snapshot = state_->gpus ? state_->gpus->newest() : nullptr;
    if (!snapshot) return all;
    for (const auto& gpu : snapshot->gpus) {
        for (const auto& process : gpu.processes)
            all.push_back({gpu.uuid, static_cast<int>(process.pid)});
    }
    return all;
}

bool is_this_machine(std::string_view host) {
    if (host == "localhost" || host == "::1" || host.starts_with("127.")) return true;
    const auto names = discovery::local_names();
    return std::ranges::find(names, host) != names.end();
}

}  // namespace inferscope::app
