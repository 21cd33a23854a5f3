// SPDX-License-Identifier: Apache-2.0
// What a block is asked.
#include <algorithm>

#include "tsdb/block.h"
#include "tsdb/block_selection.h"

namespace inferscope::tsdb {

Result<Selection> Block::read(std::span<const Matcher> matchers, Timestamp from, Timestamp to,
                              std::size_t most_samples) const {
    BlockSelection selection({from, to}, most_samples);
    selection.add(*this, matchers);
    return selection.read();
}

std::vector<Labels> Block::series(std::span<const Matcher> matchers, Timestamp from,
                                  Timestamp to) const {
    std::vector<Labels> all;
    if (!meta_.times.overlaps({from, to})) return all;
    const auto found = tables();
    if (!found) return all;
    const auto& index = (*found)->index();
    index.for_each_series(index.select(matchers),
                          [&](SeriesId, const Labels& labels, std::span<const ColumnPlace> places) {
                              const auto has_rows = [&](const ColumnPlace& place) {
                                  return part_of((*found)->groups(), place, {from, to}).has_value();
                              };
                              if (std::ranges::any_of(places, has_rows)) all.push_back(labels);
                          });
    return all;
}

std::vector<std::string> Block::label_names(std::span<const Matcher> matchers) const {
    const auto found = tables();
    if (!found) return {};
    return (*found)->index().label_names(matchers);
}

std::vector<std::string> Block::label_values(std::string_view name,
                                             std::span<const Matcher> matchers,
                                             std::size_t limit) const {
    const auto found = tables();
    if (!found) return {};
    return (*found)->index().label_values(name, matchers, limit);
}

}  // namespace inferscope::tsdb
