// SPDX-License-Identifier: Apache-2.0
#include "probe/standalone_exporter.h"

#include <algorithm>
#include <utility>

#include "base/numbers.h"
#include "exposition/text_writer.h"

namespace inferscope::probe {
namespace {

constexpr std::string_view kTextFormat = "text/plain; version=0.0.4; charset=utf-8";

ProbeSettings probe_settings(const ExporterSettings& settings) {
    ProbeSettings probe;
    probe.kind = "vllm";
    probe.base = settings.vllm_url;
    probe.interval = settings.interval;
    probe.timeout = settings.timeout;
    probe.key_retry = Millis(0);
    probe.is_spread = false;
    return probe;
}

// Anybody may read it, as the seed's: it shows nothing but whether an engine is there, and changes
// nothing.
net::ServerSettings server_settings(const ExporterSettings& settings) {
    net::ServerSettings server;
    server.listen = {.host = settings.host, .port = settings.port};
    server.check_origin = false;
    server.max_connections = 64;
    return server;
}

}  // namespace

std::string LatestPage::text() const {
    std::vector<FamilyPtr> families;
    for (const auto& column : columns_) {
        if (std::ranges::find(families, column.family) == families.end())
            families.push_back(column.family);
    }
    std::string text;
    exposition::TextWriter writer(text);
    for (const auto& family : families) {
        writer.family(*family);
        for (std::size_t i = 0; i < values_.size(); ++i) {
            const bool is_shown = columns_[i].family == family && !is_stale_marker(values_[i]);
            if (is_shown) writer.sample(columns_[i].labels, values_[i]);
        }
    }
    return text;
}

GroupId LatestPage::open_group(std::string_view) { return GroupId{0}; }

void LatestPage::start_epoch(GroupId) {
    columns_.clear();
    values_.clear();
}

void LatestPage::add_columns(GroupId, std::span<const Column> columns) {
    columns_.insert(columns_.end(), columns.begin(), columns.end());
}

Result<void> LatestPage::append_row(GroupId, const Row& row) {
    values_.assign(row.values.begin(), row.values.end());
    return {};
}

void LatestPage::append_gap(GroupId, Timestamp) { values_.clear(); }

Result<void> LatestPage::append_timed(GroupId, std::span<const TimedSample>) { return {}; }

void LatestPage::append_exemplars(GroupId, std::span<const Exemplar>) {}

void LatestPage::close_group(GroupId group, Timestamp) { start_epoch(group); }

StandaloneExporter::StandaloneExporter(net::Executor executor, const Clock& clock,
                                       const ExporterSettings& settings)
    : probe_(executor, clock, probe_settings(settings), page_, {}),
      server_(executor, server_settings(settings),
              [this](net::HttpRequest request) { return answer(std::move(request)); }) {
    probe_.publish(clock.wall());
}

Result<void> StandaloneExporter::listen() { return server_.listen(); }

net::Task<void> StandaloneExporter::serve() { return server_.run(); }

net::Task<void> StandaloneExporter::probe() { return probe_.run(); }

void StandaloneExporter::stop() { server_.stop(); }

net::Task<net::ServerResponse> StandaloneExporter::answer(net::HttpRequest request) {
    if (request.path() != "/metrics") {
        co_return net::HttpResponse::text(404, "Only /metrics is here.\n");
    }
    if (request.method != "GET" && request.method != "HEAD") {
        co_return net::HttpResponse::text(405, "/metrics is only read.\n");
    }
    co_return net::HttpResponse::text(200, page_.text(), kTextFormat);
}

}  // namespace inferscope::probe
