// SPDX-License-Identifier: Apache-2.0
#include "api/store_endpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>
#include <utility>

#include "api/answers.h"
#include "api/json_pages.h"
#include "api/json_text.h"
#include "api/query_parameters.h"
#include "base/numbers.h"
#include "base/text.h"

namespace inferscope::api {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr std::size_t kTopEntries = 10;

/// What /series, /labels and /label/*/values are asked.
struct Asked {
    std::vector<promql::Selector> selectors;
    Timestamp start = kMinTime;
    Timestamp end = kMaxTime;
    std::size_t limit = 0;
};

Result<Asked> read_asked(const HttpRequest& request, bool needs_selectors) {
    Asked asked;
    const auto start = time_parameter(request, "start", kMinTime);
    if (!start) return start.error();
    const auto end = time_parameter(request, "end", kMaxTime);
    if (!end) return end.error();
    if (*end < *start) {
        return Error{Errc::invalid_argument,
                     "invalid parameter \"end\": end timestamp must not be before start time"};
    }
    const auto limit = limit_parameter(request, "limit");
    if (!limit) return limit.error();
    auto selectors = match_parameters(request, needs_selectors);
    if (!selectors) return selectors.error();
    return Asked{.selectors = *std::move(selectors), .start = *start, .end = *end, .limit = *limit};
}

/// What `find` gives for each selector (for none if there is none), together.
template <class Entry, class Find>
std::vector<Entry> find_for_each(const Asked& asked, Find find) {
    if (asked.selectors.empty()) return find(std::span<const Matcher>());
    if (asked.selectors.size() == 1) return find(std::span(asked.selectors[0].matchers));
    std::set<Entry> all;
    for (const auto& selector : asked.selectors) {
        for (auto& entry : find(std::span(selector.matchers))) all.insert(std::move(entry));
    }
    return {all.begin(), all.end()};
}

template <class Entry>
HttpResponse list_answer(std::vector<Entry> entries, std::size_t limit) {
    std::vector<std::string> warnings;
    if (limit > 0 && entries.size() > limit) {
        entries.resize(limit);
        warnings.emplace_back("results truncated due to limit");
    }
    std::string data;
    append_list(data, entries, [&](const Entry& entry) { append_json(data, entry); });
    return success(data, warnings);
}

/// "U__my_2e_metric" -> "my.metric". Source: prometheus/common, model/metric.go, UnescapeName.
std::string unescape_name(std::string_view name) {
    if (!name.starts_with("U__")) return std::string(name);
    std::string out;
    for (auto rest = name.substr(3); !rest.empty();) {
        const auto end = rest[0] == '_' ? rest.find('_', 1) : std::string_view::npos;
        if (rest[0] != '_') {
            out += rest[0];
            rest.remove_prefix(1);
        } else if (end == 1) {
            out += '_';
            rest.remove_prefix(2);
        } else {
            unsigned code = 0;
            const auto digits = rest.substr(1, std::min(end, rest.size()) - 1);
            const auto [stop, error] =
                std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
            if (end == std::string_view::npos || error != std::errc() ||
                stop != digits.data() + digits.size() || code > 0x10FFFF)
                return std::string(name);
            append_utf8(out, code);
            rest.remove_prefix(end + 1);
        }
    }
    return out;
}

void append_family(std::string& out, const Family& family) {
    out += R"({"type":)";
    append_json(out, to_openmetrics_type(family.type));
    out += R"(,"help":)";
    append_json(out, family.help);
    out += R"(,"unit":)";
    append_json(out, family.unit);
    out += '}';
}

void append_top(std::string& out, std::string_view name,
                const std::vector<tsdb::IndexCount>& entries) {
    out += fmt::format(",\"{}\":", name);
    append_list(out, entries, [&](const auto& entry) {
        out += R"({"name":)";
        append_json(out, entry.name);
        out += fmt::format(R"(,"value":{}}})", entry.count);
    });
}

HttpResponse tsdb_status_now(const Sources& sources, std::size_t limit) {
    const auto index = sources.index_stats(limit);
    const auto stats = sources.store_stats();
    std::string data = fmt::format(
        R"({{"headStats":{{"numSeries":{},"numLabelPairs":{},"chunkCount":{},"minTime":{},"maxTime":{}}})",
        stats.head.series, index.labels, stats.head.memory.chunks, stats.head.memory.oldest,
        stats.newest);
    append_top(data, "seriesCountByMetricName", index.series_by_metric_name);
    append_top(data, "labelValueCountByLabelName", index.values_by_label_name);
    append_top(data, "memoryInBytesByLabelName", index.bytes_by_label_name);
    append_top(data, "seriesCountByLabelValuePair", index.series_by_label);
    data += fmt::format(
        R"(,"inferscope":{{"headBytes":{},"groups":{},"walBytes":{},"blocks":{},"blockBytes":{},"blockSamples":{},"blocksSetAside":{}}}}})",
        stats.head.memory.bytes, stats.head.groups, stats.wal_bytes, stats.blocks.blocks,
        stats.blocks.bytes, stats.blocks.samples, stats.blocks.set_aside);
    return success(data);
}

}  // namespace

Answer series(const Sources& sources, HttpRequest request) {
    auto asked = read_asked(request, true);
    if (!asked) co_return bad_data(asked.error());
    auto response = co_await on_pool(sources.pool, [&] {
        return list_answer(find_for_each<Labels>(*asked,
                                                 [&](std::span<const Matcher> matchers) {
                                                     return sources.stored.series(
                                                         matchers, asked->start, asked->end);
                                                 }),
                           asked->limit);
    });
    co_return response;
}

Answer label_names(const Sources& sources, HttpRequest request) {
    auto asked = read_asked(request, false);
    if (!asked) co_return bad_data(asked.error());
    auto response = co_await on_pool(sources.pool, [&] {
        const auto find = [&](std::span<const Matcher> matchers) {
            return sources.stored.label_names(matchers, asked->start, asked->end);
        };
        return list_answer(find_for_each<std::string>(*asked, find), asked->limit);
    });
    co_return response;
}

Answer label_values(const Sources& sources, HttpRequest request) {
    auto asked = read_asked(request, false);
    if (!asked) co_return bad_data(asked.error());
    const auto path = request.path();
    constexpr std::string_view kBefore = "/api/v1/label/";
    constexpr std::string_view kBehind = "/values";
    const auto name = unescape_name(std::string_view(path).substr(
        kBefore.size(), path.size() - kBefore.size() - kBehind.size()));
    if (name.empty()) co_return json_error(400, "bad_data", "invalid label name: \"\"");
    auto response = co_await on_pool(sources.pool, [&] {
        const auto find = [&](std::span<const Matcher> matchers) {
            return sources.stored.label_values(name, matchers, asked->start, asked->end);
        };
        return list_answer(find_for_each<std::string>(*asked, find), asked->limit);
    });
    co_return response;
}

Answer metadata(const Sources& sources, HttpRequest request) {
    const auto limit = limit_parameter(request, "limit");
    if (!limit) co_return bad_data(limit.error());
    const auto metric = request.parameter("metric").value_or("");
    std::string data;
    char before = '{';
    for (const auto& family : sources.stored.families(metric, *limit)) {
        data += before;
        append_json(data, family->name);
        data += ":[";
        append_family(data, *family);
        data += ']';
        before = ',';
    }
    data += before == '{' ? "{}" : "}";
    co_return success(data);
}

Answer tsdb_status(const Sources& sources, HttpRequest request) {
    const auto limit = limit_parameter(request, "limit");
    if (!limit) co_return bad_data(limit.error());
    auto response = co_await on_pool(
        sources.pool, [&] { return tsdb_status_now(sources, *limit == 0 ? kTopEntries : *limit); });
    co_return response;
}

Answer flush(const Sources& sources, HttpRequest /*request*/) {
    const auto done = co_await sources.flush();
    co_return done ? success("null") : failed(done.error());
}

Answer delete_series(const Sources& sources, HttpRequest request) {
    auto asked = read_asked(request, true);
    if (!asked) co_return bad_data(asked.error());
    for (auto& selector : asked->selectors) {
        const auto done =
            co_await sources.delete_series(std::move(selector.matchers), asked->start, asked->end);
        if (!done) co_return failed(done.error());
    }
    co_return HttpResponse{204, {}, ""};
}

Answer snapshot(const Sources& sources, HttpRequest /*request*/) {
    const auto name = co_await sources.snapshot();
    if (!name) co_return failed(name.error());
    std::string data = R"({"name":)";
    append_json(data, *name);
    co_return success(data + '}');
}

}  // namespace inferscope::api
