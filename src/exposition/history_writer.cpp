// SPDX-License-Identifier: Apache-2.0
#include "exposition/history_writer.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "base/numbers.h"
#include "exposition/text_writer.h"

namespace inferscope::exposition {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

/// Matchers for which `labels` holds and no other label set of `names` does.
std::vector<Matcher> exactly(const Labels& labels, std::span<const std::string> names) {
    std::vector<Matcher> matchers;
    for (const auto& name : names)
        matchers.push_back(Matcher::equal(name, std::string(labels.get(name))));
    return matchers;
}

/// No selector means every series: one without matchers.
HistoryRequest with_selector(HistoryRequest request) {
    if (request.selectors.empty()) request.selectors.emplace_back();
    return request;
}

}  // namespace

HistoryWriter::HistoryWriter(const Queryable& stored, HistoryRequest request, Sink sink,
                             std::size_t most_at_once)
    : stored_(stored),
      request_(with_selector(std::move(request))),
      sink_(sink),
      most_at_once_(most_at_once) {}

Result<void> HistoryWriter::write() {
    name_families();
    for (const auto& metric : metrics()) {
        if (auto written = write_metric(metric); !written) return written;
    }
    out_ += "# EOF\n";
    return pass_on();
}

/// A metric that two families may have belongs to that whose only metric it is.
void HistoryWriter::name_families() {
    const auto name = [&](bool are_plain) {
        for (const auto& family : stored_.families({}, 0)) {
            const auto shape = openmetrics_shape(*family);
            if (shape.is_plain() != are_plain) continue;
            const auto base =
                family->name.substr(0, family->name.size() - shape.name_suffix.size());
            for (const auto suffix : shape.sample_suffixes())
                families_.try_emplace(base + std::string(suffix), Named{base, shape.type, family});
        }
    };
    name(true);
    name(false);
}

std::vector<std::string> HistoryWriter::metrics() const {
    std::set<std::string> names;
    for (const auto& matchers : request_.selectors) {
        for (auto& name : stored_.label_values(kMetricName, matchers, request_.from, request_.to))
            names.insert(std::move(name));
    }
    return {names.begin(), names.end()};
}

Result<void> HistoryWriter::write_metric(const std::string& metric) {
    std::vector<Matchers> asked = request_.selectors;
    for (auto& matchers : asked)
        matchers.push_back(Matcher::equal(std::string(kMetricName), metric));
    std::vector<Selection> selections;
    for (const auto& matchers : asked) {
        auto selection = stored_.read(matchers, request_.from, request_.to, most_at_once_);
        if (!selection && selection.error().code == Errc::limit_exceeded)
            return write_one_by_one(metric, asked);
        if (!selection) return selection.error();
        selections.push_back(*std::move(selection));
    }
    return write_all(selections);
}

Result<void> HistoryWriter::write_one_by_one(const std::string& metric,
                                             std::span<const Matchers> asked) {
    std::set<Labels> series;
    for (const auto& matchers : asked) {
        for (auto& labels : stored_.series(matchers, request_.from, request_.to))
            series.insert(std::move(labels));
    }
    const auto of_metric = Matcher::equal(std::string(kMetricName), metric);
    const auto names = stored_.label_names({&of_metric, 1}, request_.from, request_.to);
    for (const auto& labels : series) {
        auto selection = stored_.read(exactly(labels, names), request_.from, request_.to, SIZE_MAX);
        if (!selection) return selection.error();
        if (auto written = write_all({&*selection, 1}); !written) return written;
    }
    return {};
}

/// Each series once, by label set.
Result<void> HistoryWriter::write_all(std::span<Selection> selections) {
    std::map<Labels, std::pair<const Selection*, const SelectedSeries*>> all;
    for (auto& selection : selections) {
        for (const auto& series : selection.series)
            all.try_emplace(series.labels, &selection, &series);
        std::ranges::move(selection.warnings, std::back_inserter(warnings_));
    }
    for (const auto& [labels, place] : all) {
        auto samples = place.first->samples(*place.second);
        std::erase_if(samples, [](const Sample& sample) { return is_stale_marker(sample.value); });
        if (auto written = write_series(labels, samples); !written) return written;
    }
    return {};
}

Result<void> HistoryWriter::write_series(const Labels& labels, std::span<const Sample> samples) {
    if (samples.empty()) return {};
    write_family(labels.metric_name());
    std::string key;
    append_series(key, labels);
    key += ' ';
    for (const auto& sample : samples) {
        out_ += key;
        append_number(out_, sample.value);
        append_time(out_, sample.time, Format::openmetrics);
        out_ += '\n';
        if (out_.size() < kPieceBytes) continue;
        if (auto passed = pass_on(); !passed) return passed;
    }
    ++series_;
    samples_ += samples.size();
    return {};
}

/// Nothing of a family of which nothing is known, nor of a second one of the same name.
void HistoryWriter::write_family(std::string_view metric) {
    const auto found = families_.find(metric);
    if (found == families_.end()) return;
    const auto& [name, type, family] = found->second;
    if (type == "unknown" && family->help.empty()) return;
    if (!written_families_.insert(name).second) return;
    append_family_lines(out_, name, type, family.get(), Format::openmetrics);
}

Result<void> HistoryWriter::pass_on() {
    auto taken = sink_(out_);
    out_.clear();
    return taken;
}

}  // namespace inferscope::exposition
