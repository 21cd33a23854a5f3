// SPDX-License-Identifier: Apache-2.0
// Asks one engine, round by round, whether it is there, ready, and what it serves.
#pragma once

#include <functional>

#include "base/time.h"
#include "net/async.h"
#include "net/http_client.h"
#include "probe/config.h"
#include "probe/endpoints.h"
#include "probe/exchange.h"
#include "probe/metrics.h"
#include "probe/probe_result.h"
#include "telemetry/row_writer.h"

namespace inferscope::probe {

/// One kept-alive connection, one request at a time, at most four small GETs in a round. Neither
/// generates tokens nor loads nor wakes models. Thread: confined to the executor.
class EngineProbe {
public:
    using OnResult = std::function<void(const ProbeResult&)>;

    /// `clock` and `appender` outlive the probe. `on_result` (may be empty) is called at the end of
    /// each round.
    EngineProbe(net::Executor executor, const Clock& clock, ProbeSettings settings,
                Appender& appender, OnResult on_result);

    /// One round. For whoever schedules it: never while the same engine is being scraped. Returns
    /// at once while another round runs.
    net::Task<void> run_once();
    /// Rounds at the settings' interval until cancelled.
    net::Task<void> run();

    /// Appends the present numbers as a row: done after each round; before the first one only on
    /// demand.
    void publish(Timestamp now);

    [[nodiscard]] bool is_busy() const { return is_busy_; }
    [[nodiscard]] const ProbeResult& result() const { return result_; }
    [[nodiscard]] const ProbeSettings& settings() const { return settings_; }

private:
    net::Task<Exchange> ask(std::string_view path);
    net::Task<void> ask_models(Exchange health);
    net::Task<void> ask_sleep();
    net::Task<void> ask_version(Exchange health);
    void note_key(int status);
    [[nodiscard]] bool may_ask_for_more() const;

    net::Executor executor_;
    const Clock& clock_;
    ProbeSettings settings_;
    const Endpoints& endpoints_;
    net::HttpClient client_;
    RowWriter rows_;
    OnResult on_result_;
    ProbeMetrics metrics_;
    ProbeResult result_;
    SteadyTime key_asked_again_{};  ///< endpoints that want a key aren't asked before
    bool has_sleep_endpoint_ = true;
    bool is_version_asked_ = false;  ///< since the engine was last ready
    bool is_busy_ = false;
};

}  // namespace inferscope::probe
