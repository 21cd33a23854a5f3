// SPDX-License-Identifier: Apache-2.0
#include "api/query_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "api/answers.h"
#include "api/json_text.h"
#include "promql/formats.h"

namespace inferscope::api {
namespace {

using promql::QueryAnswer;
using promql::QuerySeries;
using promql::QueryStats;
using promql::ValueType;

/// For the room that an answer takes: times with milliseconds and most values are shorter.
constexpr std::size_t kBytesPerSample = 36;
constexpr std::size_t kBytesPerSeries = 32;

std::size_t guess_bytes(const QueryAnswer& answer) {
    std::size_t bytes = 256;
    for (const auto& series : answer.series) {
        bytes += kBytesPerSeries + 2 * series.labels.bytes().size() +
                 kBytesPerSample * series.samples.size();
    }
    return bytes;
}

void append_vector(std::string& out, const std::vector<QuerySeries>& all) {
    append_list(out, all, [&](const QuerySeries& series) {
        out += R"({"metric":)";
        append_json(out, series.labels);
        out += R"(,"value":)";
        append_json(out, series.samples.front());
        out += '}';
    });
}

void append_matrix(std::string& out, const std::vector<QuerySeries>& all) {
    SampleText text(out);
    append_list(out, all, [&](const QuerySeries& series) {
        out += R"({"metric":)";
        append_json(out, series.labels);
        out += R"(,"values":)";
        text.append(series.samples);
        out += '}';
    });
}

/// Of scalars and texts: seconds as Go writes a float, so without zeros at its end.
void append_own_time(std::string& out, Timestamp time) {
    append_go_number(out, static_cast<double>(time) / 1000);
}

/// Scalars are written without an exponent, other values with one where it is shorter.
void append_result(std::string& out, const QueryAnswer& answer) {
    switch (answer.type) {
        case ValueType::scalar:
            out += '[';
            append_own_time(out, answer.scalar.time);
            out += ",\"" + promql::format_without_exponent(answer.scalar.value) + "\"]";
            return;
        case ValueType::string:
            out += '[';
            append_own_time(out, answer.scalar.time);
            out += ',';
            append_json(out, answer.text);
            out += ']';
            return;
        case ValueType::instant_vector:
            append_vector(out, answer.series);
            return;
        case ValueType::range_vector:
            append_matrix(out, answer.series);
            return;
    }
}

void append_stats(std::string& out, const QueryStats& stats) {
    fmt::format_to(
        std::back_inserter(out),
        R"(,"stats":{{"timings":{{"evalTotalTime":{},"resultSortTime":{},"queryPreparationTime":{},"innerEvalTime":{},"execQueueTime":{},"execTotalTime":{}}},"samples":{{)",
        to_seconds(stats.eval_total), to_seconds(stats.result_sort), to_seconds(stats.preparation),
        to_seconds(stats.inner_eval), to_seconds(stats.queue), to_seconds(stats.exec_total));
    if (!stats.samples_by_step.empty()) {
        out += R"("totalQueryableSamplesPerStep":)";
        append_list(out, stats.samples_by_step, [&](const Sample& step) {
            out += '[';
            append_json_seconds(out, step.time);
            out += ',';
            append_go_number(out, step.value);
            out += ']';
        });
        out += ',';
    }
    fmt::format_to(std::back_inserter(out), R"("totalQueryableSamples":{},"peakSamples":{}}}}})",
                   stats.samples_queried, stats.peak_samples);
}

}  // namespace

bool cut_to_limit(QueryAnswer& answer, std::size_t limit) {
    if (limit == 0 || answer.series.size() <= limit) return false;
    answer.series.resize(limit);
    return true;
}

void append_json(std::string& out, const QueryAnswer& answer, bool with_stats) {
    out.reserve(out.size() + guess_bytes(answer));
    out += R"({"resultType":")";
    out += promql::to_json_name(answer.type);
    out += R"(","result":)";
    append_result(out, answer);
    if (with_stats) append_stats(out, answer.stats);
    out += '}';
}

}  // namespace inferscope::api
