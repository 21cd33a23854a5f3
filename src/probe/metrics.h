// SPDX-License-Identifier: Apache-2.0
// The metrics of the seed's vLLM exporter (mission row D2), for any engine: names, types and
// counting as there. Pure: fed with how requests ended, written out as one row.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "probe/answers.h"
#include "probe/exchange.h"
#include "telemetry/row_writer.h"

namespace inferscope::probe {

/// Counters and gauges are there from the start, at 0, so that rate() sees the first error, too;
/// `vllm_model_info` from the first list of models on. Thread: confined to one.
class ProbeMetrics {
public:
    ProbeMetrics();

    /// 200: up 1, loaded 1, a success. Another status: up 1, loaded 0. Silent: up 1, loaded 0, an
    /// error `timeout`. Unreachable: up 0, loaded 0, an error `connection_error`; both also a
    /// scrape error of `health`. Latency is observed for every answer, whatever its status.
    void on_health(const Exchange& health);
    /// A list of models is a success, the first model becomes `vllm_model_info`; everything else is
    /// a scrape error of `models` and changes nothing more.
    void on_models(const Result<ModelList>& models);
    /// One round has taken `duration`.
    void on_round(Nanos duration);

    void write(RowWriter& rows) const;

private:
    std::uint64_t successes_ = 0;
    std::map<std::string, std::uint64_t> errors_{{"timeout", 0}, {"connection_error", 0}};
    std::map<std::string, std::uint64_t> scrape_errors_{{"health", 0}, {"models", 0}};
    bool is_up_ = false;
    bool is_loaded_ = false;
    std::size_t available_models_ = 0;
    std::optional<ModelCard> model_;
    std::int64_t max_model_len_ = 0;
    double round_seconds_ = 0;
    Histogram latency_;
};

}  // namespace inferscope::probe
