// SPDX-License-Identifier: Apache-2.0
// The first byte chooses. Even: the rest is a block's file, checksums and all. Odd: the rest is the
// groups of a block whose other parts are good, behind a right checksum. Whatever it is, asking and
// merging stay in bounds, and merging changes no answer.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "base/memory_files.h"
#include "tsdb/block_set.h"

namespace inferscope::tsdb {
namespace {

using Answer = std::map<Labels, std::map<Timestamp, std::uint64_t>>;

constexpr Timestamp kFirst = std::numeric_limits<Timestamp>::min();
constexpr Timestamp kLast = std::numeric_limits<Timestamp>::max();

std::unique_ptr<Blocks> open(Files& files) {
    auto blocks = Blocks::open(files, "blocks", {.keep_longer = {}});
    CHECK(blocks, "a harmed block keeps nobody from opening");
    return *std::move(blocks);
}

/// Two groups, of two chunks and of one, at odd times.
void add_block(Blocks& blocks, Timestamp start) {
    auto writer = blocks.start_block(0);
    CHECK(writer, "there is room");
    const std::vector<Timestamp> times{start, start + 1, start + 5, start + 9};
    for (const char* job : {"a", "b"}) {
        std::vector<ColumnName> names;
        for (std::size_t column = 0; column < 3; ++column) {
            names.push_back({column, Labels::from({{"job", job}, {"le", std::to_string(column)}}),
                             column == 1 ? TimeRange{start, start + 5} : TimeRange{}});
        }
        const auto fill = [&](std::size_t column, std::size_t row, std::span<double> values,
                              std::span<std::uint64_t> present) {
            for (std::size_t i = 0; i < values.size(); ++i)
                values[i] = static_cast<double>(column * 10 + row + i);
            present[0] = column == 2 ? 0b101 : ~std::uint64_t{0};
        };
        (*writer)->start_group(names, Numbering::kept);
        CHECK((*writer)->add_rows(std::span(times).first(2), fill), "there is room");
        CHECK((*writer)->add_rows(std::span(times).subspan(2), fill), "there is room");
        (*writer)->end_group();
    }
    CHECK(blocks.add(*std::move(writer)), "there is room");
}

/// A good block but for its groups.
std::string with_groups(std::string_view groups) {
    static const std::string good = [] {
        MemoryFiles files;
        add_block(*open(files), 100);
        return files.bytes("blocks/00000001.block");
    }();
    const std::string_view bytes = good;
    auto footer = *block_format::read_footer(
        bytes.substr(bytes.size() - block_format::kFooterBytes), bytes.size());
    auto& sections = footer.sections;
    const auto chunks = bytes.substr(0, sections[block_format::kGroups].offset);
    const auto behind =
        bytes.substr(sections[block_format::kIndex].offset,
                     sections[block_format::kIndex].bytes + sections[block_format::kMeta].bytes);
    const auto shift = groups.size() - sections[block_format::kGroups].bytes;  // modulo 2^64
    sections[block_format::kGroups].bytes += shift;
    sections[block_format::kGroups].crc = crc32c(groups);
    sections[block_format::kIndex].offset += shift;
    sections[block_format::kMeta].offset += shift;
    footer.total += shift;
    return std::string(chunks) + std::string(groups) + std::string(behind) +
           block_format::to_bytes(footer);
}

Answer ask(const Blocks& blocks) {
    Answer answer;
    for (const auto& block : *blocks.list()) {
        const auto selection = block->read({}, kFirst, kLast, 1'000'000);
        if (!selection) continue;
        for (const auto& series : selection->series) {
            for (const auto& sample : selection->samples(series)) {
                answer[series.labels].emplace(sample.time,
                                              std::bit_cast<std::uint64_t>(sample.value));
            }
        }
        const auto& times = block->meta().times;
        (void)block->series({}, times.from, times.from);
        (void)block->label_values("job", {});
        CHECK(block->read(std::vector{Matcher::equal("le", "1")}, times.to, times.to, SIZE_MAX),
              "there is no bound");
    }
    return answer;
}

void check(std::string file) {
    MemoryFiles files;
    files.set_bytes("blocks/00000001.block", std::move(file));
    auto blocks = open(files);
    add_block(*blocks, 2000);
    add_block(*blocks, 100'000'000);
    (void)ask(*blocks);  // what is harmed is set aside
    const auto before = ask(*blocks);
    const auto merged = blocks->compact(0);
    if (merged) CHECK(ask(*blocks) == before, "merging changes no answer");
    CHECK(ask(*open(files)) == ask(*blocks), "opening anew changes no answer");
    (void)blocks->delete_series(std::vector{Matcher::equal("job", "a")}, {}, 0);
}

}  // namespace
}  // namespace inferscope::tsdb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    inferscope::log::set_level(static_cast<inferscope::log::Level>(4));
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    inferscope::tsdb::check(data[0] % 2 == 0 ? std::string(rest)
                                             : inferscope::tsdb::with_groups(rest));
    return 0;
}
