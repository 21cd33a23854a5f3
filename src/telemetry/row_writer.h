// SPDX-License-Identifier: Apache-2.0
// Makes rows of "name, labels, value" for sources that make their own numbers (probes, collectors,
// self-metrics). A series is announced when it is first set; what isn't set again before the next
// flush is stale in that row.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "telemetry/appender.h"

namespace inferscope {

/// Where a series stands in one writer, kept by its owner so that setting it again makes no label
/// set.
class SeriesRef {
    friend class RowWriter;
    std::uint32_t column_ = 0;
    std::uint32_t epoch_ = 0;  // the writer's when it was set; 0 = never
};

/// Thread: confined to one.
class RowWriter {
public:
    /// `common` labels stand on every series. The group is opened with the first flush.
    RowWriter(Appender& appender, std::string source, Labels common = {});
    ~RowWriter();
    RowWriter(const RowWriter&) = delete;
    RowWriter& operator=(const RowWriter&) = delete;

    /// Sets `name{labels, common...}`. `family` tells type and help and lives as long as the
    /// writer; for histograms `name` has its suffix and `labels` hold `le`.
    void set(const FamilyPtr& family, std::string_view name, std::span<const Label> labels,
             double value);
    void set(const FamilyPtr& family, std::initializer_list<Label> labels, double value) {
        set(family, family->name, std::span(labels.begin(), labels.size()), value);
    }
    /// As above, but `name` and `labels` are looked at only when `ref` is new to this writer (or
    /// its columns have been forgotten): for sources that set the same series in each row. One
    /// `ref` for one series.
    void set(SeriesRef& ref, const FamilyPtr& family, std::string_view name,
             std::span<const Label> labels, double value);
    void set(SeriesRef& ref, const FamilyPtr& family, std::initializer_list<Label> labels,
             double value) {
        set(ref, family, family->name, std::span(labels.begin(), labels.size()), value);
    }
    /// Also known under `second` from its first time on.
    void set(const FamilyPtr& family, std::initializer_list<Label> labels, double value,
             const SecondName& second);

    /// Appends one row with all that was set since the last flush. More than half of the columns
    /// unset for 100 rows starts a new epoch.
    Result<void> flush(Timestamp now);
    /// Everything stale, e.g. because the thing measured is gone.
    void gap(Timestamp now);

private:
    std::uint32_t set_column(const FamilyPtr& family, const Labels& labels, double value,
                             const SecondName* second);
    [[nodiscard]] Labels with_common(std::string_view name, std::span<const Label> labels) const;
    void forget_if_mostly_dead();

    Appender& appender_;
    std::string source_;
    Labels common_;
    GroupId group_{};
    bool open_ = false;
    absl::flat_hash_map<Labels, std::uint32_t> columns_;
    std::vector<Column> new_columns_;
    std::vector<double> values_;
    int mostly_dead_rows_ = 0;
    std::uint32_t epoch_ = 1;
    Timestamp last_ = 0;
};

/// A cumulative histogram that its owner fills; buckets are upper bounds, rising, +Inf left out.
class Histogram {
public:
    explicit Histogram(std::vector<double> bounds)
        : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}
    void observe(double value);
    /// Sets `NAME_bucket{le}`, `NAME_sum`, `NAME_count`; `le` in Prometheus 3's normal form ("1.0",
    /// "0.005").
    void write(RowWriter& rows, const FamilyPtr& family, std::span<const Label> labels) const;
    [[nodiscard]] std::uint64_t count() const { return count_; }

private:
    std::vector<double> bounds_;
    std::vector<std::uint64_t> counts_;  ///< by bucket, not cumulative; the last one is +Inf
    double sum_ = 0;
    std::uint64_t count_ = 0;
};

}  // namespace inferscope
