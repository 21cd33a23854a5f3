// SPDX-License-Identifier: Apache-2.0
// Which series match: one algorithm over both indexes, that in memory (index_head.h) and that of a
// block (index_block.h). Both number their labels (pairs of name and value) and can tell the ids of
// the series that have a label, and the labels that a series has.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/labels.h"
#include "telemetry/matcher.h"
#include "tsdb/postings.h"
#include "tsdb/symbols.h"

namespace inferscope::tsdb {

class Index {
public:
    virtual ~Index() = default;

    [[nodiscard]] virtual std::size_t series_count() const = 0;
    /// `id` is one of this index.
    [[nodiscard]] virtual Labels labels(SeriesId id) const = 0;

    /// Series for which all matchers hold, ascending. A label that a series doesn't have is empty:
    /// `{a=""}`, `{a!="x"}` and `{a=~"x|"}` take series without `a`. No matcher: all series.
    [[nodiscard]] Ids select(std::span<const Matcher> matchers) const;
    using IsWanted = absl::FunctionRef<bool(SeriesId)>;
    /// Names that stand on a wanted series (any, if nothing says which) for which all matchers
    /// hold, sorted.
    [[nodiscard]] std::vector<std::string> label_names(
        std::span<const Matcher> matchers, std::optional<IsWanted> is_wanted = {}) const;
    /// Values of `name` on those series, sorted; the first `limit` of them unless it is 0.
    [[nodiscard]] std::vector<std::string> label_values(
        std::string_view name, std::span<const Matcher> matchers, std::size_t limit = 0,
        std::optional<IsWanted> is_wanted = {}) const;

protected:
    using VisitName = absl::FunctionRef<void(NameNumber, std::string_view)>;
    using VisitLabel = absl::FunctionRef<void(LabelNumber, std::string_view)>;
    using KeepIf = absl::FunctionRef<bool(LabelNumber)>;
    using VisitNumbers = absl::FunctionRef<void(std::span<const LabelNumber>)>;

    /// Greater than every id.
    [[nodiscard]] virtual SeriesId id_limit() const = 0;
    virtual void append_all(Ids& ids) const = 0;

    [[nodiscard]] virtual std::optional<NameNumber> find_name(std::string_view name) const = 0;
    virtual void for_each_name(VisitName visit) const = 0;
    [[nodiscard]] virtual NameNumber name_of(LabelNumber label) const = 0;

    [[nodiscard]] virtual std::size_t count_labels(NameNumber name) const = 0;
    [[nodiscard]] virtual std::optional<LabelNumber> find_label(NameNumber name,
                                                                std::string_view value) const = 0;
    /// Labels whose value starts with `prefix`, in any order.
    virtual void for_each_label(NameNumber name, std::string_view prefix,
                                VisitLabel visit) const = 0;
    [[nodiscard]] virtual std::string value(LabelNumber label) const = 0;

    /// Series that have the label.
    [[nodiscard]] virtual std::size_t count_ids(LabelNumber label) const = 0;
    virtual void append_ids(LabelNumber label, Ids& ids) const = 0;
    /// Whether a wanted series has the label.
    [[nodiscard]] virtual bool any_of(LabelNumber label, IsWanted is_wanted) const = 0;
    /// Keeps of `ids` the series that have the label.
    virtual void retain(LabelNumber label, Ids& ids) const = 0;
    /// Keeps of `ids` the series for whose label `keep` says true (kNoLabel if they have none).
    virtual void filter(NameNumber name, Ids& ids, KeepIf keep) const = 0;
    /// Tells the labels of each of `ids`, in the order of their names.
    virtual void for_each_set(std::span<const SeriesId> ids, VisitNumbers visit) const = 0;

private:
    struct Step;

    [[nodiscard]] std::vector<Step> plan(std::span<const Matcher> matchers, bool& none) const;
    void list_labels(Step& step) const;
    void apply(Step& step, Ids& ids) const;
    void filter_by_value(const Step& step, Ids& ids) const;
    [[nodiscard]] Ids unite(std::span<const LabelNumber> labels, std::size_t total) const;
};

}  // namespace inferscope::tsdb
