// SPDX-License-Identifier: Apache-2.0
// The first byte chooses. Even: the rest is a chunk behind its checksum; opening and decoding it
// must stay in bounds, and what can be decoded must give the same when sealed and decoded again.
// Odd: the rest makes columns, which must come back bit for bit.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "tsdb/bit_varint.h"
#include "tsdb/chunk_view.h"
#include "tsdb/chunk_writer.h"

namespace inferscope::tsdb {
namespace {

constexpr std::size_t kMostColumns = 200;  ///< decoded; more would only be slow

struct Column {
    std::vector<double> values;
    std::vector<std::uint64_t> present;  ///< empty: all
};

bool same(const Column& a, const Column& b) {
    for (std::size_t row = 0; row < a.values.size(); ++row) {
        const bool present = is_present(a.present, row);
        if (present != is_present(b.present, row)) return false;
        if (present && std::bit_cast<std::uint64_t>(a.values[row]) !=
                           std::bit_cast<std::uint64_t>(b.values[row]))
            return false;
    }
    return true;
}

/// Columns that can be decoded; stops at the first that can't.
std::vector<Column> decode(const ChunkView& view) {
    std::vector<Column> columns;
    ColumnDecoder decoder(view);
    for (std::size_t i = 0; i < std::min(view.columns(), kMostColumns); ++i) {
        Column column{std::vector<double>(view.rows()),
                      std::vector<std::uint64_t>((view.rows() + 63) / 64)};
        const auto presence = decoder.decode(i, column.values, column.present);
        if (!presence) break;
        if (*presence == Presence::all) column.present.clear();
        columns.push_back(std::move(column));
    }
    return columns;
}

void check_round_trip(std::span<const Timestamp> times, const std::vector<Column>& columns) {
    ChunkWriter writer;
    writer.begin(times);
    for (const auto& column : columns) writer.add_column(column.values, column.present);
    std::string bytes;
    writer.finish(bytes);
    const auto view = ChunkView::open(bytes);
    CHECK(view, "what was sealed can be opened");
    CHECK(std::ranges::equal(view->times(), times), "times are the same");
    const auto again = decode(*view);
    CHECK(std::ranges::equal(again, columns, same), "columns are the same, bit for bit");
}

void check_rubbish(std::string_view bytes) {
    const auto view = ChunkView::open_unchecked(bytes);
    if (view) check_round_trip(view->times(), decode(*view));
}

/// Rows, then for each column a byte that says how it is made and what that needs.
void check_made(std::string_view bytes) {
    ByteReader in(bytes);
    const std::size_t rows = 1 + in.byte();
    std::vector<Timestamp> times(rows);
    for (std::size_t row = 0; row < rows; ++row)
        times[row] = (row == 0 ? in.word<std::int32_t>() : times[row - 1]) + 1 + in.byte();
    std::vector<Column> columns;
    while (in.ok() && !in.rest().empty() && columns.size() < kMostColumns) {
        const auto kind = in.byte();
        Column column{std::vector<double>(rows), {}};
        double sum = in.word<std::int16_t>();
        for (std::size_t row = 0; row < rows; ++row) {
            double& value = column.values[row];
            switch (kind % 6) {
                case 0:
                    value = sum;
                    break;
                case 1:
                    value = sum += in.byte() / 8;
                    break;
                case 2:
                    value = std::bit_cast<double>(in.word<std::uint64_t>());
                    break;
                case 3:
                    value = (sum += in.byte()) / 100;
                    break;
                case 4:
                    value = sum += in.word<float>();
                    break;
                default:
                    value = columns.empty() ? 0 : columns[kind % columns.size()].values[row] + sum;
            }
        }
        for (std::size_t row = 0; kind >= 192 && row < rows; row += 64)
            column.present.push_back(in.word<std::uint64_t>());
        columns.push_back(std::move(column));
    }
    check_round_trip(times, columns);
}

}  // namespace
}  // namespace inferscope::tsdb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] % 2 == 0) {
        inferscope::tsdb::check_rubbish(rest);
    } else {
        inferscope::tsdb::check_made(rest);
    }
    return 0;
}
