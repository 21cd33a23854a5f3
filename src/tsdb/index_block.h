// SPDX-License-Identifier: Apache-2.0
// A block's index, read where it lies (a mapped file): only the label names and a few words are on
// the heap. docs/formats/index.md draws the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "telemetry/labels.h"
#include "tsdb/index.h"
#include "tsdb/index_format.h"
#include "tsdb/index_ids.h"
#include "tsdb/index_labels.h"
#include "tsdb/index_series.h"

namespace inferscope::tsdb {

/// Immutable. Thread: any.
class BlockIndex final : public Index {
public:
    using VisitSeries =
        absl::FunctionRef<void(SeriesId, const Labels&, std::span<const ColumnPlace>)>;

    /// `bytes` outlive the index. Fails with invalid_argument if a checksum is wrong or anything
    /// isn't as IndexWriter writes it: all of it is read once, about 0.1 us for each series.
    static Result<BlockIndex> open(std::string_view bytes);

    [[nodiscard]] std::size_t series_count() const override { return series_.size(); }
    [[nodiscard]] Labels labels(SeriesId id) const override;
    /// `id` is one of this index.
    [[nodiscard]] std::vector<ColumnPlace> places(SeriesId id) const;
    /// Tells labels and places of each of `ids` (ascending), which are gone when `visit` returns.
    void for_each_series(std::span<const SeriesId> ids, VisitSeries visit) const;

private:
    struct Name {
        std::string_view text;
        LabelNumber first = 0;  ///< its labels have consecutive numbers
        std::uint32_t count = 0;
    };

    BlockIndex() = default;
    Result<void> read_names(std::string_view section, const index_format::Header& header);
    [[nodiscard]] Result<void> check() const;
    [[nodiscard]] Result<std::uint64_t> check_labels() const;
    [[nodiscard]] Result<std::uint64_t> check_series() const;
    [[nodiscard]] std::optional<std::uint64_t> count_listed(const LabelIds& ids) const;
    [[nodiscard]] IdsCursor ids_of(const LabelIds& ids) const;
    [[nodiscard]] LabelCursor not_before(const Name& name, std::string_view value) const;
    void retain_by_list(const LabelIds& list, Ids& ids) const;

    [[nodiscard]] SeriesId id_limit() const override { return series_.size(); }
    void append_all(Ids& ids) const override;
    [[nodiscard]] std::optional<NameNumber> find_name(std::string_view name) const override;
    void for_each_name(VisitName visit) const override;
    [[nodiscard]] NameNumber name_of(LabelNumber label) const override;
    [[nodiscard]] std::size_t count_labels(NameNumber name) const override;
    [[nodiscard]] std::optional<LabelNumber> find_label(NameNumber name,
                                                        std::string_view value) const override;
    void for_each_label(NameNumber name, std::string_view prefix, VisitLabel visit) const override;
    [[nodiscard]] std::string value(LabelNumber label) const override;
    [[nodiscard]] std::size_t count_ids(LabelNumber label) const override;
    void append_ids(LabelNumber label, Ids& ids) const override;
    [[nodiscard]] bool any_of(LabelNumber label, IsWanted is_wanted) const override;
    void retain(LabelNumber label, Ids& ids) const override;
    void filter(NameNumber name, Ids& ids, KeepIf keep) const override;
    void for_each_set(std::span<const SeriesId> ids, VisitNumbers visit) const override;

    std::vector<Name> names_;  // sorted
    LabelTable labels_;
    SeriesTable series_;
    std::string_view postings_;
};

}  // namespace inferscope::tsdb
