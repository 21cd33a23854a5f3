// SPDX-License-Identifier: Apache-2.0
// The seed's stand-alone vLLM exporter (mission row D4): probes one engine, serves GET /metrics,
// without labels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/async.h"
#include "net/http_server.h"
#include "probe/engine_probe.h"
#include "telemetry/appender.h"

namespace inferscope::probe {

/// The newest row of one group, as a page of Prometheus's text format 0.0.4. Thread: confined to
/// one.
class LatestPage final : public Appender {
public:
    /// Families in the order of their first appearance; stale values left out.
    [[nodiscard]] std::string text() const;

    GroupId open_group(std::string_view source) override;
    void start_epoch(GroupId group) override;
    void add_columns(GroupId group, std::span<const Column> columns) override;
    Result<void> append_row(GroupId group, const Row& row) override;
    void append_gap(GroupId group, Timestamp time) override;
    Result<void> append_timed(GroupId group, std::span<const TimedSample> samples) override;
    void append_exemplars(GroupId group, std::span<const Exemplar> exemplars) override;
    void close_group(GroupId group, Timestamp time) override;

private:
    std::vector<Column> columns_;
    std::vector<double> values_;
};

struct ExporterSettings {
    net::Url vllm_url;          ///< --vllm-url, http://localhost:8000
    std::uint16_t port = 9101;  ///< --port
    Millis interval{15'000};    ///< --interval, in seconds there
    Millis timeout{5'000};
    std::string host = "0.0.0.0";
};

/// Thread: confined to the executor.
class StandaloneExporter {
public:
    /// `clock` outlives it.
    StandaloneExporter(net::Executor executor, const Clock& clock,
                       const ExporterSettings& settings);

    /// Fails with the address if it can't be listened on.
    Result<void> listen();
    [[nodiscard]] std::uint16_t port() const { return server_.port(); }
    /// Answers requests until stop().
    net::Task<void> serve();
    /// Probes until cancelled. To be spawned beside serve().
    net::Task<void> probe();
    void stop();

private:
    net::Task<net::ServerResponse> answer(net::HttpRequest request);

    LatestPage page_;
    EngineProbe probe_;
    net::HttpServer server_;
};

}  // namespace inferscope::probe
