// SPDX-License-Identifier: Apache-2.0
// From a target's page to rows: relabelling and limits once for each new line, second names,
// epochs, exemplars.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "discovery/target.h"
#include "mapping/target_mapping.h"
#include "scrape/page_reader.h"
#include "telemetry/appender.h"
#include "telemetry/fingerprint.h"

namespace inferscope::scrape {

/// By what a target's series are named: replaced as a whole, and a new one starts an epoch.
struct Naming {
    std::shared_ptr<const mapping::Mapping> mapping;
    mapping::Identity identity;  ///< no runtime: series keep their own names only
    Labels base;                 ///< cluster, worker, model, instance: see TargetMapping

    bool operator==(const Naming&) const = default;
};

/// Figures of one page.
struct PageSummary {
    std::size_t samples = 0;  ///< sample lines: scrape_samples_scraped
    std::size_t kept = 0;     ///< after metric relabelling: scrape_samples_post_metric_relabeling
    std::size_t added = 0;    ///< series that weren't on the page before: scrape_series_added
    std::size_t duplicates = 0;  ///< lines left out because an earlier line has their label set
    std::size_t refused_exemplars = 0;  ///< that couldn't be read
    bool layout_known = false;
};

/// Thread: confined to one scrape.
class TargetRows final : private NewSeries {
public:
    /// Bound on the samples of one page where `sample_limit` sets none.
    static constexpr std::size_t kMaxSamples = 1'000'000;

    /// `appender` and `layouts` outlive it.
    TargetRows(Appender& appender, PageLayouts& layouts, discovery::TargetPtr target);
    ~TargetRows() override;
    TargetRows(const TargetRows&) = delete;
    TargetRows& operator=(const TargetRows&) = delete;

    /// From the next page on. A change closes the epoch: new names never reach back in time.
    void set_naming(Naming naming);
    [[nodiscard]] const Naming& naming() const { return naming_; }
    /// Settings, limits or relabelling changed while the target stayed the same: closes the epoch.
    void set_target(discovery::TargetPtr target);

    /// Reads `page` (see PageReader::read) and appends its row at `time`. A page that fails appends
    /// nothing.
    Result<PageSummary> append(const std::string& page, exposition::Format format, Timestamp time);
    /// The target didn't answer.
    void append_gap(Timestamp time);
    /// The target is gone for good.
    void close(Timestamp time);

    /// What this engine and version should show and doesn't, as of the last page whose layout was
    /// new.
    [[nodiscard]] const std::vector<mapping::MissingFamily>& missing() const { return missing_; }

private:
    struct TimedSeries {
        Labels labels;
        FamilyPtr family;
    };

    Result<ColumnIndex> on_new_series(const exposition::Line& line,
                                      const FamilyPtr& family) override;
    Result<void> check_limits(const Labels& labels) const;
    [[nodiscard]] Labels with_target_labels(std::span<const Label> sample);
    [[nodiscard]] ShownOn shown_on() const;
    ColumnIndex add_column(Labels labels, const FamilyPtr& family);
    void start_epoch();
    void expect_columns(std::size_t page_bytes);
    void announce_new_columns();
    void take_back_new_columns();
    Result<void> append_special(const PageValues& page, Timestamp time, PageSummary& summary);
    [[nodiscard]] bool had_requests();

    Appender& appender_;
    PageLayouts& layouts_;
    discovery::TargetPtr target_;
    Naming naming_;
    GroupId group_;
    PageReader reader_;
    std::unique_ptr<mapping::TargetMapping> mapping_;
    std::uint32_t announced_ = 0;  ///< columns, derived ones included
    std::vector<ColumnIndex> derived_columns_;
    bool epoch_is_over_ = false;
    std::vector<Column> new_columns_;  ///< of the page that is being read
    ColumnTable column_of_labels_;
    std::vector<TimedSeries> timed_;
    std::vector<TimedSample> timed_samples_;
    std::vector<ColumnIndex>
        request_columns_;  ///< counters that tell whether the engine has served anything
    std::vector<mapping::MissingFamily> missing_;
    exposition::SeriesLabels sample_labels_;  ///< of the line that is being read
    LabelsBuilder builder_;
};

}  // namespace inferscope::scrape
