// SPDX-License-Identifier: Apache-2.0
#include "tsdb/survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/memory_files.h"
#include "tsdb/store.h"

namespace inferscope::tsdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kBlock = "data/blocks/00000001.block";
constexpr const char* kSegment = "data/wal/00000002.wal";

/// A store with one block and, behind it, one row in the log, that nobody has open.
class SurveyTest : public testing::Test {
protected:
    void SetUp() override {
        auto opened = Store::open(files_, "data", {});
        ASSERT_TRUE(opened) << opened.error().text;
        auto& store = **opened;
        const auto group = store.appender().open_group("test");
        const Column column{
            .labels = Labels::from({{kMetricName, "a"}}), .family = {}, .second_names = {}};
        store.appender().add_columns(group, {&column, 1});
        const auto append = [&](Timestamp time) {
            const double value = static_cast<double>(time);
            const Row row{.time = time, .values = {&value, 1}, .changed = {}};
            ASSERT_TRUE(store.appender().append_row(group, row));
        };
        for (Timestamp time = 1000; time <= 5000; time += 1000) append(time);
        ASSERT_TRUE(store.flush(1));
        append(6000);
    }
    void flip(const char* path, std::size_t at) {
        auto bytes = files_.bytes(path);
        bytes[at] = static_cast<char>(bytes[at] ^ 1);
        files_.set_bytes(path, bytes);
    }
    std::vector<std::string> harms() {
        const auto report = find_harm(files_, "data");
        EXPECT_TRUE(report);
        return report ? report->harms : std::vector<std::string>();
    }

    MemoryFiles files_;
};

TEST_F(SurveyTest, TellsBlocksAndSegments) {
    const auto survey = survey_store(files_, "data");
    ASSERT_TRUE(survey) << survey.error().text;
    ASSERT_EQ(survey->blocks.size(), 1);
    EXPECT_EQ(survey->blocks[0].samples, 5);
    ASSERT_EQ(survey->segments.size(), 1);
    EXPECT_EQ(survey->segments[0].number, 2);
    EXPECT_EQ(survey->segments[0].rows, 1);
    EXPECT_EQ(survey->segments[0].bytes, files_.bytes(kSegment).size());
    EXPECT_THAT(harms(), IsEmpty());
}

TEST_F(SurveyTest, NamesEveryFlippedByte) {
    for (const char* path : {kBlock, kSegment}) {
        for (std::size_t at = 0; at < files_.bytes(path).size(); ++at) {
            flip(path, at);
            EXPECT_THAT(harms(), ElementsAre(HasSubstr(path))) << at;
            flip(path, at);
        }
    }
}

TEST_F(SurveyTest, AReaderSeesEverythingAndChangesNothing) {
    flip(kSegment, files_.bytes(kSegment).size() - 1);
    const auto block = files_.bytes(kBlock);
    const auto segment = files_.bytes(kSegment);
    const auto store = Store::open_for_reading(files_, "data");
    ASSERT_TRUE(store) << store.error().text;
    const auto selection = (*store)->read({}, 0, kForever, 100);
    ASSERT_TRUE(selection);
    ASSERT_EQ(selection->series.size(), 1);
    EXPECT_EQ(selection->samples(selection->series[0]).size(), 5);  // the torn row is lost
    EXPECT_EQ(files_.bytes(kBlock), block);
    EXPECT_EQ(files_.bytes(kSegment), segment);
}

TEST_F(SurveyTest, AHarmedBlockStaysWhereItIs) {
    flip(kBlock, files_.bytes(kBlock).size() - 1);
    const auto survey = survey_store(files_, "data");
    ASSERT_TRUE(survey);
    EXPECT_EQ(survey->harmed_blocks, 1);
    EXPECT_THAT(survey->blocks, IsEmpty());
    EXPECT_FALSE(files_.bytes(kBlock).empty());
}

}  // namespace
}  // namespace inferscope::tsdb
