// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_labels.h"

#include <gtest/gtest.h>

#include "tsdb/wal_for_test.h"

namespace inferscope::tsdb::wal {
namespace {

TEST(WalLabels, ColumnsComeBackWithFamiliesAndSecondNames) {
    auto columns = engine_columns(30, "gpu7:8000");
    columns[3].family = nullptr;
    columns[4].second_names.clear();
    columns[5].labels = Labels();
    columns[6].labels = Labels::from({{kMetricName, std::string(1000, 'x')}, {"a", "b"}});
    columns[7].labels = Labels::from({{kMetricName, std::string(1000, 'x')}, {"a", "c"}});
    std::string bytes;
    LabelsWriter writer(bytes);
    for (const auto& column : columns) writer.column(column);
    ByteReader in(bytes);
    LabelsReader reader(in);
    std::vector<Column> read;
    for (std::size_t i = 0; i < columns.size(); ++i) read.push_back(reader.column());
    ASSERT_TRUE(in.ok());
    EXPECT_TRUE(in.rest().empty());
    CallRecorder expected;
    CallRecorder got;
    expected.add_columns(expected.open_group("g"), columns);
    got.add_columns(got.open_group("g"), read);
    EXPECT_EQ(got.lines, expected.lines);
    EXPECT_EQ(read[1].family, read[2].family);  // one family, one object
}

TEST(WalLabels, NeighbouringBucketsTakeFewBytes) {
    std::string bytes;
    LabelsWriter writer(bytes);
    const auto columns = engine_columns(400, "gpu7:8000");
    for (const auto& column : columns) writer.labels(column.labels);
    EXPECT_LT(bytes.size(), 400 * 8 + 200);
}

TEST(WalLabels, RefusesRubbish) {
    const auto refused = [](std::string_view bytes) {
        ByteReader in(bytes);
        LabelsReader reader(in);
        reader.labels();
        reader.family();
        reader.shown_on();
        return !in.ok();
    };
    using namespace std::string_view_literals;
    EXPECT_FALSE(refused("\0\0\4\1\1ab\0\0"sv));
    EXPECT_TRUE(refused("\1\0\3\1ab\0\0"sv));               // shares with nothing
    EXPECT_TRUE(refused("\0\0\3\1\0a\0\0"sv));              // empty value
    EXPECT_TRUE(refused("\0\0\10\1\1bb\1\1ab\0\0"sv));      // not sorted
    EXPECT_TRUE(refused("\0\0\4\1\2ab\0\0"sv));             // value past the end
    EXPECT_TRUE(refused("\0\0\4\1\1ab\2\0"sv));             // a family that isn't there
    EXPECT_TRUE(refused("\0\0\4\1\1ab\1\1f\x20\0\0\0"sv));  // no such type
    EXPECT_TRUE(refused("\0\0\4\1\1ab\0\2"sv));             // no such page
    EXPECT_TRUE(refused("\0\0\4\1\1a"sv));
}

}  // namespace
}  // namespace inferscope::tsdb::wal
