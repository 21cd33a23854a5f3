// SPDX-License-Identifier: Apache-2.0
#include "exposition/history_reader.h"

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <string>
#include <utility>

#include "exposition/page_families.h"
#include "exposition/parser.h"

namespace inferscope::exposition {
namespace {

/// Samples of one batch: some MiB of log.
constexpr std::uint64_t kBatchSamples = 1 << 18;
/// Columns of one group; the store's bound is 100,000.
constexpr std::uint32_t kMostColumns = 50'000;

class HistoryReading {
public:
    HistoryReading(std::string_view text, PieceAppender& into,
                   absl::FunctionRef<Result<void>()> between)
        : lines_(text, Format::openmetrics),
          families_(Format::openmetrics),
          into_(into),
          between_(between) {}

    Result<HistoryCounts, ParseError> read() {
        while (true) {
            const auto has_more = read_batch();
            if (!has_more) return has_more.error();
            if (auto kept = between_(); !kept) return at_line(kept.error());
            if (!*has_more) break;
        }
        return counts_;
    }

private:
    struct Place {
        GroupId group{};
        std::uint32_t column = 0;
    };

    /// False at the end of the text.
    Result<bool, ParseError> read_batch() {
        into_.begin_batch();
        auto has_more = read_lines();
        if (auto kept = into_.end_batch(); !kept && has_more) return at_line(kept.error());
        return has_more;
    }

    Result<bool, ParseError> read_lines() {
        for (std::uint64_t left = kBatchSamples; left > 0;) {
            const auto line = lines_.next();
            if (!line) return line.error();
            if (!*line) return false;
            families_.on_metadata(**line);
            if ((*line)->kind != Line::Kind::sample) continue;
            if (auto taken = take(**line); !taken) return taken.error();
            --left;
        }
        return true;
    }

    Result<void, ParseError> take(const Line& line) {
        if (!line.time) return no_time(line);
        if (line.key != key_) {
            if (auto found = find(line); !found) return found;
        }
        const Cell cell{place_.column, line.value};
        const auto verdicts = into_.append_cells(place_.group, *line.time, {&cell, 1});
        if (!verdicts) return at_line(verdicts.error());
        counts_.samples += *verdicts;
        return {};
    }

    /// Where samples of the line's series go: a new column, if it is new.
    Result<void, ParseError> find(const Line& line) {
        if (auto read = labels_.read(line.key); !read) {
            auto error = read.error();
            error.line = lines_.line_number();
            return error;
        }
        auto labels = Labels::from_sorted(labels_.sorted());
        const auto [at, is_new] = places_.try_emplace(labels);
        if (is_new) at->second = announce(std::move(labels), families_.family_of(line.name));
        place_ = at->second;
        key_ = line.key;
        return {};
    }

    Place announce(Labels labels, FamilyPtr family) {
        if (columns_ == kMostColumns) {
            group_ = into_.open_loose_group("import");
            columns_ = 0;
        }
        const Column column{
            .labels = std::move(labels), .family = std::move(family), .second_names = {}};
        into_.add_columns(group_, {&column, 1});
        ++counts_.series;
        return {group_, columns_++};
    }

    [[nodiscard]] ParseError at_line(const Error& error) const {
        return {.file = {}, .line = lines_.line_number(), .column = 0, .text = error.text};
    }
    [[nodiscard]] ParseError no_time(const Line& line) const {
        const char* behind_value = line.value_text.data() + line.value_text.size();
        return {.file = {},
                .line = lines_.line_number(),
                .column = static_cast<int>(behind_value - line.key.data()) + 1,
                .text = "expected a time: samples without one can't be imported"};
    }

    LineReader lines_;
    PageFamilies families_;
    SeriesLabels labels_;
    PieceAppender& into_;
    absl::FunctionRef<Result<void>()> between_;
    absl::flat_hash_map<Labels, Place> places_;
    GroupId group_{};                       // of new series
    std::uint32_t columns_ = kMostColumns;  // that it has; none is open yet
    std::string_view key_;                  // of the sample before, and its place
    Place place_;
    HistoryCounts counts_;
};

}  // namespace

Result<HistoryCounts, ParseError> read_history(std::string_view text, PieceAppender& into,
                                               absl::FunctionRef<Result<void>()> between) {
    return HistoryReading(text, into, between).read();
}

}  // namespace inferscope::exposition
