// SPDX-License-Identifier: Apache-2.0
#include "api/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "api/answers.h"
#include "api/federate.h"
#include "api/json_pages.h"
#include "api/json_text.h"
#include "api/query_endpoints.h"
#include "api/status_endpoints.h"
#include "api/store_endpoints.h"
#include "net/offload.h"

namespace inferscope::api {
namespace {

using net::HttpRequest;
using net::HttpResponse;

struct Endpoint {
    std::string_view methods;  ///< separated by spaces
    std::string_view path;
    std::string_view about;  ///< for the page at /
    net::Task<HttpResponse> (*answer)(const Sources& sources, HttpRequest request);
};

constexpr std::string_view kOpenMetricsType =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

HttpResponse text(int status, std::string body) {
    return HttpResponse::text(status, std::move(body));
}

/// OpenMetrics if the client names it (Prometheus does), else the text format.
exposition::Format wanted_format(const HttpRequest& request) {
    const bool openmetrics = request.headers.get("Accept").find("application/openmetrics-text") !=
                             std::string_view::npos;
    return openmetrics ? exposition::Format::openmetrics : exposition::Format::text;
}

net::Task<HttpResponse> render(const Sources& sources, ShownOn page, exposition::Format format) {
    std::string body;
    const auto work = [&sources, page, format, &body] { sources.rows.render(page, format, body); };
    co_await net::offload(sources.pool, work);
    const auto type = format == exposition::Format::openmetrics ? kOpenMetricsType : kTextType;
    co_return HttpResponse::text(200, std::move(body), type);
}

net::Task<HttpResponse> metrics(const Sources& sources, HttpRequest request) {
    sources.refresh();
    auto response = co_await render(sources, ShownOn::metrics, wanted_format(request));
    co_return response;
}

net::Task<HttpResponse> raw_metrics(const Sources& sources, HttpRequest request) {
    auto response = co_await render(sources, ShownOn::raw, wanted_format(request));
    co_return response;
}

/// Remote workers in Prometheus's http_sd form. The local one is in /metrics; no others can
/// register yet.
net::Task<HttpResponse> worker_targets(const Sources& /*sources*/, HttpRequest /*request*/) {
    co_return HttpResponse::json(200, "[]");
}

net::Task<HttpResponse> mapping_config(const Sources& sources, HttpRequest /*request*/) {
    co_return HttpResponse::json(200, sources.mapping.current()->to_json());
}

net::Task<HttpResponse> default_mapping_config(const Sources& /*sources*/,
                                               HttpRequest /*request*/) {
    co_return HttpResponse::json(200, mapping::Mapping::built_in()->to_json());
}

/// A page in a browser can post text/plain or a form to any address without asking; JSON and YAML
/// it can't.
bool is_json_or_yaml(std::string_view content_type) {
    static constexpr std::array<std::string_view, 6> kTypes{
        "application/json", "application/yaml", "application/x-yaml",
        "text/yaml",        "text/x-yaml",      "text/vnd.yaml"};
    auto type = content_type.substr(0, content_type.find(';'));
    while (type.ends_with(' ')) type.remove_suffix(1);
    return std::ranges::find(kTypes, type) != kTypes.end();
}

net::Task<HttpResponse> post_mapping_config(const Sources& sources, HttpRequest request) {
    if (!is_json_or_yaml(request.headers.get("Content-Type"))) {
        co_return json_error(
            415, "bad_data",
            "a mapping is posted with Content-Type application/json or application/yaml "
            "(curl: -H 'Content-Type: application/json')");
    }
    auto replaced = sources.mapping.replace(request.body);
    if (!replaced) {
        const bool ours = replaced.error().code == Errc::io_error;
        co_return json_error(ours ? 500 : 400, ours ? "internal" : "bad_data",
                             replaced.error().text);
    }
    sources.mapping_changed();
    co_return HttpResponse::json(200, R"({"status":"ok"})");
}

net::Task<HttpResponse> delete_mapping_config(const Sources& sources, HttpRequest /*request*/) {
    auto reset = sources.mapping.reset();
    if (!reset) co_return json_error(500, "internal", reset.error().text);
    sources.mapping_changed();
    co_return HttpResponse::json(200, R"({"status":"ok"})");
}

net::Task<HttpResponse> targets(const Sources& sources, HttpRequest request) {
    const std::string state = request.parameter("state").value_or("any");
    if (state != "any" && state != "active" && state != "dropped") {
        co_return json_error(400, "bad_data", "state must be active, dropped or any");
    }
    auto active = sources.targets();
    auto dropped = sources.dropped_targets();
    const std::string pool = request.parameter("scrapePool").value_or("");
    if (!pool.empty()) {
        std::erase_if(active, [&](const auto& status) { return status.target->job != pool; });
        std::erase_if(dropped, [&](const auto& target) { return target.job != pool; });
    }
    co_return HttpResponse::json(200, targets_json(active, dropped, state));
}

net::Task<HttpResponse> scrape_pools(const Sources& sources, HttpRequest /*request*/) {
    std::set<std::string> pools;
    for (const auto& status : sources.targets()) pools.insert(status.target->job);
    for (const auto& target : sources.dropped_targets()) pools.insert(target.job);
    std::string body = open_success() + R"({"scrapePools":)";
    append_list(body, pools, [&](const std::string& pool) { append_json(body, pool); });
    body += '}';
    co_return close_success(std::move(body));
}

net::Task<HttpResponse> engines(const Sources& sources, HttpRequest /*request*/) {
    co_return HttpResponse::json(200, sources.engines_json());
}

net::Task<HttpResponse> healthy(const Sources& /*sources*/, HttpRequest /*request*/) {
    co_return text(200, "Inferscope is healthy.\n");
}

net::Task<HttpResponse> ready(const Sources& sources, HttpRequest /*request*/) {
    if (sources.is_ready()) co_return text(200, "Inferscope is ready.\n");
    co_return text(503, "Inferscope is starting.\n");
}

net::Task<HttpResponse> reload(const Sources& sources, HttpRequest /*request*/) {
    auto reloaded = sources.reload();
    if (!reloaded) {
        co_return text(500, fmt::format("failed to reload, the old configuration runs on: {}\n",
                                        reloaded.error().text));
    }
    co_return text(200, "");
}

net::Task<HttpResponse> remote_write(const Sources& sources, HttpRequest request) {
    auto response = co_await sources.remote_write(std::move(request));
    co_return static_cast<HttpResponse&&>(response);  // it never streams
}

net::Task<HttpResponse> index(const Sources& sources, HttpRequest request);

/// Every endpoint there is. To add one, add a row.
constexpr std::array kEndpoints{
    Endpoint{"GET", "/", "this list", &index},
    Endpoint{"GET", "/metrics", "unified metrics of all engines, GPU, host, probes, and our own",
             &metrics},
    Endpoint{"GET", "/metrics/raw", "what the targets sent, under their own names", &raw_metrics},
    Endpoint{"GET", "/metrics/targets", "remote workers, for Prometheus's http_sd_configs",
             &worker_targets},
    Endpoint{"GET", "/metrics/config", "the mapping in force", &mapping_config},
    Endpoint{"POST", "/metrics/config", "replaces the mapping (JSON or YAML)",
             &post_mapping_config},
    Endpoint{"DELETE", "/metrics/config",
             "sets the mapping back to the built-in one or `mapping.file`", &delete_mapping_config},
    Endpoint{"GET POST", "/metrics/default-config", "the built-in mapping",
             &default_mapping_config},
    Endpoint{"GET", "/api/v1/targets", "what is scraped, and why it fails", &targets},
    Endpoint{"GET", "/api/v1/scrape_pools", "names of the scrape jobs that have targets",
             &scrape_pools},
    Endpoint{"GET", "/api/v1/engines", "engines, their state and its reason", &engines},
    Endpoint{"GET POST", "/api/v1/query", "PromQL, at one time", &query},
    Endpoint{"GET POST", "/api/v1/query_range", "PromQL, at many times", &query_range},
    Endpoint{"GET POST", "/api/v1/query_exemplars", "exemplars of the series in an expression",
             &query_exemplars},
    Endpoint{"GET POST", "/api/v1/format_query", "PromQL, laid out", &format_query},
    Endpoint{"GET POST", "/api/v1/parse_query", "PromQL, as a tree", &parse_query},
    Endpoint{"GET", "/federate", "newest samples of what match[] selects, for another Prometheus",
             &federate},
    Endpoint{"GET POST", "/api/v1/series", "label sets of the series that match", &series},
    Endpoint{"GET POST", "/api/v1/labels", "label names", &label_names},
    Endpoint{"GET", "/api/v1/label/*/values", "values of a label", &label_values},
    Endpoint{"GET", "/api/v1/metadata", "TYPE, HELP and UNIT", &metadata},
    Endpoint{"GET", "/api/v1/status/tsdb", "what takes the room in the store", &tsdb_status},
    Endpoint{"GET", "/api/v1/status/config", "the configuration, without secrets", &config_status},
    Endpoint{"GET", "/api/v1/status/flags", "the command line's values", &flags_status},
    Endpoint{"GET", "/api/v1/status/runtimeinfo", "the process", &runtime_info},
    Endpoint{"GET", "/api/v1/status/buildinfo", "which Prometheus this is like", &build_info},
    Endpoint{"GET", "/api/v1/status/walreplay", "that the log has been read", &wal_replay},
    Endpoint{"GET", "/api/v1/rules", "rules: none yet", &rules},
    Endpoint{"GET", "/api/v1/alerts", "alerts: none yet", &alerts},
    Endpoint{"GET", "/api/v1/alertmanagers", "Alertmanagers: none yet", &alertmanagers},
    Endpoint{"POST", "/api/v1/write", "remote write 1.0", &remote_write},
    Endpoint{"POST PUT", "/api/v1/admin/flush", "everything into blocks, now", &flush},
    Endpoint{"POST PUT", "/api/v1/admin/tsdb/delete_series", "removes samples of series",
             &delete_series},
    Endpoint{"POST PUT", "/api/v1/admin/tsdb/snapshot", "a copy of the store", &snapshot},
    Endpoint{"GET", "/-/healthy", "200 while the process works", &healthy},
    Endpoint{"GET", "/-/ready", "200 when it serves", &ready},
    Endpoint{"POST PUT", "/-/reload", "reads the configuration again", &reload},
};

net::Task<HttpResponse> index(const Sources& /*sources*/, HttpRequest /*request*/) {
    std::string body = "Inferscope\n\n";
    for (const auto& endpoint : kEndpoints) {
        body += fmt::format("{:<9} {:<34} {}\n", endpoint.methods, endpoint.path, endpoint.about);
    }
    co_return text(200, std::move(body));
}

/// A `*` in `pattern` stands for one part of the path.
bool is_path(std::string_view pattern, std::string_view path) {
    const auto star = pattern.find('*');
    if (star == std::string_view::npos) return path == pattern;
    const auto before = pattern.substr(0, star);
    const auto behind = pattern.substr(star + 1);
    if (path.size() < before.size() + behind.size() || !path.starts_with(before) ||
        !path.ends_with(behind))
        return false;
    const auto part = path.substr(before.size(), path.size() - before.size() - behind.size());
    return part.find('/') == std::string_view::npos;
}

bool serves(const Endpoint& endpoint, std::string_view method) {
    auto methods = endpoint.methods;
    while (!methods.empty()) {
        const auto word = methods.substr(0, methods.find(' '));
        if (word == method || (word == "GET" && method == "HEAD")) return true;
        methods.remove_prefix(std::min(word.size() + 1, methods.size()));
    }
    return false;
}

HttpResponse not_allowed(std::string_view path) {
    std::string allowed;
    for (const auto& endpoint : kEndpoints) {
        if (is_path(endpoint.path, path))
            allowed += fmt::format("{}{}", allowed.empty() ? "" : " ", endpoint.methods);
    }
    std::ranges::replace(allowed, ' ', ',');
    auto response = text(405, fmt::format("{} answers {}\n", path, allowed));
    response.headers.set("Allow", allowed);
    return response;
}

}  // namespace

net::Task<net::ServerResponse> Api::handle(net::HttpRequest request) {
    const std::string path = request.path();
    bool known_path = false;
    for (const auto& endpoint : kEndpoints) {
        if (!is_path(endpoint.path, path)) continue;
        known_path = true;
        if (!serves(endpoint, request.method)) continue;
        auto response = co_await endpoint.answer(sources_, std::move(request));
        co_return response;
    }
    if (known_path) co_return not_allowed(path);
    co_return text(404, fmt::format("There is no {} here; GET / lists what is.\n", path));
}

}  // namespace inferscope::api
