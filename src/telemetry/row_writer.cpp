// SPDX-License-Identifier: Apache-2.0
#include "telemetry/row_writer.h"

#include <algorithm>
#include <cmath>

#include "base/numbers.h"
#include "telemetry/bound.h"

namespace inferscope {
namespace {

constexpr int kMostlyDeadRowsBeforeNewEpoch = 100;

}  // namespace

RowWriter::RowWriter(Appender& appender, std::string source, Labels common)
    : appender_(appender), source_(std::move(source)), common_(std::move(common)) {}

RowWriter::~RowWriter() {
    if (open_) appender_.close_group(group_, last_);
}

Labels RowWriter::with_common(std::string_view name, std::span<const Label> labels) const {
    std::vector<Label> all;
    all.reserve(labels.size() + 8);
    for (const auto& label : common_) all.push_back(label);
    all.insert(all.end(), labels.begin(), labels.end());
    all.push_back({kMetricName, name});
    return Labels::from(all);
}

void RowWriter::set(const FamilyPtr& family, std::string_view name, std::span<const Label> labels,
                    double value) {
    set_column(family, with_common(name, labels), value, nullptr);
}

void RowWriter::set(SeriesRef& ref, const FamilyPtr& family, std::string_view name,
                    std::span<const Label> labels, double value) {
    if (ref.epoch_ == epoch_) {
        values_[ref.column_] = value;
        return;
    }
    ref.column_ = set_column(family, with_common(name, labels), value, nullptr);
    ref.epoch_ = epoch_;
}

void RowWriter::set(const FamilyPtr& family, std::initializer_list<Label> labels, double value,
                    const SecondName& second) {
    set_column(family, with_common(family->name, std::span(labels.begin(), labels.size())), value,
               &second);
}

std::uint32_t RowWriter::set_column(const FamilyPtr& family, const Labels& labels, double value,
                                    const SecondName* second) {
    const auto [known, is_new] =
        columns_.try_emplace(labels, static_cast<std::uint32_t>(values_.size()));
    if (!is_new) {
        values_[known->second] = value;
        return known->second;
    }
    Column column{
        .labels = labels, .family = family, .shown_on = ShownOn::metrics, .second_names = {}};
    if (second != nullptr) column.second_names.push_back(*second);
    new_columns_.push_back(std::move(column));
    values_.push_back(value);
    return known->second;
}

Result<void> RowWriter::flush(Timestamp now) {
    if (!open_) {
        group_ = appender_.open_group(source_);
        open_ = true;
    }
    if (!new_columns_.empty()) {
        appender_.add_columns(group_, new_columns_);
        new_columns_.clear();
    }
    last_ = now;
    auto appended = appender_.append_row(group_, {.time = now, .values = values_, .changed = {}});
    forget_if_mostly_dead();
    std::fill(values_.begin(), values_.end(), kStaleMarker);
    return appended;
}

void RowWriter::forget_if_mostly_dead() {
    const auto dead =
        std::count_if(values_.begin(), values_.end(), [](double v) { return is_stale_marker(v); });
    mostly_dead_rows_ =
        2 * static_cast<std::size_t>(dead) > values_.size() ? mostly_dead_rows_ + 1 : 0;
    if (mostly_dead_rows_ < kMostlyDeadRowsBeforeNewEpoch) return;
    appender_.start_epoch(group_);
    columns_.clear();
    values_.clear();
    ++epoch_;
    mostly_dead_rows_ = 0;
}

void RowWriter::gap(Timestamp now) {
    if (!open_) return;
    last_ = now;
    appender_.append_gap(group_, now);
}

void Histogram::observe(double value) {
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    ++counts_[static_cast<std::size_t>(bucket)];
    sum_ += value;
    ++count_;
}

void Histogram::write(RowWriter& rows, const FamilyPtr& family,
                      std::span<const Label> labels) const {
    std::vector<Label> with_le(labels.begin(), labels.end());
    with_le.emplace_back();
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        below += counts_[i];
        const std::string bound = i < bounds_.size() ? normal_bound(bounds_[i]) : "+Inf";
        with_le.back() = {"le", bound};
        rows.set(family, family->name + "_bucket", with_le, static_cast<double>(below));
    }
    rows.set(family, family->name + "_sum", labels, sum_);
    rows.set(family, family->name + "_count", labels, static_cast<double>(count_));
}

}  // namespace inferscope
