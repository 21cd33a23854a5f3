// SPDX-License-Identifier: Apache-2.0
// Which family a sample belongs to, by the HELP, TYPE and UNIT lines of its page.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "exposition/parser.h"
#include "telemetry/metadata.h"

namespace inferscope::exposition {

/// Of a page that is being read, which outlives it. Confined to one thread.
class PageFamilies {
public:
    explicit PageFamilies(Format format);

    /// Takes note of a HELP, TYPE or UNIT line; of any other there is nothing to note.
    void on_metadata(const Line& line);
    /// The family that a sample belongs to; one of its own, of unknown type, if the page doesn't
    /// say.
    FamilyPtr family_of(std::string_view sample);

private:
    struct Entry {
        std::string_view name;
        MetricType type = MetricType::unknown;
        std::string_view help;
        std::string_view unit;
        FamilyPtr made;
    };

    Entry& entry_of(std::string_view name);
    Entry& find(std::string_view sample);
    [[nodiscard]] std::string classic_name(const Entry& entry, std::string_view sample) const;

    Format format_;
    std::vector<Entry> entries_;
    absl::flat_hash_map<absl::string_view, std::size_t> by_name_;
    std::size_t current_ = 0;  ///< in entries_: the family of the newest line
};

}  // namespace inferscope::exposition
