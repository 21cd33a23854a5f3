// SPDX-License-Identifier: Apache-2.0
#include "api/query_endpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/answer_cache.h"
#include "api/json_pages.h"
#include "api/json_text.h"
#include "api/query_json.h"
#include "api/query_parameters.h"
#include "net/gzip.h"
#include "net/offload.h"
#include "promql/ast.h"
#include "promql/ast_json.h"
#include "promql/parser.h"
#include "promql/printer.h"

namespace inferscope::api {
namespace {

using net::HttpRequest;
using net::HttpResponse;
using promql::Engine;
using promql::QueryAnswer;
using promql::QueryError;
using promql::QueryOptions;
using promql::QueryTimes;

constexpr double kMostSteps = 11'000;
constexpr std::string_view kTooManySteps =
    "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
    "resolution (?step=XX)";
constexpr std::string_view kNoStep =
    "zero or negative query resolution step widths are not accepted. Try a positive integer";

/// A query as a request asks it.
struct Asked {
    std::string text;
    QueryTimes times;
    bool is_range = false;
    QueryOptions options;
    std::size_t limit = 0;
    bool wants_stats = false;
    bool takes_gzip = false;
    bool takes_kept = true;  ///< not with nocache=1, as VictoriaMetrics has it
    SteadyTime came;
    std::shared_ptr<const std::atomic<bool>> peer_is_gone;  ///< what `options` points to
};

Millis to_millis(double seconds) { return Millis(std::llround(std::trunc(seconds * 1000))); }

/// What both kinds of queries have.
Result<void> read_common(const HttpRequest& request, Asked& asked) {
    asked.came = std::chrono::steady_clock::now();
    asked.text = request.parameter("query").value_or("");
    const auto stats = request.parameter("stats").value_or("");
    asked.wants_stats = !stats.empty();
    asked.takes_gzip = net::lists_token(request.headers.get("Accept-Encoding"), "gzip");
    asked.takes_kept = request.parameter("nocache").value_or("") != "1";
    asked.options.wants_step_stats = stats == "all";
    asked.peer_is_gone = request.peer_is_gone;
    asked.options.cancelled = asked.peer_is_gone.get();
    const auto timeout = request.parameter("timeout").value_or("");
    if (!timeout.empty()) {
        const auto seconds = parse_seconds(timeout);
        if (!seconds) return invalid_parameter("timeout", seconds.error().text);
        asked.options.timeout = std::max(to_millis(*seconds), Millis(1));  // 0 would be none
    }
    const auto lookback = request.parameter("lookback_delta").value_or("");
    if (!lookback.empty()) {
        const auto seconds = parse_seconds(lookback);
        if (!seconds) return seconds.error().with("error parsing lookback delta duration");
        asked.options.lookback = std::max(to_millis(*seconds), Millis(0));
    }
    const auto limit = limit_parameter(request, "limit");
    if (!limit) return limit.error();
    asked.limit = *limit;
    return {};
}

Result<Asked> read_instant(const HttpRequest& request, Timestamp now) {
    Asked asked;
    const auto time = time_parameter(request, "time", now);
    if (!time) return time.error();
    asked.times = {.start = *time, .end = *time};
    if (auto common = read_common(request, asked); !common) return common.error();
    return asked;
}

Result<Asked> read_range(const HttpRequest& request) {
    Asked asked;
    asked.is_range = true;
    const auto start = needed_time_parameter(request, "start");
    if (!start) return start.error();
    const auto end = needed_time_parameter(request, "end");
    if (!end) return end.error();
    if (*end < *start)
        return invalid_parameter("end", "end timestamp must not be before start time");
    const auto step = parse_seconds(request.parameter("step").value_or(""));
    if (!step) return invalid_parameter("step", step.error().text);
    asked.times = {.start = *start, .end = *end, .step = to_millis(*step)};
    if (asked.times.step.count() <= 0) return invalid_parameter("step", kNoStep);
    const auto millis = static_cast<double>(*end - *start);
    if (millis >= (kMostSteps + 1) * 1000 * *step)
        return Error{Errc::invalid_argument, std::string(kTooManySteps)};
    if (auto common = read_common(request, asked); !common) return common.error();
    return asked;
}

HttpResponse refused(const QueryError& error, const Asked& asked, const Engine& engine) {
    const bool is_prometheus2 = engine.options().language.is_prometheus2();
    switch (error.kind) {
        case QueryError::Kind::bad_data:
            // 2.42 names the parameter of instant queries only.
            if (is_prometheus2 && asked.is_range) return json_error(400, "bad_data", error.text);
            return bad_data(invalid_parameter("query", error.text));
        case QueryError::Kind::execution:
            return json_error(422, "execution", error.text);
        case QueryError::Kind::timeout:
            return json_error(503, "timeout", error.text);
        case QueryError::Kind::canceled:
            return json_error(is_prometheus2 ? 503 : 499, "canceled", error.text);
        case QueryError::Kind::internal:
            break;
    }
    return json_error(500, "internal", error.text);
}

/// Until when the query may take.
SteadyTime deadline_of(const Asked& asked, const Engine& engine) {
    const auto most = engine.options().timeout;
    const auto wanted = asked.options.timeout;
    return asked.came + (wanted.count() == 0 ? most : std::min(wanted, most));
}

Answered::For whom_it_answers(QueryError::Kind kind) {
    const bool is_of_query =
        kind == QueryError::Kind::bad_data || kind == QueryError::Kind::execution;
    return is_of_query ? Answered::For::waiting : Answered::For::asker;
}

HttpResponse timed_out_waiting() {
    return json_error(503, "timeout", "query timed out in query queue");
}

/// On a thread of the pool. What the query has waited for it counts as its time.
Answered answer_query(const Engine& engine, Asked& asked) {
    const auto begin = std::chrono::steady_clock::now();
    asked.options.timeout = std::chrono::duration_cast<Millis>(deadline_of(asked, engine) - begin);
    if (asked.options.timeout.count() <= 0) return {.response = timed_out_waiting()};
    auto answer = asked.is_range ? engine.range(asked.text, asked.times, asked.options)
                                 : engine.instant(asked.text, asked.times.start, asked.options);
    if (!answer) {
        return {.response = refused(answer.error(), asked, engine),
                .whom = whom_it_answers(answer.error().kind),
                .read_until = kMaxTime};
    }
    answer->stats.queue += begin - asked.came;
    if (cut_to_limit(*answer, asked.limit))
        answer->warnings.emplace_back("results truncated due to limit");
    std::string body = open_success();
    append_json(body, *answer, asked.wants_stats);
    auto response = close_success(std::move(body), answer->warnings, answer->infos);
    if (asked.takes_gzip && net::is_worth_gzip(response)) net::compress_body(response);
    // A warning may be of a disk that fails just now.
    const bool is_kept = answer->warnings.empty();
    return {.response = std::move(response),
            .whom = is_kept ? Answered::For::also_later : Answered::For::waiting,
            .read_until = answer->read_until};
}

net::Task<Answered> evaluate(const Sources& sources, Asked& asked) {
    Answered answered;
    co_await net::offload(sources.query_pool,
                          [&] { answered = answer_query(sources.engine, asked); });
    co_return answered;
}

Answer ask(const Sources& sources, Result<Asked> asked) {
    if (!asked) co_return bad_data(asked.error());
    if (asked->wants_stats || !asked->takes_kept) {
        auto answered = co_await evaluate(sources, *asked);
        co_return std::move(answered.response);
    }
    QueryKey key{asked->text, asked->times, asked->options.lookback, asked->limit,
                 asked->takes_gzip};
    auto response =
        co_await sources.answers.answer(std::move(key), deadline_of(*asked, sources.engine),
                                        [&] { return evaluate(sources, *asked); });
    co_return response ? *std::move(response) : timed_out_waiting();
}

Result<promql::ExprPtr> parse(const Sources& sources, const HttpRequest& request) {
    auto expr = promql::parse_query(request.parameter("query").value_or(""),
                                    sources.engine.options().language);
    if (!expr) return invalid_parameter("query", promql::to_api_text(expr.error()));
    return *std::move(expr);
}

void collect_selectors(const promql::Expr& expr, std::vector<std::vector<Matcher>>& out) {
    if (const auto* vector = expr.as<promql::VectorSelector>()) out.push_back(vector->matchers);
    if (const auto* range = expr.as<promql::RangeSelector>()) out.push_back(range->vector.matchers);
    for (const auto* child : promql::children(expr)) collect_selectors(*child, out);
}

void append_exemplar(std::string& out, const StoredExemplar& exemplar) {
    out += R"({"labels":)";
    append_json(out, exemplar.labels);
    out += R"(,"value":")";
    append_go_number(out, exemplar.value);
    out += R"(","timestamp":)";
    append_json_seconds(out, exemplar.time);
    out += '}';
}

/// A series that several selectors match stands once.
HttpResponse exemplars_now(const Queryable& stored,
                           const std::vector<std::vector<Matcher>>& selectors, Timestamp start,
                           Timestamp end) {
    std::map<Labels, std::vector<StoredExemplar>> by_series;
    for (const auto& matchers : selectors) {
        std::map<Labels, std::vector<StoredExemplar>> found;
        for (auto& exemplar : stored.exemplars(matchers, start, end))
            found[exemplar.series].push_back(std::move(exemplar));
        by_series.merge(found);
    }
    std::string body = open_success();
    append_list(body, by_series, [&](const auto& entry) {
        body += R"({"seriesLabels":)";
        append_json(body, entry.first);
        body += R"(,"exemplars":)";
        append_list(body, entry.second,
                    [&](const StoredExemplar& exemplar) { append_exemplar(body, exemplar); });
        body += '}';
    });
    return close_success(std::move(body));
}

}  // namespace

Answer query(const Sources& sources, HttpRequest request) {
    auto asked = read_instant(request, sources.now());
    auto response = co_await ask(sources, std::move(asked));
    co_return response;
}

Answer query_range(const Sources& sources, HttpRequest request) {
    auto asked = read_range(request);
    auto response = co_await ask(sources, std::move(asked));
    co_return response;
}

Answer query_exemplars(const Sources& sources, HttpRequest request) {
    const auto start = time_parameter(request, "start", kMinTime);
    if (!start) co_return bad_data(start.error());
    const auto end = time_parameter(request, "end", kMaxTime);
    if (!end) co_return bad_data(end.error());
    if (*end < *start) {
        co_return bad_data(invalid_parameter("end", "end timestamp must not be before start time"));
    }
    auto response = co_await on_pool(sources.pool, [&] {
        const auto expr = parse(sources, request);
        if (!expr) return bad_data(expr.error());
        std::vector<std::vector<Matcher>> selectors;
        collect_selectors(**expr, selectors);
        if (selectors.empty()) return HttpResponse{204, {}, ""};
        return exemplars_now(sources.stored, selectors, *start, *end);
    });
    co_return response;
}

Answer format_query(const Sources& sources, HttpRequest request) {
    auto response = co_await on_pool(sources.pool, [&] {
        const auto expr = parse(sources, request);
        if (!expr) return bad_data(expr.error());
        std::string body = open_success();
        append_json(body,
                    promql::to_pretty_text(**expr, sources.engine.options().language.dialect()));
        return close_success(std::move(body));
    });
    co_return response;
}

Answer parse_query(const Sources& sources, HttpRequest request) {
    auto response = co_await on_pool(sources.pool, [&] {
        const auto expr = parse(sources, request);
        return expr ? success(promql::to_json(**expr)) : bad_data(expr.error());
    });
    co_return response;
}

}  // namespace inferscope::api
