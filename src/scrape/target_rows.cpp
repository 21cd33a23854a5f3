// SPDX-License-Identifier: Apache-2.0
#include "scrape/target_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/numbers.h"
#include "base/text.h"
#include "discovery/relabel.h"

namespace inferscope::scrape {
namespace {

/// A new epoch starts when more than a quarter of the columns are dead (docs: store rules), but not
/// for a handful.
constexpr std::size_t kFewDeadColumns = 64;

constexpr std::array<std::string_view, 2> kRequestCounters{"gpustack:generation_tokens_total",
                                                           "gpustack:request_success_total"};

std::size_t sample_limit(const discovery::ScrapeSettings& settings) {
    return settings.sample_limit > 0 ? settings.sample_limit : TargetRows::kMaxSamples;
}

}  // namespace

TargetRows::TargetRows(Appender& appender, PageLayouts& layouts, discovery::TargetPtr target)
    : appender_(appender),
      layouts_(layouts),
      target_(std::move(target)),
      group_(appender_.open_group(fmt::format("scrape {}", target_->url.redacted()))),
      reader_(layouts_, target_->settings->honor_timestamps, sample_limit(*target_->settings)) {}

TargetRows::~TargetRows() = default;

void TargetRows::set_naming(Naming naming) {
    if (naming == naming_) return;
    naming_ = std::move(naming);
    epoch_is_over_ = true;
}

void TargetRows::set_target(discovery::TargetPtr target) {
    target_ = std::move(target);
    reader_ =
        PageReader(layouts_, target_->settings->honor_timestamps, sample_limit(*target_->settings));
    epoch_is_over_ = true;
}

void TargetRows::start_epoch() {
    epoch_is_over_ = false;
    if (announced_ > 0) appender_.start_epoch(group_);
    reader_.forget();
    column_of_labels_ = {};
    timed_.clear();
    request_columns_.clear();
    missing_.clear();
    announced_ = 0;
    derived_columns_.clear();
    mapping_.reset();
    if (naming_.mapping && !naming_.identity.runtime.empty()) {
        mapping_ = std::make_unique<mapping::TargetMapping>(naming_.mapping, naming_.identity,
                                                            naming_.base);
    }
}

Result<PageSummary> TargetRows::append(const std::string& page, exposition::Format format,
                                       Timestamp time) {
    if (epoch_is_over_) start_epoch();
    new_columns_.clear();
    if (announced_ == 0) expect_columns(page.size());
    const std::size_t timed_before = timed_.size();
    const auto read = reader_.read(page, format, *this);
    if (!read) {
        take_back_new_columns();
        timed_.resize(timed_before);
        return Error{Errc::invalid_argument, read.error().message()};
    }
    announce_new_columns();
    if (mapping_) {
        mapping_->derive_values(time, reader_.row());
        for (const auto column : derived_columns_) {  // few: they always count as changed
            reader_.changed()[column / 64] |= std::uint64_t{1} << (column % 64);
        }
        if (!read->layout_known) missing_ = mapping_->missing(read->names, had_requests());
    }
    PageSummary summary{.samples = read->samples,
                        .kept = read->kept,
                        .added = read->added,
                        .duplicates = read->duplicates,
                        .layout_known = read->layout_known};
    auto appended = appender_.append_row(
        group_, {.time = time, .values = reader_.row(), .changed = reader_.changed()});
    if (!appended) return appended.error();
    if (!read->special.empty()) {
        if (auto done = append_special(*read, time, summary); !done) return done.error();
    }
    const std::size_t line_fed = announced_ - derived_columns_.size();
    const std::size_t dead = line_fed - std::min(read->kept, line_fed);
    if (dead > kFewDeadColumns && 4 * dead > announced_) epoch_is_over_ = true;
    return summary;
}

/// Room for what a page of this size usually has, so that nothing moves while it is read.
void TargetRows::expect_columns(std::size_t page_bytes) {
    const std::size_t count = page_bytes / PageReader::kUsualLineBytes;
    new_columns_.reserve(count);
    column_of_labels_.expect(count);
}

void TargetRows::append_gap(Timestamp time) { appender_.append_gap(group_, time); }

void TargetRows::close(Timestamp time) { appender_.close_group(group_, time); }

Result<ColumnIndex> TargetRows::on_new_series(const exposition::Line& line,
                                              const FamilyPtr& family) {
    if (auto read = sample_labels_.read(line.key); !read) return read.error().error();
    Labels labels = with_target_labels(sample_labels_.sorted());
    const auto& rules = target_->settings->metric_relabel_configs;
    if (!rules.empty()) {
        builder_.reset(labels);
        if (!discovery::apply(rules, builder_)) return kDropped;
        labels = builder_.build();
    }
    if (labels.metric_name().empty()) {
        return Error{Errc::invalid_argument,
                     fmt::format("series '{}' has no name after metric_relabel_configs",
                                 quote_for_message(line.key))};
    }
    if (auto within = check_limits(labels); !within) return within.error();
    if (line.time && target_->settings->honor_timestamps) {
        timed_.push_back({std::move(labels), family});
        return kFirstTimed + static_cast<ColumnIndex>(timed_.size() - 1);
    }
    return add_column(std::move(labels), family);
}

ColumnIndex TargetRows::add_column(Labels labels, const FamilyPtr& family) {
    const auto fresh = announced_ + static_cast<ColumnIndex>(new_columns_.size());
    const auto fingerprint = Fingerprint::of(labels.bytes());
    if (const auto known = column_of_labels_.find(fingerprint))
        return *known;  // another spelling of a label set, or one that comes back
    column_of_labels_.insert(fingerprint, fresh);
    new_columns_.push_back({.labels = std::move(labels),
                            .family = family,
                            .shown_on = shown_on(),
                            .second_names = {}});
    return fresh;
}

/// An engine's own names stand beside the unified ones; what has no unified names is all there is.
ShownOn TargetRows::shown_on() const {
    return naming_.identity.runtime.empty() ? ShownOn::metrics : ShownOn::raw;
}

/// Source: Prometheus 2.42, scrape.go, mutateSampleLabels.
Labels TargetRows::with_target_labels(std::span<const Label> sample) {
    if (auto merged = Labels::merge(sample, target_->labels)) return std::move(*merged);
    const Labels own = Labels::from_sorted(sample);
    builder_.reset(own);
    for (const auto& label : target_->labels) {
        if (!own.has(label.name)) {
            builder_.set(label.name, label.value);
        } else if (!target_->settings->honor_labels) {
            std::string exported = fmt::format("exported_{}", label.name);
            while (own.has(exported)) exported.insert(0, "exported_");
            builder_.set(exported, own.get(label.name));
            builder_.set(label.name, label.value);
        }
    }
    return builder_.build();
}

Result<void> TargetRows::check_limits(const Labels& labels) const {
    const auto& limits = *target_->settings;
    const auto refused = [&](std::string_view what, std::size_t came, std::uint64_t bound,
                             std::string_view setting) {
        return Error{Errc::limit_exceeded,
                     fmt::format("series '{}': {} {}, more than {} = {}",
                                 quote_for_message(labels.to_text()), came, what, setting, bound)};
    };
    if (limits.label_limit == 0 && limits.label_name_length_limit == 0 &&
        limits.label_value_length_limit == 0) {
        return {};
    }
    std::size_t count = 0;
    for (const auto& label : labels) {
        ++count;
        if (limits.label_name_length_limit > 0 &&
            label.name.size() > limits.label_name_length_limit) {
            return refused("bytes in a label name", label.name.size(),
                           limits.label_name_length_limit, "label_name_length_limit");
        }
        if (limits.label_value_length_limit > 0 &&
            label.value.size() > limits.label_value_length_limit) {
            return refused("bytes in a label value", label.value.size(),
                           limits.label_value_length_limit, "label_value_length_limit");
        }
    }
    if (limits.label_limit > 0 && count > limits.label_limit) {
        return refused("labels", count, limits.label_limit, "label_limit");
    }
    return {};
}

void TargetRows::announce_new_columns() {
    if (new_columns_.empty()) return;
    const auto first = announced_;
    if (mapping_) {
        mapping_->name_columns(new_columns_);
        for (std::size_t i = 0; i < new_columns_.size(); ++i) {
            const bool counts_requests = std::any_of(
                new_columns_[i].second_names.begin(), new_columns_[i].second_names.end(),
                [](const SecondName& second) {
                    return std::ranges::find(kRequestCounters, second.labels.metric_name()) !=
                           kRequestCounters.end();
                });
            if (counts_requests) request_columns_.push_back(first + static_cast<ColumnIndex>(i));
        }
        auto derived = mapping_->derive_columns(first, new_columns_);
        for (auto& column : derived) {
            derived_columns_.push_back(first + static_cast<ColumnIndex>(new_columns_.size()));
            new_columns_.push_back(std::move(column));
        }
    }
    appender_.add_columns(group_, new_columns_);
    announced_ += static_cast<std::uint32_t>(new_columns_.size());
    reader_.ensure_columns(announced_);
    new_columns_.clear();
    new_columns_.shrink_to_fit();
    column_of_labels_.settle();
}

bool TargetRows::had_requests() {
    const auto row = reader_.row();
    return std::ranges::any_of(request_columns_,
                               [&](ColumnIndex column) { return row[column] > 0; });
}

void TargetRows::take_back_new_columns() {
    column_of_labels_.take_back();
    new_columns_.clear();
}

Result<void> TargetRows::append_special(const PageValues& page, Timestamp time,
                                        PageSummary& summary) {
    timed_samples_.clear();
    std::vector<Exemplar> exemplars;
    for (const auto& line : page.special) {
        if (line.column == kDropped) continue;
        if (!is_in_row(line.column)) {
            const auto& series = timed_[line.column - kFirstTimed];
            timed_samples_.push_back({.labels = series.labels,
                                      .family = series.family,
                                      .shown_on = shown_on(),
                                      .time = line.time.value_or(time),
                                      .value = line.value});
        } else if (!line.exemplar.empty()) {
            auto exemplar = exposition::parse_exemplar(line.exemplar);
            if (!exemplar) {
                ++summary.refused_exemplars;
                continue;
            }
            exemplars.push_back({.column = line.column,
                                 .labels = std::move(exemplar->labels),
                                 .value = exemplar->value,
                                 .time = exemplar->time.value_or(time)});
        }
    }
    if (!exemplars.empty()) appender_.append_exemplars(group_, exemplars);
    if (timed_samples_.empty()) return {};
    return appender_.append_timed(group_, timed_samples_);
}

}  // namespace inferscope::scrape
