// SPDX-License-Identifier: Apache-2.0
// HeadIndex's statistics: which names and labels there are most of.
#include <algorithm>
#include <utility>

#include "tsdb/index_head.h"

namespace inferscope::tsdb {
namespace {

/// Keeps the greatest of what it is shown.
class Top {
public:
    explicit Top(std::size_t most) : most_(most) {}

    /// `name` is called only if the count is great enough.
    template <class Name>
    void add(std::uint64_t count, Name name) {
        if (most_ == 0) return;
        if (counts_.size() == most_ && count < counts_.front().count) return;
        counts_.push_back({name(), count});
        std::ranges::push_heap(counts_, is_before);
        if (counts_.size() <= most_) return;
        std::ranges::pop_heap(counts_, is_before);
        counts_.pop_back();
    }

    std::vector<IndexCount> take() {
        std::ranges::sort_heap(counts_, is_before);
        return std::move(counts_);
    }

private:
    /// The last one stands at the heap's front.
    static bool is_before(const IndexCount& a, const IndexCount& b) {
        return a.count != b.count ? a.count > b.count : a.name < b.name;
    }

    std::size_t most_;
    std::vector<IndexCount> counts_;
};

}  // namespace

IndexStats HeadIndex::stats(std::size_t most) const {
    IndexStats stats;
    stats.series = series_count();
    stats.labels = symbols_.size();
    Top metrics(most);
    Top values(most);
    Top bytes(most);
    Top labels(most);
    symbols_.for_each_name([&](NameNumber number, std::string_view name) {
        ++stats.names;
        std::size_t used = name.size();
        symbols_.for_each_label(number, [&](LabelNumber label, std::string_view value) {
            const auto& postings = postings_[label];
            used += value.size() + sizeof(Postings) + postings.heap_bytes();
            if (name == kMetricName) {
                metrics.add(postings.size(), [&] { return std::string(value); });
            }
            labels.add(postings.size(),
                       [&] { return std::string(name).append("=").append(value); });
        });
        values.add(symbols_.count(number), [&] { return std::string(name); });
        bytes.add(used, [&] { return std::string(name); });
    });
    stats.series_by_metric_name = metrics.take();
    stats.values_by_label_name = values.take();
    stats.bytes_by_label_name = bytes.take();
    stats.series_by_label = labels.take();
    return stats;
}

}  // namespace inferscope::tsdb
