// SPDX-License-Identifier: Apache-2.0
// Parsing by difference: a target answers with the same lines every time, so the layout of its page
// is learnt once. Next time each line's fixed bytes (comments before it, name, labels) are compared
// with memcmp, and a value is parsed only where its text changed. A page whose layout differs is
// read line by line: a table keyed by the line's name bytes knows its columns; only lines never
// seen are read in full.
//
// Of the page before its layout (page_layout.h, shared with other targets) and the texts of its
// values are kept.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exposition/page_families.h"
#include "exposition/parser.h"
#include "scrape/column_table.h"
#include "scrape/page_layout.h"
#include "telemetry/metadata.h"

namespace inferscope::scrape {

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

/// What one page said; views are valid until the next read(), those into the page while it is.
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

    /// `layouts` outlives it.
    PageReader(PageLayouts& layouts, bool honor_timestamps, std::size_t max_samples)
        : layouts_(&layouts), honor_timestamps_(honor_timestamps), max_samples_(max_samples) {}

    /// Reads `page`. One that fails changes nothing: neither values nor what is known of lines.
    Result<PageValues, ParseError> read(const std::string& page, exposition::Format format,
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

private:
    /// Of each line that isn't special what follows its fixed bytes, the newline included.
    struct PageTexts {
        std::string bytes;
        std::vector<std::uint32_t> sizes;
    };
    /// A page while it is read line by line: nothing of it counts until all of it is fine.
    struct NextPage {
        PageLayout layout;
        PageTexts texts;
        std::vector<double> row;
        std::vector<std::uint8_t> fed;  ///< by column: 1 if a line of the page has fed it
        FamilyPtr family;               ///< of the newest line whose series is new
        FamilyPtr shared_family;        ///< the same, held once for all targets
        std::size_t kept = 0;
        std::size_t duplicates = 0;
    };

    bool read_by_difference(const std::string& page, exposition::Format format);
    bool take_changed_value(std::string_view text, ColumnIndex column, std::span<double> row);
    /// Where the line ends whose value stands at `value_at`, and whose fixed bytes start at `at`;
    /// 0 if it isn't as it was.
    std::size_t read_special(std::string_view page, std::size_t at, std::size_t value_at,
                             exposition::Format format, ColumnIndex column, std::span<double> row);
    Result<void, ParseError> read_by_line(std::string_view page, exposition::Format format,
                                          NewSeries& sink);
    [[nodiscard]] std::optional<ColumnIndex> find_column(std::string_view key) const;
    Result<ColumnIndex> column_of(const exposition::Line& line, exposition::PageFamilies& families,
                                  NewSeries& sink, NextPage& next);
    void learn_line(const exposition::Line& line, ColumnIndex column, std::string_view bytes,
                    NextPage& next);
    void take_sample(const exposition::Line& line, ColumnIndex column, bool special,
                     std::span<double> row);
    [[nodiscard]] NextPage start_page(std::size_t page_bytes);
    void finish_page(NextPage next);

    PageLayouts* layouts_;
    bool honor_timestamps_;
    std::size_t max_samples_;  ///< `sample_limit`: a page that keeps more fails
    exposition::Format format_ = exposition::Format::text;  ///< in which the known keys were read
    std::shared_ptr<const PageLayout> layout_;  ///< of the page before; null if there is none
    PageTexts texts_;                           ///< of the page before
    ColumnTable columns_by_key_;
    /// Lines of the epoch before, until a page of this one was read: what stands there isn't new.
    ColumnTable keys_before_;
    std::size_t unseen_ = 0;              ///< series of the page that aren't among them
    std::vector<double> row_;             ///< of the page before
    std::vector<std::uint8_t> line_fed_;  ///< by column: 1 if lines feed it (not derived)
    std::vector<std::uint64_t> changed_;
    std::vector<SpecialLine> special_;
    std::vector<std::string_view> names_;
    std::size_t kept_ = 0;
    std::size_t added_ = 0;
    std::size_t duplicates_ = 0;
};

}  // namespace inferscope::scrape
