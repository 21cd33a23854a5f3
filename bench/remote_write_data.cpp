// SPDX-License-Identifier: Apache-2.0
// message WriteRequest { repeated TimeSeries timeseries = 1; }
// message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
// message Label { string name = 1; string value = 2; }  Sample { double value = 1; int64 timestamp
// = 2; } (ms). Source: prometheus/prompb/remote.proto, types.proto.
#include "bench/remote_write_data.h"

#include <fmt/format.h>
#include <snappy.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <protozero/pbf_writer.hpp>
#include <random>
#include <utility>

#include "base/check.h"
#include "bench/llm_data.h"
#include "telemetry/labels.h"

namespace inferscope::bench {
namespace {

constexpr std::size_t kCheckedTargets = 64;
constexpr std::size_t kCheckedColumns = 4;
constexpr std::size_t kZone = 1000;  ///< singletons that share a label

struct Point {
    Timestamp time;
    double value;
};

struct Series {
    std::string encoded;  ///< its labels, as they stand in a TimeSeries
    std::uint32_t sender;
};

std::string encode(const Labels& labels) {
    std::string bytes;
    protozero::pbf_writer series(bytes);
    for (const auto& label : labels) {
        protozero::pbf_writer message(series, 1);
        message.add_string(1, label.name.data(), label.name.size());
        message.add_string(2, label.value.data(), label.value.size());
    }
    return bytes;
}

/// The requests of one sender, one being filled.
class RequestBuilder {
public:
    RequestBuilder(std::uint32_t sender, const std::function<void(const LoadRequest&)>& sink,
                   LoadSummary& summary)
        : sender_(sender), sink_(sink), summary_(summary) {}

    /// One TimeSeries with all of `points`, which are in time order.
    void add(std::string_view labels, std::span<const Point> points) {
        series_.assign(labels);
        protozero::pbf_writer series(series_);
        for (const auto& point : points) {
            protozero::pbf_writer sample(series, 2);
            if (point.value != 0) sample.add_double(1, point.value);
            sample.add_int64(2, point.time);
        }
        protozero::pbf_writer(raw_).add_message(1, series_);
        first_time_ =
            samples_ == 0 ? points.front().time : std::min(first_time_, points.front().time);
        samples_ += points.size();
    }

    [[nodiscard]] std::size_t samples() const { return samples_; }

    /// Hands over what is there, if anything.
    void flush() {
        if (samples_ == 0) return;
        snappy::Compress(raw_.data(), raw_.size(), &body_);
        summary_.samples += samples_;
        summary_.raw_bytes += raw_.size();
        summary_.bytes += body_.size();
        ++summary_.requests;
        sink_({sender_, static_cast<std::uint32_t>(samples_), first_time_, body_});
        raw_.clear();
        samples_ = 0;
    }

private:
    std::uint32_t sender_;
    const std::function<void(const LoadRequest&)>& sink_;
    LoadSummary& summary_;
    std::string series_, raw_, body_;
    std::size_t samples_ = 0;
    Timestamp first_time_ = 0;
};

/// A counter of one client: all singletons are of one family, and change most of the time.
class Singleton {
public:
    explicit Singleton(Timestamp first) : next_(first) {}

    [[nodiscard]] Timestamp planned_time() const { return next_; }
    Timestamp next_row(std::mt19937_64& random, Timestamp interval, std::vector<double>& values) {
        const auto bits = random();
        if (bits % 8 < 5) value_ += static_cast<double>(bits >> 8 & 0x1ff);
        values.assign(1, value_);
        const auto time = next_ + static_cast<Timestamp>(bits >> 32 & 3);
        next_ += interval;
        return time;
    }
    static Labels labels(std::uint32_t index) {
        const auto zone = fmt::format("zone-{:04}", index / kZone);
        const auto instance =
            fmt::format("10.{}.{}.{}:9100", index >> 16 & 255, index >> 8 & 255, index & 255);
        const auto client = fmt::format("client-{:08x}", index * 0x9e3779b1U);
        return Labels::from({{kMetricName, "llm_client_output_tokens_total"},
                             {"client", client},
                             {"instance", instance},
                             {"job", "clients"},
                             {"model_name", "Qwen/Qwen2.5-7B-Instruct"},
                             {"zone", zone}});
    }

private:
    Timestamp next_;
    double value_ = 0;
};

/// All targets: engines first, then singletons.
class Fleet {
public:
    explicit Fleet(const LoadSettings& settings) : settings_(settings), random_(7) {
        const auto start = settings.end - settings.span;
        for (int i = 0; i < settings.engines; ++i) {
            engines_.emplace_back(1, i, start, settings.interval);
            series_.push_back(with_senders(engines_.back().labels(), i));
        }
        for (int i = 0; i < settings.singletons; ++i) {
            singletons_.emplace_back(start + settings.interval * i / settings.singletons);
            series_.push_back(with_senders({Singleton::labels(static_cast<std::uint32_t>(i))}, i));
        }
    }

    [[nodiscard]] std::size_t targets() const { return series_.size(); }
    [[nodiscard]] std::size_t engines() const { return engines_.size(); }
    [[nodiscard]] const std::vector<Series>& series(std::size_t target) const {
        return series_[target];
    }
    [[nodiscard]] std::vector<Labels> labels(std::size_t target) const {
        if (target < engines_.size()) return engines_[target].labels();
        return {Singleton::labels(static_cast<std::uint32_t>(target - engines_.size()))};
    }
    Timestamp next_row(std::size_t target, std::vector<double>& values) {
        if (target < engines_.size()) return engines_[target].next_row(values);
        auto& singleton = singletons_[target - engines_.size()];
        return singleton.next_row(random_, settings_.interval, values);
    }
    /// Rows of all targets within one interval are in time order if taken in this order.
    [[nodiscard]] std::vector<std::size_t> in_time_order() const {
        std::vector<std::size_t> order(targets());
        std::iota(order.begin(), order.end(), 0U);
        std::ranges::sort(order, {}, [&](auto i) { return std::pair(planned_time(i), i); });
        return order;
    }

private:
    [[nodiscard]] Timestamp planned_time(std::size_t target) const {
        return target < engines_.size() ? engines_[target].planned_time()
                                        : singletons_[target - engines_.size()].planned_time();
    }
    [[nodiscard]] std::vector<Series> with_senders(const std::vector<Labels>& labels,
                                                   int target) const {
        std::vector<Series> all;
        for (const auto& set : labels) {
            const auto key = settings_.mode == SendMode::shards ? std::hash<Labels>()(set)
                                                                : static_cast<std::size_t>(target);
            all.push_back({encode(set), static_cast<std::uint32_t>(key % settings_.senders)});
        }
        return all;
    }

    const LoadSettings& settings_;
    std::mt19937_64 random_;
    std::vector<LlmEngine> engines_;
    std::vector<Singleton> singletons_;
    std::vector<std::vector<Series>> series_;
};

/// Notes what a store must answer, for targets and columns from everywhere.
class Expectations {
public:
    Expectations(const Fleet& fleet, LoadSummary& summary) : fleet_(fleet), summary_(summary) {}

    void on_last_row(std::size_t target, Timestamp time, std::span<const double> values) {
        const bool is_last = time > summary_.last_time;
        summary_.last_time = std::max(summary_.last_time, time);
        const auto each = std::max(fleet_.targets() / kCheckedTargets, 1UZ);
        if (target % each != 0 && !is_last) return;
        const auto labels = fleet_.labels(target);
        if (is_last) last_ = {labels.back().to_text(), values.back()};
        if (target % each != 0) return;
        for (std::size_t i = 0; i < std::min(kCheckedColumns, values.size()); ++i) {
            const auto column = (target + i * 131) % values.size();
            summary_.values.push_back({labels[column].to_text(), values[column]});
        }
        expect_count(target, labels);
    }
    void finish() { summary_.values.push_back(last_); }

private:
    void expect_count(std::size_t target, const std::vector<Labels>& labels) {
        const bool is_engine = target < fleet_.engines();
        const auto name = is_engine ? "instance" : "zone";
        const auto selector = fmt::format("{{{}=\"{}\"}}", name, labels.front().get(name));
        const auto in_zone = [&] {
            const auto zone = (target - fleet_.engines()) / kZone;
            return std::min(kZone, fleet_.targets() - fleet_.engines() - zone * kZone);
        };
        if (!summary_.counts.empty() && summary_.counts.back().selector == selector) return;
        summary_.counts.push_back({selector, is_engine ? labels.size() : in_zone()});
    }

    const Fleet& fleet_;
    LoadSummary& summary_;
    ExpectedValue last_{};
};

/// Cuts rows into requests, in the way of one mode.
class Cutter {
public:
    Cutter(const LoadSettings& settings, const std::function<void(const LoadRequest&)>& sink,
           LoadSummary& summary)
        : settings_(settings) {
        for (std::uint32_t i = 0; i < settings.senders; ++i)
            builders_.emplace_back(i, sink, summary);
    }

    void add_row(std::span<const Series> series, Timestamp time, std::span<const double> values) {
        auto& first = builders_[series.front().sender];
        const bool keep_whole = settings_.mode == SendMode::rows;
        if (keep_whole && first.samples() + values.size() > settings_.max_samples) first.flush();
        for (std::size_t i = 0; i < values.size(); ++i)
            add(series[i], std::array{Point{time, values[i]}});
    }
    void add_series(const Series& series, std::span<const Point> points) {
        for (std::size_t at = 0; at < points.size(); at += settings_.max_samples) {
            const auto count = std::min(settings_.max_samples, points.size() - at);
            auto& builder = builders_[series.sender];
            if (builder.samples() + count > settings_.max_samples) builder.flush();
            add(series, points.subspan(at, count));
        }
    }
    void finish() {
        for (auto& builder : builders_) builder.flush();
    }

private:
    void add(const Series& series, std::span<const Point> points) {
        auto& builder = builders_[series.sender];
        if (builder.samples() >= settings_.max_samples) builder.flush();
        builder.add(series.encoded, points);
    }

    const LoadSettings& settings_;
    std::vector<RequestBuilder> builders_;
};

void cut_by_time(Fleet& fleet, Timestamp rows, Cutter& cutter, Expectations& expectations) {
    const auto order = fleet.in_time_order();
    std::vector<double> values;
    for (Timestamp row = 0; row < rows; ++row) {
        for (const auto target : order) {
            const auto time = fleet.next_row(target, values);
            cutter.add_row(fleet.series(target), time, values);
            if (row + 1 == rows) expectations.on_last_row(target, time, values);
        }
    }
}

void cut_by_series(Fleet& fleet, Timestamp rows, Cutter& cutter, Expectations& expectations) {
    std::vector<double> values;
    for (std::size_t target = 0; target < fleet.targets(); ++target) {
        const auto& series = fleet.series(target);
        std::vector<std::vector<Point>> columns(series.size());
        Timestamp time = 0;
        for (Timestamp row = 0; row < rows; ++row) {
            time = fleet.next_row(target, values);
            for (std::size_t i = 0; i < values.size(); ++i) columns[i].push_back({time, values[i]});
        }
        for (std::size_t i = 0; i < series.size(); ++i) cutter.add_series(series[i], columns[i]);
        expectations.on_last_row(target, time, values);
    }
}

}  // namespace

LoadSummary make_load(const LoadSettings& settings,
                      const std::function<void(const LoadRequest&)>& sink) {
    const auto rows = settings.span / settings.interval;
    CHECK(rows > 0 && settings.engines + settings.singletons > 0, "there is something to send");
    Fleet fleet(settings);
    LoadSummary summary;
    summary.first_time = settings.end - settings.span;
    for (std::size_t i = 0; i < fleet.targets(); ++i) summary.series += fleet.series(i).size();
    Cutter cutter(settings, sink, summary);
    Expectations expectations(fleet, summary);
    const auto cut = settings.mode == SendMode::series ? cut_by_series : cut_by_time;
    cut(fleet, rows, cutter, expectations);
    cutter.finish();
    expectations.finish();
    return summary;
}

}  // namespace inferscope::bench
