// SPDX-License-Identifier: Apache-2.0
// What a page says again at each scrape: everything but its values. Replicas of one engine answer
// with the same lines, so targets share what they have in common.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "telemetry/fingerprint.h"
#include "telemetry/metadata.h"

namespace inferscope::scrape {

/// Where the values of a line go.
using ColumnIndex = std::uint32_t;

/// One entry for each sample line, in page order:
///
///     # HELP a ...\n# TYPE a gauge\na{x="1"}  17.5 \n
///     '------------- fixed ----------------''value-'
struct PageLayout {
    struct Line {
        std::uint32_t fixed = 0;  ///< bytes from the end of the line before to the value
        ColumnIndex column = 0;
        std::uint32_t special = 0;  ///< 1 if it carries more than a value
    };

    std::string text;  ///< the fixed bytes of all lines, then what follows the last line
    std::vector<Line> lines;
};

/// Values that somebody holds, each once, by a key that says all of them.
template <class Key, class Value>
class InUse {
public:
    /// `value`, or the equal one that somebody holds.
    std::shared_ptr<const Value> share(const Key& key, std::shared_ptr<const Value> value) {
        auto& known = values_[key];
        if (auto held = known.lock()) return held;
        known = value;
        if (values_.size() > 2 * held_ + kMostUnused) {
            absl::erase_if(values_, [](const auto& entry) { return entry.second.expired(); });
            held_ = values_.size();
        }
        return value;
    }

private:
    static constexpr std::size_t kMostUnused = 16;

    absl::flat_hash_map<Key, std::weak_ptr<const Value>> values_;
    std::size_t held_ = 0;  ///< when those that nobody holds were last taken out
};

/// The layouts and families of all targets' pages. Thread: any.
class PageLayouts {
public:
    std::shared_ptr<const PageLayout> share(PageLayout layout);
    FamilyPtr share(FamilyPtr family);

private:
    Guarded<InUse<std::pair<Fingerprint, Fingerprint>, PageLayout>> layouts_;  ///< text and lines
    Guarded<InUse<Fingerprint, Family>> families_;
};

}  // namespace inferscope::scrape
