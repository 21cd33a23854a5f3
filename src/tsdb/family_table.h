// SPDX-License-Identifier: Apache-2.0
// TYPE, HELP and UNIT by family name: what sources said last.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/metadata.h"
#include "tsdb/config.h"

namespace inferscope::tsdb {

/// Thread: the lock around it.
class FamilyTable {
public:
    FamilyTable(std::size_t most, std::size_t max_help_bytes)
        : most_(most), max_help_bytes_(max_help_bytes) {}

    /// False if the bound on families is reached.
    bool add(const FamilyPtr& family);
    /// The one with this name, or all by name if it is empty; the first `limit` unless it is 0.
    [[nodiscard]] std::vector<FamilyPtr> list(std::string_view name, std::size_t limit) const;
    [[nodiscard]] std::size_t size() const { return families_.size(); }

private:
    std::size_t most_;
    std::size_t max_help_bytes_;
    std::map<std::string, FamilyPtr, std::less<>> families_;
};

}  // namespace inferscope::tsdb
