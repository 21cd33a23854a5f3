// SPDX-License-Identifier: Apache-2.0
// Opening a block's index: every checksum, every length, every order that readers rely on.
#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "tsdb/index_block.h"

namespace inferscope::tsdb {

using index_format::Header;
using index_format::kLabelsPerRun;
using index_format::kSections;
using index_format::kSeriesPerRun;

namespace {

/// One label at most of each name. `ends` tells for each label where its name's labels end.
bool is_label_set(std::span<const LabelNumber> labels, std::span<const LabelNumber> ends) {
    LabelNumber end = 0;
    for (const auto label : labels) {
        if (label < end || label >= ends.size()) return false;
        end = ends[label];
    }
    return true;
}

Error bad(std::string_view what) {
    return Error{Errc::invalid_argument, fmt::format("index of a block: {}", what)};
}

Result<Header> read_header(std::string_view bytes) {
    Header header;
    if (bytes.size() < sizeof header) {
        return bad(fmt::format("{} bytes, fewer than its header has", bytes.size()));
    }
    std::memcpy(&header, bytes.data(), sizeof header);
    if (!std::ranges::equal(header.magic, index_format::kMagic)) return bad("it isn't one");
    if (header.version != index_format::kVersion) {
        return bad(
            fmt::format("version {}, only {} is known", header.version, index_format::kVersion));
    }
    if (crc32c(bytes.substr(0, sizeof header - sizeof header.crc)) != header.crc) {
        return bad("checksum of the header is wrong");
    }
    return header;
}

/// The sections' bytes. They follow each other and end where the index ends.
Result<std::array<std::string_view, kSections>> cut(std::string_view bytes, const Header& header) {
    constexpr std::array<std::string_view, kSections> kSectionNames{"names", "labels", "postings",
                                                                    "series"};
    std::array<std::string_view, kSections> sections;
    std::uint64_t offset = sizeof header;
    for (std::size_t i = 0; i < kSections; ++i) {
        const auto& place = header.sections[i];
        if (place.offset != offset || place.bytes > bytes.size() - offset) {
            return bad(fmt::format("section of {} doesn't lie within it", kSectionNames[i]));
        }
        sections[i] = bytes.substr(offset, place.bytes);
        offset += place.bytes;
        if (crc32c(sections[i]) != place.crc) {
            return bad(fmt::format("checksum of the section of {} is wrong", kSectionNames[i]));
        }
    }
    if (offset != bytes.size()) return bad("bytes behind the last section");
    return sections;
}

}  // namespace

Result<BlockIndex> BlockIndex::open(std::string_view bytes) {
    const auto header = read_header(bytes);
    if (!header) return header.error();
    const auto sections = cut(bytes, *header);
    if (!sections) return sections.error();
    BlockIndex index;
    index.labels_ = LabelTable((*sections)[index_format::kLabels], header->labels);
    index.series_ = SeriesTable((*sections)[index_format::kSeries], header->series);
    index.postings_ = (*sections)[index_format::kPostings];
    if (!index.labels_.ok() || !index.series_.ok()) return bad("a table is cut off");
    const auto names = index.read_names((*sections)[index_format::kNames], *header);
    if (!names) return names.error();
    const auto checked = index.check();
    if (!checked) return checked.error();
    return index;
}

Result<void> BlockIndex::read_names(std::string_view section, const Header& header) {
    index_format::ByteReader reader(section);
    std::uint64_t labels = 0;
    while (reader.ok() && !reader.at_end()) {
        const auto text = reader.bytes(reader.varint());
        const std::uint32_t count = reader.varint32();
        const bool rises = names_.empty() || names_.back().text < text;
        if (!reader.ok() || !rises || count == 0) return bad("names are no sorted list");
        names_.push_back({text, static_cast<LabelNumber>(labels), count});
        labels += count;
        if (labels > header.labels) return bad("names have more labels than there are");
    }
    if (!reader.ok() || labels != header.labels || names_.size() != header.names) {
        return bad("names don't have all labels");
    }
    return {};
}

Result<void> BlockIndex::check() const {
    const auto listed = check_labels();
    if (!listed) return listed.error();
    const auto found = check_series();
    if (!found) return found.error();
    if (*listed != *found) return bad("lists of ids don't fit the series");
    return {};
}

/// Ids in all lists.
Result<std::uint64_t> BlockIndex::check_labels() const {
    LabelCursor cursor(labels_, 0);
    std::uint64_t ids = 0;
    std::uint64_t postings = 0;
    std::string before;
    for (NameNumber name = 0; name < names_.size(); ++name) {
        before.clear();  // no value is empty
        for (std::uint32_t i = 0; i < names_[name].count; ++i) {
            const std::size_t start = cursor.offset();
            if (!cursor.next()) return bad("labels are cut off");
            if (cursor.number() % kLabelsPerRun == 0) {
                const auto run = labels_.run(cursor.number() / kLabelsPerRun);
                if (run.record != start || run.postings != postings) return bad("table of labels");
            }
            if (cursor.value() <= before) return bad("labels aren't sorted");
            const auto count = count_listed(cursor.ids());
            if (!count || *count != cursor.ids().count || *count == 0) return bad("a list of ids");
            before = cursor.value();
            ids += *count;
            postings += cursor.ids().bytes;
        }
    }
    if (cursor.offset() != labels_.records().size()) return bad("bytes behind the labels");
    if (postings != postings_.size()) return bad("bytes behind the lists of ids");
    return ids;
}

std::optional<std::uint64_t> BlockIndex::count_listed(const LabelIds& ids) const {
    if (ids.offset > postings_.size() || ids.bytes > postings_.size() - ids.offset) {
        return std::nullopt;
    }
    auto cursor = ids_of(ids);
    std::uint64_t count = 0;
    while (const auto run = cursor.next()) count += run->length;
    if (!cursor.ok()) return std::nullopt;
    return count;
}

/// Labels on all series.
Result<std::uint64_t> BlockIndex::check_series() const {
    SeriesCursor cursor(series_);
    std::uint64_t labels = 0;
    std::vector<LabelNumber> before;
    std::vector<LabelNumber> ends;
    for (const auto& name : names_) ends.resize(name.first + name.count, name.first + name.count);
    for (SeriesId id = 0; id < series_.size(); ++id) {
        const std::size_t start = cursor.offset();
        if (!cursor.next()) return bad("series are cut off");
        if (id % kSeriesPerRun == 0 && series_.run(id / kSeriesPerRun) != start) {
            return bad("table of series");
        }
        const auto now = cursor.labels();
        if (!is_label_set(now, ends)) return bad("a label set");
        if (id > 0 && !std::ranges::lexicographical_compare(before, now)) {
            return bad("series aren't sorted");
        }
        before.assign(now.begin(), now.end());
        labels += now.size();
    }
    if (cursor.offset() != series_.records().size()) return bad("bytes behind the series");
    return labels;
}

}  // namespace inferscope::tsdb
