// SPDX-License-Identifier: Apache-2.0
// Any bytes as the index of a block; their checksums are made right, so that what lies behind them
// is met. An index that opens must answer every question; written again it must be the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "tsdb/index_block.h"
#include "tsdb/index_head.h"
#include "tsdb/index_writer.h"

namespace inferscope::tsdb {
namespace {

/// The sections as the header tells them, cut to what is there.
std::string sealed(std::string_view input) {
    index_format::Header header;
    std::memcpy(&header, input.data(), std::min(input.size(), sizeof header));
    input.remove_prefix(std::min(input.size(), sizeof header));
    index_format::Sections sections;
    for (std::size_t i = 0; i < sections.size(); ++i) {
        sections[i] = input.substr(0, header.sections[i].bytes);
        input.remove_prefix(sections[i].size());
    }
    auto bytes = index_format::assemble(header, sections);
    CHECK(bytes, "an input is small");
    return std::move(*bytes);
}

void check_answers(const Index& index) {
    const auto names = index.label_names({});
    const auto all = index.select({});
    CHECK(all.size() == index.series_count(), "no matcher means all");
    for (const auto& name : names) {
        const std::vector has{Matcher::not_equal(name, "")};
        const std::vector lacks{Matcher::equal(name, "")};
        CHECK(std::ranges::is_sorted(index.select(has)), "ids rise");
        CHECK(std::ranges::is_sorted(index.select(lacks)), "ids rise");
        for (const auto& value : index.label_values(name, {}, 20)) {
            CHECK(!index.select(std::vector{Matcher::equal(name, value)}).empty(),
                  "a label is on a series");
        }
    }
}

void check(std::string_view input) {
    (void)BlockIndex::open(input);
    const auto bytes = sealed(input);
    const auto index = BlockIndex::open(bytes);
    if (!index) return;
    check_answers(*index);

    HeadIndex head;
    IndexWriter writer;
    index->for_each_series(index->select({}), [&](SeriesId id, const Labels& labels,
                                                  std::span<const ColumnPlace> places) {
        CHECK(index->labels(id) == labels, "one series is as among all");
        head.get_or_add(labels);
        writer.add(labels, places);
    });
    check_answers(head);
    const auto written = writer.finish();
    CHECK(written, "it was small");
    const auto again = BlockIndex::open(*written);
    CHECK(again, "what is written can be read");
    CHECK(again->series_count() == index->series_count(), "each series is there");
    for (const auto id : index->select({})) {
        CHECK(again->labels(id) == index->labels(id), "labels are the same");
        CHECK(again->places(id) == index->places(id), "places are the same");
    }
}

}  // namespace
}  // namespace inferscope::tsdb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    inferscope::tsdb::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
