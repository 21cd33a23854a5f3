// SPDX-License-Identifier: Apache-2.0
#include "scrape/column_table.h"

#include <algorithm>
#include <utility>

namespace inferscope::scrape {
namespace {

bool is_before(const Fingerprint& a, const Fingerprint& b) {
    return std::pair(a.low, a.high) < std::pair(b.low, b.high);
}

}  // namespace

std::optional<ColumnIndex> ColumnTable::find(const Fingerprint& key) const {
    const auto place = std::ranges::lower_bound(keys_, key, is_before);
    if (place != keys_.end() && *place == key)
        return columns_[static_cast<std::size_t>(place - keys_.begin())];
    const auto fresh = fresh_.find(key);
    return fresh == fresh_.end() ? std::nullopt : std::optional(fresh->second);
}

void ColumnTable::settle() {
    if (fresh_.empty()) return;
    std::vector<std::pair<Fingerprint, ColumnIndex>> all(fresh_.begin(), fresh_.end());
    for (std::size_t i = 0; i < keys_.size(); ++i) all.emplace_back(keys_[i], columns_[i]);
    std::ranges::sort(all, is_before, &std::pair<Fingerprint, ColumnIndex>::first);
    keys_.reserve(all.size());
    columns_.reserve(all.size());
    keys_.clear();
    columns_.clear();
    for (const auto& [key, column] : all) {
        keys_.push_back(key);
        columns_.push_back(column);
    }
    fresh_ = {};
}

}  // namespace inferscope::scrape
