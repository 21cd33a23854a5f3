// SPDX-License-Identifier: Apache-2.0
// Series → columns: finds the known ones, and announces the others to the store.
//
// New series of one request with the same job, instance and first time are a cohort: they get a
// group of their own, as columns in the order in which they came, so that the buckets of a
// histogram stand together. Cohorts that are too small for a group share the loose one.
//
// A series may be spelt in several ways (labels in another order, empty labels). All spellings end
// at one column: beside the bytes that came, the table knows the series by its shortest spelling
// with sorted labels. Most senders use just that, and then there is one entry.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "remote/config.h"
#include "remote/group_table.h"
#include "remote/refusals.h"
#include "remote/series_table.h"
#include "remote/write_request.h"
#include "telemetry/labels.h"

namespace inferscope::remote {

/// Thread: confined to one at a time.
class Placement {
public:
    /// All outlive the placement.
    Placement(PieceAppender& store, const WriteConfig& config) : config_(config), groups_(store) {}

    /// Looks all series up. The unknown ones are read in full, checked, and wait for announce().
    /// Fails with invalid_argument if the request turns out to be rubbish; then nothing waits.
    Result<void> find(WriteRequest& request, Refusals& refusals);
    /// Announces what find() left waiting.
    void announce();
    /// Of each series of the request; nowhere for those that were refused or have no samples. Valid
    /// until the next find().
    [[nodiscard]] std::span<const Place> places() const { return places_; }

    GroupTable& groups() { return groups_; }
    [[nodiscard]] const GroupTable& groups() const { return groups_; }
    /// As GroupTable::close_idle(); forgets the series.
    void close_idle(std::size_t from, std::size_t count, Timestamp now);
    [[nodiscard]] std::size_t series() const { return series_; }
    [[nodiscard]] std::size_t announced() const { return announced_; }

private:
    struct Newcomer {
        Labels labels;
        Fingerprint key;  // of the shortest spelling
        Timestamp time = 0;
        Place place;
    };
    struct Waiting {
        std::uint32_t series = 0;    // in the request
        Fingerprint key;             // of the spelling that came
        std::uint32_t newcomer = 0;  // its index
    };

    [[nodiscard]] Place find_current(const Fingerprint& key) const {
        const auto place = table_.find(key);
        return groups_.has(place) ? place : Place{};
    }
    Result<void> find_by_labels(WriteRequest& request, std::uint32_t at, Refusals& refusals);
    [[nodiscard]] Fingerprint key_of_labels(const WireSeries& series);
    bool meet(const Fingerprint& key, Timestamp time, Waiting waiting);
    [[nodiscard]] std::vector<std::vector<std::uint32_t>> cohorts() const;
    void announce_cohort(std::span<const std::uint32_t> newcomers);
    void announce_loose(std::span<const std::uint32_t> newcomers);
    Place announce_in(std::uint32_t group, std::span<const std::uint32_t> newcomers);
    void remember_spelling(const Fingerprint& key, const Place& place);

    const WriteConfig& config_;
    SeriesTable table_;
    GroupTable groups_;
    Place loose_;  // the loose group that is filled; its column is without meaning
    std::size_t series_ = 0;
    std::size_t announced_ = 0;
    std::size_t stale_ = 0;  // closed columns that the table may still hold

    // Of one request.
    std::vector<Place> places_;
    std::vector<std::uint32_t> unknown_;
    std::vector<Newcomer> newcomers_;
    std::vector<Waiting> waiting_;
    absl::flat_hash_map<Fingerprint, std::uint32_t> newcomer_of_;
    std::vector<Label> labels_;
    std::string spelling_;
};

}  // namespace inferscope::remote
