// SPDX-License-Identifier: Apache-2.0
// Which column a line or a label set has, by its fingerprint. Asked only while something on a page
// is new, and held for every series of every target: so what has settled takes 20 bytes a series.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "scrape/page_layout.h"
#include "telemetry/fingerprint.h"

namespace inferscope::scrape {

/// Thread: confined to one scrape.
class ColumnTable {
public:
    [[nodiscard]] std::optional<ColumnIndex> find(const Fingerprint& key) const;
    [[nodiscard]] bool empty() const { return keys_.empty() && fresh_.empty(); }

    /// So many more will be inserted.
    void expect(std::size_t count) { fresh_.reserve(count); }
    /// `key` isn't there yet.
    void insert(const Fingerprint& key, ColumnIndex column) { fresh_.emplace(key, column); }
    /// What was inserted stays.
    void settle();
    /// What was inserted since settle() is taken out again.
    void take_back() { fresh_ = {}; }

private:
    std::vector<Fingerprint> keys_;     ///< sorted
    std::vector<ColumnIndex> columns_;  ///< of these keys
    absl::flat_hash_map<Fingerprint, ColumnIndex> fresh_;
};

}  // namespace inferscope::scrape
