// SPDX-License-Identifier: Apache-2.0
// Parsing by difference: a target answers with the same lines every time, so the layout of its page
// is learnt once. Next time each line's fixed bytes (comments before it, name, labels) are compared
// with memcmp, and a value is parsed only where its text changed. A page whose layout differs is
// read line by line: a table keyed by the line's name bytes knows its columns; only lines never
// seen are read in full.
//
// The page before is kept; the layout is one entry for each sample line, in page order:
//
//     # HELP a ...\n# TYPE a gauge\na{x="1"}  17.5 \n
//     '------------- fixed ----------------''val''tail'
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exposition/page_families.h"
#include "exposition/parser.h"
#include "telemetry/fingerprint.h"
#include "telemetry/metadata.h"

namespace inferscope::scrape {

/// Where the values of a line go.
using ColumnIndex = std::uint32_t;
inline constexpr ColumnIndex kDropped =
    0xffffffff;  ///< relabelling dropped the line, or its label set is taken
/// Lines with times of their own never join the page's row: they are numbered from here.
inline constexpr ColumnIndex kFirstTimed = 0x80000000;
constexpr bool is_in_row(ColumnIndex column) { return column < kFirstTimed; }

/// Decides about lines that are new in this epoch.
class NewSeries {
public:
    virtual ~NewSeries() = default;
    /// `line` is a sample; the column it gets (a fresh one, or an old one that had gone), a number
    /// from kFirstTimed on if it has a time that is honored, or kDropped. An error fails the whole
    /// page: then the columns given out while it was read don't exist.
    virtual Result<ColumnIndex> on_new_series(const exposition::Line& line,
                                              const FamilyPtr& family) = 0;
};

/// A line that carries more than a value; views point into the page.
struct SpecialLine {
    ColumnIndex column = kDropped;
    double value = 0;
    std::optional<Timestamp> time;
    std::string_view exemplar;
};

/// What one page said; views are valid until the next read().
struct PageValues {
    std::span<const SpecialLine>
        special;              ///< lines with a time or an exemplar, or numbered from kFirstTimed on
    std::size_t samples = 0;  ///< sample lines on the page
    std::size_t kept = 0;     ///< of these, lines that feed a column
    std::size_t added = 0;    ///< of these, lines whose series wasn't on the page before
    std::size_t duplicates =
        0;  ///< lines whose column an earlier line of the page had fed: the first wins
    bool layout_known = false;  ///< read by difference from beginning to end
    /// Sample names in page order, of neighbours only one; empty if the layout was known. Views
    /// point into the page.
    std::span<const std::string_view> names;
};

/// Thread: confined to the scrape that owns it.
class PageReader {
public:
    /// Of engines' pages: a sample line and its share of the comments. For first guesses at sizes.
    static constexpr std::size_t kUsualLineBytes = 128;

    PageReader(bool honor_timestamps, std::size_t max_samples)
        : honor_timestamps_(honor_timestamps), max_samples_(max_samples) {}

    /// Reads `page` and keeps it (the text that was kept before is swapped into `page`, for its
    /// memory). A page that fails changes nothing: neither values nor what is known of lines.
    Result<PageValues, ParseError> read(std::string& page, exposition::Format format,
                                        NewSeries& sink);

    /// A value for each column; `kStaleMarker` where no line of the last page fed it, but for
    /// columns that no line ever fed: these keep what the caller wrote there (derived columns).
    /// Valid until the next call.
    [[nodiscard]] std::span<double> row() { return row_; }
    /// A bit for each column: its value may differ from the page before.
    [[nodiscard]] std::span<std::uint64_t> changed() { return changed_; }
    /// Makes room for columns that no line feeds.
    void ensure_columns(std::size_t count);
    /// Forgets all lines and columns: a new epoch.
    void forget();
    /// Bytes held.
    [[nodiscard]] std::size_t memory() const;

private:
    struct LineLayout {
        std::uint32_t fixed = 0;  ///< bytes from the end of the line before to the value
        std::uint32_t value = 0;
        std::uint32_t tail = 0;  ///< bytes behind the value, the newline included
        ColumnIndex column = kDropped;
        bool special = false;
    };

    bool read_by_difference(std::string_view page, exposition::Format format);
    bool read_changed_value(std::string_view page, std::size_t value_at, LineLayout& line);
    bool read_special(std::string_view page, std::size_t at, exposition::Format format,
                      LineLayout& line);
    Result<void, ParseError> read_by_line(std::string_view page, exposition::Format format,
                                          NewSeries& sink);
    [[nodiscard]] std::optional<ColumnIndex> find_column(std::string_view key) const;
    Result<ColumnIndex> column_of(const exposition::Line& line, exposition::PageFamilies& families,
                                  NewSeries& sink);
    void learn_line(const exposition::Line& line, ColumnIndex column, std::size_t line_start,
                    std::size_t line_end, std::string_view page);
    void take_sample(const exposition::Line& line, ColumnIndex column, bool special);
    void start_row_by_line(std::size_t page_bytes);
    void finish_row_by_line();

    bool honor_timestamps_;
    std::size_t max_samples_;  ///< `sample_limit`: a page that keeps more fails
    exposition::Format format_ = exposition::Format::text;  ///< in which the known keys were read
    std::string page_;                                      ///< the page before
    std::vector<LineLayout> layout_;                        ///< of page_
    std::vector<LineLayout> next_layout_;
    std::size_t tail_bytes_ = 0;  ///< of page_, behind the last sample line
    absl::flat_hash_map<Fingerprint, ColumnIndex> columns_by_key_;
    /// Lines of the epoch before, until a page of this one was read: what stands there isn't new.
    absl::flat_hash_map<Fingerprint, ColumnIndex> keys_before_;
    std::size_t unseen_ = 0;  ///< series of the page that aren't among them
    std::vector<Fingerprint>
        learnt_keys_;          ///< by the page that is being read: taken back if it fails
    std::vector<double> row_;  ///< of page_
    std::vector<double> next_row_;
    std::vector<std::uint8_t> line_fed_;  ///< by column: 1 if lines feed it (not derived)
    std::vector<std::uint8_t> fed_now_;   ///< by column: 1 if a line of this page has fed it
    std::vector<std::uint64_t> changed_;
    std::vector<SpecialLine> special_;
    std::vector<std::string_view> names_;
    std::size_t kept_ = 0;
    std::size_t added_ = 0;
    std::size_t duplicates_ = 0;
};

}  // namespace inferscope::scrape
