// SPDX-License-Identifier: Apache-2.0
// What is known of one engine, as /api/v1/engines shows it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "engines/state.h"
#include "mapping/target_mapping.h"
#include "probe/probe_result.h"
#include "telemetry/labels.h"

namespace inferscope::engines {

/// The model's name while nobody has told it.
inline constexpr std::string_view kUnknownModel = "unknown";

/// Who an engine is and where it stands; from configuration or discovery.
struct EngineFacts {
    std::string url;  ///< of its API, redacted
    std::string job;  ///< labels of its scrape target
    std::string instance;
    std::string runtime;  ///< canonical: "vLLM"; empty: unknown
    std::string worker_id;
    std::string worker_name;
    std::string model_id;             ///< empty: made of the model's name
    std::string model_name;           ///< empty: what the engine lists first
    std::string model_instance_name;  ///< empty: the instance
    std::string source;       ///< where its model comes from, as GPUStack says it: "huggingface",
                              ///< "local_path"; empty: unknown
    Labels labels;            ///< the target's further ones: on every series about this engine
    bool is_one_port = true;  ///< its metrics page is on the API's port
};

struct EngineStatus {
    EngineFacts facts;
    std::string version;
    std::vector<probe::ModelCard> models;
    std::optional<EngineState> state;  ///< nothing before the first look
    std::string reason;
    Timestamp since = 0;
    Timestamp last_scrape = 0;  ///< of the last page that was read; 0: none
    Timestamp last_probe = 0;   ///< 0: none
    std::vector<mapping::MissingFamily> missing;

    /// The configured name, else the first model that the engine lists, else "unknown".
    [[nodiscard]] std::string model_name() const;
};

/// `{"engines": [{url, instance, job, labels: {...}, runtime, version, models: [{id, owned_by,
/// root, max_model_len}], state, reason, since, last_scrape, last_probe, missing_families:
/// [{family, unified, renamed_in, known_as}]}]}`; times are RFC 3339 in UTC, null where there was
/// none. Bytes that aren't UTF-8 are replaced.
std::string engines_json(std::span<const EngineStatus> engines);

}  // namespace inferscope::engines
