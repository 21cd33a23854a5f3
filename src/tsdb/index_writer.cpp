// SPDX-License-Identifier: Apache-2.0
#include "tsdb/index_writer.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "tsdb/index_format.h"
#include "tsdb/index_labels.h"

namespace inferscope::tsdb {

void IndexWriter::add(const Labels& labels, std::span<const ColumnPlace> places) {
    for (const auto& label : labels) labels_.push_back(symbols_.intern(label.name, label.value));
    places_.insert(places_.end(), places.begin(), places.end());
    ends_.push_back({labels_.size(), places_.size()});
}

std::span<const LabelNumber> IndexWriter::labels_of(std::size_t series) const {
    return std::span(labels_).subspan(start_of(series).labels,
                                      ends_[series].labels - start_of(series).labels);
}

std::span<const ColumnPlace> IndexWriter::places_of(std::size_t series) const {
    return std::span(places_).subspan(start_of(series).places,
                                      ends_[series].places - start_of(series).places);
}

Result<std::string> IndexWriter::finish() {
    const auto sorted = sort_labels();
    std::vector<IdsEncoder> ids(sorted.size());
    index_format::Sections sections;
    sections[index_format::kSeries] = write_series(ids);
    sections[index_format::kNames] = write_names(sorted);
    LabelsEncoder labels;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        const auto count = ids[i].count();
        labels.add(symbols_.value(sorted[i]), count, ids[i].take());
    }
    sections[index_format::kLabels] = labels.take(sections[index_format::kPostings]);
    index_format::Header header;
    header.names = names_written_;
    header.labels = static_cast<std::uint32_t>(sorted.size());
    header.series = series_written_;
    return index_format::assemble(header, sections);
}

/// Labels by name and value; from here on the series' labels are ranks in this order.
std::vector<LabelNumber> IndexWriter::sort_labels() {
    std::vector<LabelNumber> sorted(symbols_.limit());
    std::iota(sorted.begin(), sorted.end(), LabelNumber{0});
    std::ranges::sort(sorted, {}, [&](LabelNumber label) {
        return std::tuple(symbols_.name(symbols_.name_of(label)), symbols_.value(label));
    });
    std::vector<LabelNumber> ranks(sorted.size());
    for (LabelNumber rank = 0; rank < sorted.size(); ++rank) ranks[sorted[rank]] = rank;
    for (auto& label : labels_) label = ranks[label];
    return sorted;
}

/// In Prometheus's order, which is that of the ranks; of equal label sets the one added first.
std::vector<std::size_t> IndexWriter::sorted_series() const {
    std::vector<std::size_t> sorted(ends_.size());
    std::iota(sorted.begin(), sorted.end(), std::size_t{0});
    std::ranges::sort(sorted, [&](std::size_t a, std::size_t b) {
        const auto labels_a = labels_of(a);
        const auto labels_b = labels_of(b);
        const auto order = std::lexicographical_compare_three_way(labels_a.begin(), labels_a.end(),
                                                                  labels_b.begin(), labels_b.end());
        return order == 0 ? a < b : order < 0;
    });
    return sorted;
}

std::string IndexWriter::write_series(std::vector<IdsEncoder>& ids) {
    SeriesEncoder encoder;
    std::vector<ColumnPlace> places;
    const auto sorted = sorted_series();
    for (std::size_t i = 0; i < sorted.size();) {
        const auto labels = labels_of(sorted[i]);
        places.clear();
        for (; i < sorted.size() && std::ranges::equal(labels_of(sorted[i]), labels); ++i) {
            const auto more = places_of(sorted[i]);
            places.insert(places.end(), more.begin(), more.end());
        }
        for (const auto label : labels) ids[label].add(encoder.count());
        encoder.add(labels, places);
    }
    series_written_ = encoder.count();
    return encoder.take();
}

/// For each name its length, its bytes and how many labels have it.
std::string IndexWriter::write_names(std::span<const LabelNumber> sorted) {
    std::string out;
    for (std::size_t i = 0; i < sorted.size();) {
        const NameNumber name = symbols_.name_of(sorted[i]);
        const std::string_view text = symbols_.name(name);
        append_varint(out, text.size());
        out += text;
        append_varint(out, symbols_.count(name));
        i += symbols_.count(name);
        ++names_written_;
    }
    return out;
}

}  // namespace inferscope::tsdb
