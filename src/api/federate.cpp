// SPDX-License-Identifier: Apache-2.0
#include "api/federate.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "api/query_parameters.h"
#include "base/numbers.h"
#include "exposition/text_writer.h"

namespace inferscope::api {
namespace {

using net::HttpResponse;

constexpr std::string_view kInstance = "instance";

/// As Prometheus writes a series: its own labels by name, what is added behind them.
std::vector<Label> labels_on_page(const Labels& own, const std::vector<Label>& added) {
    std::vector<Label> labels;
    for (const auto& label : own) {
        if (label.name != kMetricName) labels.push_back(label);
    }
    for (const auto& label : added) {
        if (!own.has(label.name)) labels.push_back(label);
    }
    return labels;
}

std::vector<Label> added_labels(const Labels& external) {
    std::vector<Label> added(external.begin(), external.end());
    if (!external.has(kInstance)) added.push_back({kInstance, ""});
    std::ranges::sort(added);
    return added;
}

/// The newest sample of each series, unless it is a stale marker.
Result<std::vector<FederatedSample>> read_newest(const Queryable& stored,
                                                 const std::vector<promql::Selector>& selectors,
                                                 Timestamp now, Millis lookback,
                                                 std::size_t most_samples) {
    std::map<Labels, Sample> newest;
    for (const auto& selector : selectors) {
        auto selection = stored.read(selector.matchers, now - lookback.count(), now, most_samples);
        if (!selection) return selection.error();
        for (auto& series : selection->series) {
            const auto samples = selection->samples(series);
            if (samples.empty() || is_stale_marker(samples.back().value)) continue;
            newest.insert_or_assign(std::move(series.labels), samples.back());
        }
    }
    std::vector<FederatedSample> all;
    all.reserve(newest.size());
    for (auto& [labels, sample] : newest) all.push_back({labels, sample});
    return all;
}

HttpResponse federate_now(const Sources& sources, const std::vector<promql::Selector>& selectors,
                          const Labels& external, Timestamp now) {
    const auto& options = sources.engine.options();
    auto samples =
        read_newest(sources.stored, selectors, now, options.lookback, options.max_samples);
    if (!samples) return HttpResponse::text(500, samples.error().text + '\n');
    return HttpResponse::text(200, federated_page(*std::move(samples), external), kTextType);
}

}  // namespace

std::string federated_page(std::vector<FederatedSample> samples, const Labels& external) {
    std::ranges::sort(samples, [](const FederatedSample& a, const FederatedSample& b) {
        const auto by_name = a.labels.metric_name() <=> b.labels.metric_name();
        return by_name != 0 ? by_name < 0 : a.labels < b.labels;
    });
    const auto added = added_labels(external);
    std::string page;
    std::string_view family;
    for (const auto& [labels, sample] : samples) {
        const auto name = labels.metric_name();
        if (name.empty()) continue;
        if (name != family) exposition::append_metadata_line(page, "TYPE", name, "untyped");
        family = name;
        exposition::append_series(page, name, labels_on_page(labels, added));
        page += ' ';
        append_number(page, sample.value);
        exposition::append_time(page, sample.time, exposition::Format::text);
        page += '\n';
    }
    return page;
}

Answer federate(const Sources& sources, net::HttpRequest request) {
    auto selectors = match_parameters(request, false);
    if (!selectors) co_return HttpResponse::text(400, selectors.error().text + '\n');
    const auto external = sources.external_labels();
    const auto now = sources.now();
    auto response = co_await on_pool(
        sources.pool, [&] { return federate_now(sources, *selectors, external, now); });
    co_return response;
}

}  // namespace inferscope::api
