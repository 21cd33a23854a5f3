// SPDX-License-Identifier: Apache-2.0
// What the process says of itself: inferscope_* and process_*.
#pragma once

#include <absl/functional/function_ref.h>

#include "exposition/latest_rows.h"
#include "net/http_server.h"
#include "scrape/metrics.h"
#include "telemetry/row_writer.h"

namespace inferscope::app {

/// What is shown; all of it outlives SelfMetrics. Thread: io.
struct SelfMetricsSources {
    const scrape::ScrapeCounters& scrape;
    const net::ServerCounters& http;
    const exposition::LatestRows& rows;
};

/// Thread: io.
class SelfMetrics {
public:
    SelfMetrics(Appender& appender, SelfMetricsSources sources);

    /// The outcome of the last reload.
    void set_reload(bool successful, Timestamp at);
    /// `write_more` adds rows of others to the same group.
    void publish(Timestamp now, absl::FunctionRef<void(RowWriter&)> write_more);

private:
    void publish_process();

    SelfMetricsSources sources_;
    RowWriter rows_;
    bool reload_successful_ = true;
    Timestamp reloaded_at_ = 0;
};

}  // namespace inferscope::app
