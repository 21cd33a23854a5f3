// SPDX-License-Identifier: Apache-2.0
// The series that say how engines do: states, what they fail to show, and GPUStack's six server
// metrics (mission row B2) made of them.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engines/engine_status.h"
#include "engines/state.h"
#include "telemetry/row_writer.h"

namespace inferscope::engines {

/// For each engine: `inferscope_engine_state{instance,job,runtime,model_name,state}`, 1 for its
/// state and 0 for the six others;
/// `inferscope_engine_expected_family_missing{instance,job,runtime,family,renamed_in,known_as} 1`.
/// Made afresh each second, so it keeps where the states' series stand.
class EngineStateRows {
public:
    /// `rows` is the same each time.
    void write(RowWriter& rows, std::span<const EngineStatus> engines);

private:
    using OfStates = std::array<SeriesRef, kEngineStates.size()>;
    absl::flat_hash_map<Labels, OfStates> series_;  ///< by their labels, without `state`
};

struct Cluster {
    std::string id = "1";
    std::string name = "default";
    std::string provider = "inferscope";
    std::string state = "ready";  ///< pending, provisioning, provisioned, ready
};

struct Worker {
    std::string id;
    std::string name;
    std::string state = "ready";
    std::vector<std::pair<std::string, std::string>>
        labels;  ///< those with legal names go on worker_info
};

/// Number of instances wanted of a model, by its name, where the configuration says one; else as
/// many as are known.
using DesiredInstances = std::map<std::string, std::uint64_t>;

/// gpustack:cluster_info, cluster_status{state}, worker_info, worker_status{state}, model_info (one
/// for each runtime that serves the model),
/// model_desired_instances, model_running_instances, model_instance_status{state}. Statuses are 1
/// for the present state and absent for others, as GPUStack has them. Running is what is measured:
/// an instance that answers and isn't known to hang. Source: reference of GPUStack's exporter,
/// label sets.
void write_server_metrics(RowWriter& rows, const Cluster& cluster, std::span<const Worker> workers,
                          std::span<const EngineStatus> engines, const DesiredInstances& desired);

/// GPUStack's word for the state of a model instance.
std::string_view instance_state(std::optional<EngineState> state);

}  // namespace inferscope::engines
