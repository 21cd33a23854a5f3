// SPDX-License-Identifier: Apache-2.0
// What is odd about a query that has an answer all the same: warnings and infos, in Prometheus's
// words. Source: Prometheus 3.14, util/annotations/annotations.go. Dialect 2 has none of them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "promql/ast.h"
#include "promql/bucket_quantile.h"

namespace inferscope::promql {

/// Each text once; of several places the last one is told. Confined to one thread.
class Annotations {
public:
    /// Without `is_enabled`, which dialect 2 isn't, nothing is kept but what storage says.
    Annotations(std::string_view query, bool is_enabled) : query_(query), is_enabled_(is_enabled) {}

    void warn_of_quantile(double quantile, ByteRange at);
    /// A ratio outside of -1 and 1, and what it was taken for.
    void warn_of_ratio(double ratio, double taken, ByteRange at);
    /// `name`: of the metric, empty if it isn't known.
    void warn_of_bucket_label(std::string_view label, std::string_view name, ByteRange at);
    void warn_of_sort_in_range_query(ByteRange at);
    void warn_from_storage(std::string_view text);

    /// Of an operator that only native histograms have.
    void tell_of_incompatible_types(BinaryOp op, ByteRange at);
    void tell_of_possible_non_counter(std::string_view name, ByteRange at);
    void tell_of_forced_monotonicity(std::string_view name, ByteRange at, Timestamp time,
                                     const BucketRepair& repair);

    /// In the order of their first appearance; the first ten, and how many more there are.
    [[nodiscard]] std::vector<std::string> warnings() const;
    [[nodiscard]] std::vector<std::string> infos() const;

private:
    struct Entry {
        std::string text;
        std::string place;  ///< behind it; empty: none
    };
    /// Of one histogram_quantile: all that was mended.
    struct Repairs {
        std::string text;
        std::string place;
        Timestamp first = 0;
        Timestamp last = 0;
        BucketRepair widest{};
        std::size_t count = 0;
    };

    void add(std::vector<Entry>& entries, std::string text, ByteRange at) const;
    [[nodiscard]] std::string place_of(ByteRange at) const;
    [[nodiscard]] static std::string to_text(const Repairs& repairs);
    [[nodiscard]] static std::vector<std::string> shorten(std::vector<std::string> all,
                                                          std::string_view kind);
    [[nodiscard]] static std::vector<std::string> texts(const std::vector<Entry>& entries);

    std::string_view query_;
    bool is_enabled_;
    std::vector<Entry> warnings_;
    std::vector<Entry> infos_;
    std::vector<Repairs> repairs_;
};

}  // namespace inferscope::promql
