// SPDX-License-Identifier: Apache-2.0
// Makes a block's index from label sets in any order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "telemetry/labels.h"
#include "tsdb/index_ids.h"
#include "tsdb/index_series.h"
#include "tsdb/symbols.h"

namespace inferscope::tsdb {

/// Thread: confined to one.
class IndexWriter {
public:
    /// A label set that is added again gets the further places behind those it has.
    void add(const Labels& labels, std::span<const ColumnPlace> places);
    /// The whole index. Ids are the ranks of the label sets in Prometheus's order. Fails with
    /// limit_exceeded if a section would be 4 GiB or larger. Call it once, and last.
    [[nodiscard]] Result<std::string> finish();
    /// Label sets, each counted once; known after finish().
    [[nodiscard]] std::uint32_t series_count() const { return series_written_; }

private:
    /// Of a series: where its labels and places end; they start where the one before ends.
    struct Ends {
        std::size_t labels = 0;
        std::size_t places = 0;
    };

    [[nodiscard]] Ends start_of(std::size_t series) const {
        return series == 0 ? Ends{} : ends_[series - 1];
    }
    [[nodiscard]] std::span<const LabelNumber> labels_of(std::size_t series) const;
    [[nodiscard]] std::span<const ColumnPlace> places_of(std::size_t series) const;
    [[nodiscard]] std::vector<LabelNumber> sort_labels();
    [[nodiscard]] std::vector<std::size_t> sorted_series() const;
    [[nodiscard]] std::string write_series(std::vector<IdsEncoder>& ids);
    [[nodiscard]] std::string write_names(std::span<const LabelNumber> sorted);

    Symbols symbols_;
    std::vector<LabelNumber> labels_;  // of all series, one behind the other
    std::vector<ColumnPlace> places_;
    std::vector<Ends> ends_;
    std::uint32_t names_written_ = 0;
    std::uint32_t series_written_ = 0;
};

}  // namespace inferscope::tsdb
